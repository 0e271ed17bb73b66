import { hostname } from 'node:os'
import type { FileSystem } from './file-system.ts'
import type { ProcessInfo, ProcessName } from './process-info.ts'

/**
 * This process as the operating system knows it: exact on Linux (`/proc`), elsewhere as good as
 * signal 0, that is without a start time.
 */
export async function nodeProcessInfo(files: FileSystem): Promise<ProcessInfo> {
  const bootId = await readText(files, '/proc/sys/kernel/random/boot_id')
  return {
    pid: process.pid,
    startTime: await startTimeOf(files, process.pid),
    // Containers share the boot but not the process numbers; the host name tells them apart.
    bootId: bootId === undefined ? '' : `${bootId.trim()}@${hostname()}`,
    isAlive: (other) => isAlive(files, other),
  }
}

async function isAlive(files: FileSystem, other: ProcessName): Promise<boolean> {
  if (!exists(other.pid)) return false
  return other.startTime === '' || (await startTimeOf(files, other.pid)) === other.startTime
}

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (thrown) {
    // EPERM: it runs, under another user.
    return thrown instanceof Error && 'code' in thrown && thrown.code === 'EPERM'
  }
}

/** Clock ticks since boot: field 22. The second field may hold spaces and brackets, so count from its end. */
async function startTimeOf(files: FileSystem, pid: number): Promise<string> {
  const text = await readText(files, `/proc/${pid}/stat`)
  if (text === undefined) return ''
  return text.slice(text.lastIndexOf(')') + 2).split(' ')[19] ?? ''
}

async function readText(files: FileSystem, path: string): Promise<string | undefined> {
  const bytes = await files.read(path)
  return bytes === undefined ? undefined : new TextDecoder().decode(bytes)
}
