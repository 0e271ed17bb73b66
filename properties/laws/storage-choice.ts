import fc from 'fast-check'

/** Where the state of a random run lies, and how often it is copied. */
export interface StorageChoice {
  /** State is copied in every epoch that changes it. */
  readonly snapshots: boolean
  /** State leaves memory as soon as it may. */
  readonly spills: boolean
  /** Some requests to the disk take long: others go first. */
  readonly hasSlowDisk: boolean
}

/** Fields of a random case. */
export const storageChoices = {
  snapshots: fc.boolean(),
  spills: fc.boolean(),
  hasSlowDisk: fc.boolean(),
}

/** The settings of a session that make it so. */
export function storageConfig({
  snapshots,
  spills,
}: StorageChoice): Readonly<Record<string, number>> {
  return {
    ...(snapshots ? { snapshotMinBytes: 1 } : {}),
    ...(spills ? { stateCache: 1 } : {}),
  }
}

/** What differs from the usual, as a person reads it. */
export function storageTexts({ snapshots, spills, hasSlowDisk }: StorageChoice): readonly string[] {
  return [
    ...(snapshots ? ['a snapshot in each epoch'] : []),
    ...(spills ? ['state out of memory'] : []),
    ...(hasSlowDisk ? ['a slow disk'] : []),
  ]
}
