import { liveRows } from '../batch/batch.ts'
import type { Source } from '../flow/connector.ts'
import { numberAt } from './numbered-position.ts'
import { readSchema, type SourceContext } from './registry.ts'
import type { RowLog } from './row-log.ts'

/** What sets one source over a row log apart from another. */
export interface NumberedSource {
  readonly description: string
  readonly replayable: boolean
  readonly log: RowLog
  /**
   * Called before anything is done with positions: `from` is where reading begins, and the log must
   * have every row below `to`. Throws, or makes it so.
   */
  reach(from: number, to: number): void
  /** Rows below the number were read. */
  consumed?(row: number): void
  /** Rows below the number are committed; the log has let go of them. */
  commit?(row: number): Promise<void>
  close?(): Promise<void>
  /** Called after rows were added. */
  readonly wakes?: Set<() => void>
  metrics?(): Readonly<Record<string, string>>
}

/** A source with one partition, `0`, whose position is the number of the next row. */
export function numberedSource(
  context: Pick<SourceContext, 'schema' | 'columns'>,
  parts: NumberedSource,
): Source {
  const { log, wakes } = parts
  const { columns } = context
  return {
    description: parts.description,
    schema: readSchema(context),
    replayable: parts.replayable,
    async initial() {
      parts.reach(log.start, log.start)
      return { '0': log.start }
    },
    async latest(from, { maxRows = Number.POSITIVE_INFINITY }, end) {
      const start = numberAt(from, '0')
      parts.reach(start, start)
      parts.consumed?.(start)
      const stop = Math.min(log.end, end === undefined ? log.end : numberAt(end, '0'))
      return { '0': Math.max(start, Math.min(stop, start + maxRows)) }
    },
    async *read({ from, to }, { index }) {
      const range = { from: numberAt(from, '0'), to: numberAt(to, '0') }
      parts.reach(range.from, range.to)
      // One partition, one lane: its rows keep their order.
      if (index === 0) yield* log.between(range.from, range.to, columns)
    },
    async poll(from, maxRows) {
      const start = numberAt(from, '0')
      parts.reach(start, start)
      parts.consumed?.(start)
      for (const batch of log.between(start, start + maxRows, columns)) {
        return { batch, position: { '0': start + liveRows(batch) } }
      }
      return undefined
    },
    async commit(position) {
      const row = numberAt(position, '0')
      log.dropBefore(row)
      await parts.commit?.(row)
    },
    close: async () => parts.close?.(),
    ...(wakes === undefined
      ? {}
      : {
          onArrival(wake: () => void) {
            wakes.add(wake)
            return () => void wakes.delete(wake)
          },
        }),
    ...(parts.metrics === undefined ? {} : { metrics: parts.metrics }),
  }
}
