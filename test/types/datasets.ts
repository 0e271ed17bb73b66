// Typed rows, keys, state and output: what must compile, and what must not. `tsc` checks this file.
import type { DataFrame } from '../../src/dataframe/data-frame.ts'
import type {
  Dataset,
  ListState,
  MapState,
  StatefulHandle,
  StatefulProcessor,
  Timers,
  ValueState,
} from '../../src/streaming.ts'
import {
  ArrayType,
  DoubleType,
  LongType,
  MapType,
  StringType,
  StructField,
  StructType,
  TimestampType,
} from '../../src/types.ts'

const click = StructType()
  .add('page', StringType(), false)
  .add('user', 'long')
  .add('at', TimestampType())
const total = StructType([
  StructField('page', StringType(), false),
  StructField('clicks', LongType(), false),
])

interface ClickRow {
  readonly page: string
  readonly user: bigint | null
  readonly at: Date | string | null
}

/** Schemas give row types, and these pass through every step. */
export function compiles(frame: DataFrame): Dataset<{ page: string; clicks: bigint }> {
  const clicks: Dataset<ClickRow> = frame.as(click)
  const upper: Dataset<{ page: string; clicks: bigint }> = clicks
    .filter(({ user }) => user !== 7n)
    .map(({ page }) => ({ page: page.toUpperCase(), clicks: 1n }), total)
  const asked: Dataset<{ page: string; clicks: bigint }> = clicks.mapAsync(
    async ({ page }, { signal, attempt }) => ({
      page,
      clicks: signal.aborted ? 0n : BigInt(attempt),
    }),
    total,
    { capacity: 3, retry: { attempts: 2 }, onError: 'drop' },
  )
  void asked
  const nested = StructType()
    .add('tags', ArrayType(StringType()))
    .add('scores', MapType(StringType(), DoubleType()))
    .add('inner', StructType().add('x', 'int', false))
  frame.as(nested).filter(({ tags, scores, inner }) => {
    const tag: string | null | undefined = tags?.[0]
    const score: number | null | undefined = scores?.get('a')
    const x: number | undefined = inner?.x
    return tag === null || score === null || x === 1
  })
  const anything: Dataset<Readonly<Record<string, unknown>>> = frame.as('a INT, b STRING')
  void anything
  clicks.groupByKey('user').mapGroupsWithState(
    (user, rows, state) => {
      const count: bigint = (state.get() ?? 0n) + BigInt(rows.length)
      state.update(count)
      return { page: String(user), clicks: count }
    },
    { output: total, state: LongType() },
  )
  upper.groupByKey(({ page }) => page.length, 'INT')
  return clicks
    .groupByKey('page')
    .transformWithState(new Counter(), { output: total, timeMode: 'processingTime' })
}

class Counter implements StatefulProcessor<string, ClickRow, { page: string; clicks: bigint }> {
  #count: ValueState<bigint> | undefined
  #seen: ListState<Date | string> | undefined
  #users: MapState<bigint, number> | undefined

  init(handle: StatefulHandle): void {
    this.#count = handle.valueState('count', LongType())
    this.#seen = handle.listState('seen', 'TIMESTAMP', { cap: 10 })
    this.#users = handle.mapState('users', 'BIGINT', 'DOUBLE', { ttl: '1 hour' })
    const packed: ValueState<{ n: number }> = handle.valueState<{ n: number }>('packed')
    void packed
  }

