import type { LogEntry } from './manifest.ts'

/** The gapless log of one query, opened by one attempt. */
export interface EpochLog {
  /** Every entry that was there when the attempt began, in order. */
  readonly entries: readonly LogEntry[]
  /** This attempt's number; larger than that of every earlier attempt. */
  readonly token: number
  /**
   * Publishes the next entry: durable when it resolves.
   * @throws StreamError `FENCED` when a newer attempt has published; then nothing was written.
   */
  append(entry: LogEntry): Promise<void>
}
