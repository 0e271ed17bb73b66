import type { Json } from '../core/json.ts'
import type { Position } from './message.ts'

/** A source whose partitions processes share among them. */
export interface PartitionSharing {
  /** Where each partition begins that there is at the very first start, by name. */
  initial(): Promise<Position>
  /** The options of a source that reads this partition alone; `from` absent = from its first row on. */
  optionsOf(partition: string, from: Json | undefined): Readonly<Record<string, string>>
  /** Takes part in the sharing. */
  join(owner: PartitionOwner): PartitionMembership
  close(): Promise<void>
}

/** Who works on partitions in this process. */
export interface PartitionOwner {
  /** What it works on now. */
  owned(): readonly string[]
  /** These are its own from now on. */
  gained(partitions: readonly string[]): void
  /** These go to somebody else, as soon as this settles. */
  released(partitions: readonly string[]): Promise<void>
}

export interface PartitionMembership {
  /** Settles when it is over: with an error that stays, or after `leave`. */
  readonly done: Promise<void>
  /** Releases everything and goes. */
  leave(): Promise<void>
}

export interface SharingOptions {
  /** The name under which the processes find each other. */
  readonly group: string
  /** A process that is not heard of for so long has lost its partitions, milliseconds. */
  readonly sessionTimeoutMs: number
  /** How long a process may take to release a partition, milliseconds. */
  readonly rebalanceTimeoutMs: number
}
