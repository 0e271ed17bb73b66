import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync, gzipSync } from 'node:zlib'
import {
  type VirtualFileSystem,
  virtualFileSystem,
} from '../../../properties/virtual-file-system.ts'
import { folderOf } from '../../../src/core/file-system.ts'

/** The disk of a process that died in the middle of its work, as one file. */
export interface GoldenDisk {
  /** How many items had arrived. */
  readonly arrived: number
  readonly disk: VirtualFileSystem
}

const folder = 'test/laws/golden'

/** Formats of which there are files, oldest first. */
export function formats(): readonly string[] {
  return readdirSync(folder)
    .filter((name) => name.startsWith('format-'))
    .sort()
}

/** How many files there are of all formats. */
export function goldenFiles(): number {
  return formats().reduce((sum, format) => sum + readdirSync(join(folder, format)).length, 0)
}

export async function readGolden(format: string, name: string): Promise<GoldenDisk | undefined> {
  const path = pathOf(format, name)
  if (!existsSync(path)) return undefined
  const text = gunzipSync(readFileSync(path)).toString()
  const { arrived, files }: { arrived: number; files: Record<string, string> } = JSON.parse(text)
  const disk = virtualFileSystem()
  for (const [file, bytes] of Object.entries(files)) {
    await disk.makeFolder(folderOf(file))
    await disk.create(file, Buffer.from(bytes, 'base64'))
    await disk.syncFolder(folderOf(file))
  }
  return { arrived, disk }
}

/** Writes a file that is not there yet; `false` if it is: what was released is never changed. */
export async function writeGolden(
  format: string,
  name: string,
  { arrived, disk }: GoldenDisk,
): Promise<boolean> {
  const path = pathOf(format, name)
  if (existsSync(path)) return false
  const files: Record<string, string> = {}
  for (const file of disk.allFiles()) {
    files[file] = Buffer.from((await disk.read(file)) ?? []).toString('base64')
  }
  mkdirSync(join(folder, format), { recursive: true })
  writeFileSync(path, gzipSync(JSON.stringify({ arrived, files }), { level: 9 }))
  return true
}

function pathOf(format: string, name: string): string {
  return join(folder, format, `${name.replaceAll(/\W+/g, '-')}.json.gz`)
}
