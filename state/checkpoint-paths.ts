import type { Epoch } from '../src/core/units.ts'

/** Folders below the checkpoint. What lies in them is named once and never overwritten. */
export const logFolder = 'log'
export const deltaFolder = 'deltas'
export const snapshotFolder = 'snapshots'
/** In a folder that the checkpoints of a fleet lie below, and in none of theirs. */
export const fleetFile = 'fleet'

/** Who writes a file: names carry the token, so that two attempts never meet in one name. */
export interface FileOwner {
  readonly token: number
  readonly task: string
}

/** The file with the changes of one task in one epoch, relative to the checkpoint. */
export function deltaPath(epoch: Epoch, owner: FileOwner): string {
  return `${deltaFolder}/${owner.token}-${epoch}-${safeName(owner.task)}`
}

/**
 * The file (`.hot`) or folder (`.cold`) of one snapshot of a shard, relative to the checkpoint.
 * `sequence` tells snapshots of one attempt apart.
 */
export function snapshotPath(
  shard: { readonly operator: string; readonly shard: number; readonly sequence: number },
  owner: FileOwner,
): string {
  const { operator, shard: number, sequence } = shard
  const task = safeName(owner.task)
  return `${snapshotFolder}/${owner.token}-${sequence}-${task}-${safeName(operator)}-${number}`
}

/** The token in a name made by `deltaPath` or `snapshotPath`; `undefined` for anything else. */
export function tokenOfName(name: string): number | undefined {
  const digits = /^(\d+)-/.exec(name)?.[1]
  return digits === undefined ? undefined : Number(digits)
}

/** A name for files: letters, digits, `_` and `.` stay, the rest is written as `=` and its code. */
export function safeName(name: string): string {
  return name.replaceAll(
    /[^A-Za-z0-9_.]/g,
    (character) => `=${character.charCodeAt(0).toString(16)}`,
  )
}