  *handleInputRows(page: string, rows: readonly ClickRow[], timers: Timers) {
    for (const { at, user } of rows) {
      if (at !== null) this.#seen?.append(at)
      if (user !== null) this.#users?.put(user, 1)
    }
    timers.register(timers.processingTimeMs + 1000)
    const clicks = (this.#count?.get() ?? 0n) + BigInt(rows.length)
    this.#count?.update(clicks)
    yield { page, clicks }
  }
}

/** Each marked line is refused by the compiler. */
export function isRefused(frame: DataFrame, handle: StatefulHandle): void {
  const clicks = frame.as(click)
  // @ts-expect-error there is no column of this name
  clicks.filter(({ pages }) => pages === 'home')
  // @ts-expect-error a LONG is a bigint
  clicks.filter(({ user }) => user?.toFixed() === '7')
  // @ts-expect-error the user may be NULL
  clicks.map(({ user }) => ({ page: 'a', clicks: user }), total)
  // @ts-expect-error the output lacks a column
  clicks.map(({ page }) => ({ page }), total)
  // @ts-expect-error the answer lacks a column
  clicks.mapAsync(async ({ page }) => ({ page }), total)
  // @ts-expect-error the row comes at once
  clicks.mapAsync(({ page }) => ({ page, clicks: 1n }), total)
  // @ts-expect-error there is no such policy
  clicks.mapAsync(async ({ page }) => ({ page, clicks: 1n }), total, { onError: 'ignore' })
  // @ts-expect-error a key is a column
  clicks.groupByKey('pages')
  // @ts-expect-error the key function does not give what its type says
  clicks.groupByKey(({ page }) => page, 'BIGINT')
  // @ts-expect-error a processor of other keys
  clicks.groupByKey('user').transformWithState(new Counter(), { output: total })
  // @ts-expect-error a processor of another output
  clicks.groupByKey('page').transformWithState(new Counter(), { output: click })
  // @ts-expect-error there is no such time mode
  clicks.groupByKey('page').transformWithState(new Counter(), { output: total, timeMode: 'event' })
  const wrongTime = { output: total, eventTimeColumn: 'at' } as const
  // @ts-expect-error the event-time column is none of the output
  clicks.groupByKey('page').transformWithState(new Counter(), wrongTime)
  const count = handle.valueState('count', 'BIGINT')
  // @ts-expect-error a BIGINT is a bigint
  count.update(1)
  // @ts-expect-error the value may be missing
  const sure: bigint = count.get()
  void sure
  // @ts-expect-error the values of the list are numbers
  handle.listState('l', 'DOUBLE').append('1')
  // @ts-expect-error the keys of the map are text
  handle.mapState('m', 'STRING', 'DOUBLE').put(1, 1)
  clicks.groupByKey('page').mapGroupsWithState(
    (page, _rows, state) => {
      // @ts-expect-error the state is a bigint
      state.update('1')
      return { page, clicks: 1n }
    },
    { output: total, state: 'BIGINT' },
  )
  // @ts-expect-error flatMapGroupsWithState needs an output mode
  clicks.groupByKey('page').flatMapGroupsWithState(() => [], { output: total })
}

/** What a processor may say of its rows, its key and its timers; each marked line is refused. */
export function processorsAreChecked(
  frame: DataFrame,
  handle: StatefulHandle,
  timers: Timers,
): void {
  const byPage = frame.as(click).groupByKey('page')
  const init = (): void => {}
  byPage.transformWithState(
    // @ts-expect-error the rows have no column of this name
    () => ({
      init,
      handleInputRows: (page: string, rows: readonly { readonly pages: string }[]) =>
        rows.map(() => ({ page, clicks: 1n })),
    }),
    { output: total },
  )
  byPage.transformWithState(
    // @ts-expect-error the key is text
    () => ({ init, handleInputRows: (page: bigint) => [{ page: String(page), clicks: 1n }] }),
    { output: total },
  )
  byPage.transformWithState(
    // @ts-expect-error a LONG of the output is a bigint
    () => ({ init, handleInputRows: (page: string) => [{ page, clicks: 1 }] }),
    { output: total },
  )
  byPage.transformWithState(
    // @ts-expect-error a handler gives a list, or nothing
    () => ({ init, handleInputRows: (page: string) => ({ page, clicks: 1n }) }),
    { output: total },
  )
  // @ts-expect-error a processor has to handle rows
  byPage.transformWithState(() => ({ init }), { output: total })
  const initialState = frame.as(total).groupByKey('page')
  byPage.transformWithState(
    () => ({
      init,
      handleInputRows: () => [],
      handleInitialState: (_page: string, row: { readonly user: bigint }) => void row,
    }),
    // @ts-expect-error the initial state has no such column
    { output: total, initialState },
  )
  // @ts-expect-error a timer is set to milliseconds
  timers.register('5 minutes')
  // @ts-expect-error without event time there is no watermark
  timers.register(timers.watermarkMs + 1000)
  // @ts-expect-error there is no such variable kind
  handle.counterState('count')
  // @ts-expect-error a single value has nothing to be appended to
  handle.valueState('count', 'BIGINT').append(1n)
  // @ts-expect-error single values have no cap
  handle.valueState('count', 'BIGINT', { cap: 3 })
  // @ts-expect-error a map has no value without its key
  handle.mapState('m', 'STRING', 'DOUBLE').get()
}
