import type { DataFrame } from '../../../src/index.ts'
import type { Dataset } from '../../../src/streaming.ts'
import { IntegerType, StringType, StructType, TimestampType } from '../../../src/types.ts'
import { gives, refuses, timed } from './cell.ts'
import { keepsEverything, rows, type Shape } from './shape.ts'

const row = StructType()
  .add('user', StringType(), false)
  .add('t', TimestampType())
  .add('v', IntegerType(), false)
const sum = StructType().add('user', StringType(), false).add('sum', IntegerType(), false)

/** The columns of an input, by user. */
export const keyed = (frame: DataFrame) => frame.as(row).groupByKey('user')

type Sums = Dataset<{ user: string; sum: number }>

/** The sum of each user so far, whenever a row comes. */
export const mapGroups = (frame: DataFrame): Sums =>
  keyed(frame).mapGroupsWithState(
    (user, values, state) => {
      const total = values.reduce((all, { v }) => all + v, state.get() ?? 0)
      state.update(total)
      return { user, sum: total }
    },
    { output: sum, state: 'INT' },
  )

/** The same, by the function that may give any number of rows. */
export const flatMapGroups = (frame: DataFrame, outputMode: 'append' | 'update'): Sums =>
  keyed(frame).flatMapGroupsWithState(
    (user, values, state) => {
      const total = values.reduce((all, { v }) => all + v, state.get() ?? 0)
      state.update(total)
      return [{ user, sum: total }]
    },
    { output: sum, state: 'INT', outputMode },
  )

/** The same, by a processor. */
export const processed = (frame: DataFrame, outputMode?: 'append' | 'update'): Sums =>
  keyed(frame).transformWithState(
    () => {
      let total: { get(): number | undefined; update(value: number): void } | undefined
      return {
        init(handle) {
          total = handle.valueState('total', 'INT')
        },
        *handleInputRows(user: string, values: readonly { readonly v: number }[]) {
          const now = values.reduce((all, { v }) => all + v, total?.get() ?? 0)
          total?.update(now)
          yield { user, sum: now }
        },
      }
    },
    { output: sum, ...(outputMode === undefined ? {} : { outputMode }) },
  )

/** Twice the value, at once or later. */
function doubled(frame: DataFrame, how: 'map' | 'mapAsync'): Sums {
  const twice = ({ user, v }: { readonly user: string; readonly v: number }) => ({
    user,
    sum: v * 2,
  })
  const rowsOf = frame.as(row)
  return how === 'map' ? rowsOf.map(twice, sum) : rowsOf.mapAsync(async (each) => twice(each), sum)
}

const sums = gives(['ada 1', 'bob 2'], ['ada 8'], ['bob 13'])
const onlyUpdate = refuses(
  'OUTPUT_MODE_UNSUPPORTED',
  /mapGroupsWithState gives out a changed row of a group each time/,
  /outputMode\('update'\)/,
)
const given = (mode: string) =>
  refuses(
    'OUTPUT_MODE_UNSUPPORTED',
    new RegExp(`flatMapGroupsWithState was given outputMode ${mode}`),
    new RegExp(`outputMode\\('${mode}'\\)`),
  )
const processorGiven = (mode: string) =>
  refuses(
    'OUTPUT_MODE_UNSUPPORTED',
    new RegExp(`processor was given outputMode ${mode}`),
    new RegExp(`outputMode\\('${mode}'\\)`),
  )

/** State in the hands of the user. */
export const programShapes: readonly Shape[] = [
  ...(['map', 'mapAsync'] as const).map(
    (name): Shape => ({
      row: '`map`, `flatMap`, `mapAsync` (*ours*)',
      name,
      build: (input) => doubled(timed(input), name).toDF(),
      steps: rows,
      append: gives(['ada 2', 'bob 4'], ['ada 6', 'ada 8'], ['bob 10', 'bob 12']),
      update: gives(['ada 2', 'bob 4'], ['ada 6', 'ada 8'], ['bob 10', 'bob 12']),
      complete: keepsEverything,
    }),
  ),
  {
    row: '`mapGroupsWithState`',
    name: 'sums',
    build: (input) => mapGroups(timed(input)).toDF(),
    steps: rows,
    append: onlyUpdate,
    update: sums,
    complete: onlyUpdate,
  },
  {
    row: '`flatMapGroupsWithState` in append',
    name: 'sums',
    build: (input) => flatMapGroups(timed(input), 'append').toDF(),
    steps: rows,
    append: sums,
    update: given('append'),
    complete: given('append'),
  },
  {
    row: '`flatMapGroupsWithState` in update',
    name: 'sums',
    build: (input) => flatMapGroups(timed(input), 'update').toDF(),
    steps: rows,
    append: given('update'),
    update: sums,
    complete: given('update'),
  },
  {
    row: '`transformWithState`',
    name: 'sums',
    build: (input) => processed(timed(input)).toDF(),
    steps: rows,
    append: sums,
    update: sums,
    complete: keepsEverything,
  },
  {
    row: '`transformWithState` that says append',
    name: 'sums',
    build: (input) => processed(timed(input), 'append').toDF(),
    steps: rows,
    append: sums,
    update: processorGiven('append'),
    complete: keepsEverything,
  },
  {
    row: '`transformWithState` that says update',
    name: 'sums',
    build: (input) => processed(timed(input), 'update').toDF(),
    steps: rows,
    append: processorGiven('update'),
    update: sums,
    complete: keepsEverything,
  },
]
