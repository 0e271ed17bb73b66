import { type FileSystem, joinPath } from '../src/core/file-system.ts'
import type { EpochHeader } from '../src/flow/message.ts'
import { decodeLogFile } from '../state/log-file.ts'
import type { LogEntry } from '../state/manifest.ts'

/** An entry of a log and the file that holds it. */
export interface LoggedEntry {
  readonly path: string
  readonly number: number
  readonly entry: LogEntry
}

/** Every entry of a checkpoint's log, in order; with those, by path, that were there before. */
export async function logEntries(
  files: FileSystem,
  checkpoint: string,
  before?: ReadonlyMap<string, Uint8Array>,
): Promise<readonly LogEntry[]> {
  return (await loggedEntries(files, checkpoint, before)).map(({ entry }) => entry)
}

/** The same with their files. */
export async function loggedEntries(
  files: FileSystem,
  checkpoint: string,
  before: ReadonlyMap<string, Uint8Array> = new Map(),
): Promise<readonly LoggedEntry[]> {
  const folder = joinPath(checkpoint, 'log')
  const names = [
    ...(await files.list(folder)).map(({ name }) => name),
    ...[...before.keys()].map((path) => path.slice(folder.length + 1)),
  ]
  const numbers = [...new Set(names.filter((name) => /^\d+$/.test(name)).map(Number))]
  const entries: LoggedEntry[] = []
  for (const number of numbers.toSorted((left, right) => left - right)) {
    const path = joinPath(folder, String(number))
    const bytes = before.get(path) ?? (await files.read(path))
    if (bytes === undefined) continue
    entries.push({ path, number, entry: decodeLogFile(path, bytes, isLogEntry).entry })
  }
  return entries
}

/** The headers that the engine decided, one per epoch, in order. An epoch may not be decided twice. */
export function decidedEpochs(entries: readonly LogEntry[]): readonly EpochHeader[] {
  const headers = entries.flatMap((entry) =>
    // The engine writes headers and nothing else into its decisions.
    entry.type === 'decision' ? [entry.header as unknown as EpochHeader] : [],
  )
  headers.forEach(({ epoch }, index) => {
    if (epoch !== index) throw new Error(`decision ${index} of the log is about epoch ${epoch}`)
  })
  return headers
}

function isLogEntry(found: unknown): found is LogEntry {
  return typeof found === 'object' && found !== null && 'type' in found
}
