import { type FileSystem, joinPath } from '../../core/file-system.ts'
import { decodeFrames, encodeFrame } from './journal-entry.ts'

/** Ids of accepted pushes, oldest first, with the number after their last row. */
export type PushIds = ReadonlyMap<string, number>

/** What must outlive the rows: how far they were numbered, and which pushes are not to be repeated. */
export interface JournalState {
  readonly end: number
  readonly ids: PushIds
}

/** The number of a state file; `undefined` for other names. */
export function stateNumber(name: string): number | undefined {
  const digits = /^state-(\d+)$/.exec(name)?.[1]
  return digits === undefined ? undefined : Number(digits)
}

/** Writes the state durably under a new number. */
export async function writeState(
  { files, folder, number }: { files: FileSystem; folder: string; number: number },
  { end, ids }: JournalState,
): Promise<void> {
  const text = JSON.stringify({ format: 1, end, ids: [...ids] })
  const path = joinPath(folder, `state-${String(number).padStart(12, '0')}`)
  await files.create(path, encodeFrame(new TextEncoder().encode(text)))
  await files.syncFolder(folder)
}

/** The newest state that was written whole. */
export async function readState(
  files: FileSystem,
  folder: string,
  names: readonly string[],
): Promise<JournalState> {
  const newestFirst = names
    .filter((name) => stateNumber(name) !== undefined)
    .sort()
    .reverse()
  for (const name of newestFirst) {
    const bytes = await files.read(joinPath(folder, name))
    const [frame] = bytes === undefined ? [] : decodeFrames(bytes)
    const state = frame === undefined ? undefined : parseState(new TextDecoder().decode(frame))
    if (state !== undefined) return state
  }
  return { end: 0, ids: new Map() }
}

function parseState(text: string): JournalState | undefined {
  const state: unknown = JSON.parse(text)
  if (typeof state !== 'object' || state === null) return undefined
  if (!('end' in state && 'ids' in state) || !Array.isArray(state.ids)) return undefined
  const ids = new Map<string, number>()
  for (const [id, end] of state.ids) ids.set(String(id), Number(end))
  return { end: Number(state.end), ids }
}
