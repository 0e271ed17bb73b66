import type { SinkFactory, SourceFactory } from '../../src/connectors/registry.ts'
import type { FileSystem } from '../../src/core/file-system.ts'
import type { Position } from '../../src/flow/message.ts'

/** What a source or a sink of one's own may use while a law lets its process die. */
export interface CrashSurroundings {
  /** The disk of this life of the process. */
  readonly files: FileSystem
  /**
   * To be called with a name before each request to anything but the disk: the process may die there, by an
   * exception that nobody may catch.
   */
  readonly step: (name: string) => void
  /** Lets everything else of the simulation go first; what an answer from elsewhere takes. */
  readonly pause?: () => Promise<void>
}

/** A sink of one's own and the eyes of a reader; made once per machine, and outlives its processes. */
export interface SinkUnderCrash {
  /** The format, for one life of the process. */
  factory(here: CrashSurroundings): SinkFactory
  /** Options of the writer. */
  readonly options?: Readonly<Record<string, string>>
  /** A row replaces the one before it that has the same values in these columns. Default: every row stays. */
  readonly keys?: readonly string[]
  /** What a reader sees now: rows as lists in the order of the columns. */
  visible(
    files: FileSystem,
  ): Promise<readonly (readonly unknown[])[]> | readonly (readonly unknown[])[]
  /** The same once more, with all it has outside; then no life has to be lived twice to get to where it died. */
  twin?(): SinkUnderCrash
  /** All it has outside, as text that is equal for equal content: then equal worlds are tried once. */
  state?(): string | undefined
}

/** A source of one's own and the hand that feeds it; made once per machine, and outlives its processes. */
export interface SourceUnderCrash {
  /** The format, for one life of the process. */
  factory(here: CrashSurroundings): SourceFactory
  /** Options of the reader. */
  readonly options?: Readonly<Record<string, string>>
  /** Default: one, `'0'`. */
  readonly partitions?: readonly string[]
  /** Rows arrive at the end of a partition, as lists in the order of the columns. */
  arrive(
    rows: readonly (readonly unknown[])[],
    partition: string,
    files: FileSystem,
  ): Promise<void> | void
  /** How many rows of a partition stand before a position. Default: the number that it holds under its name. */
  rowsBefore?(position: Position, partition: string): number
  /** The same once more, with all it has outside. With it, `arrive` has to be done when it returns. */
  twin?(): SourceUnderCrash
  /** As that of a sink. */
  state?(): string | undefined
}
