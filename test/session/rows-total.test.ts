import { expect, test } from 'vitest'
import { simulatedSession } from '../../properties/simulated-session.ts'
import { virtualFileSystem } from '../../properties/virtual-file-system.ts'
import { desc, row_number, Window } from '../../src/functions.ts'
import type { DataFrame } from '../../src/index.ts'
import { type Mode, modes, timed } from './matrix/cell.ts'
import { type Operator, operators } from './matrix/operators.ts'
import { sparkTakes } from './matrix/spark-rules.ts'

// Rows of state are counted wherever they lie: a query whose state hardly fits in memory reports what one
// reports that keeps all of it there.

interface Run {
  readonly stateCache: string
  readonly lanes: number
  /** Begins anew behind each of these epochs. */
  readonly restarts: readonly number[]
}

const epochs = 26
const snapshotEvery = 6
const users = 40

/** Rows of epoch `n`: some users, in time, with a few of long ago. */
const rowsOf = (n: number) =>
  Array.from({ length: 12 }, (_, index) => {
    const user = (n * 7 + index * 5) % users
    const s = 100 + n * 2 - (index % 4) - (index === 11 ? 60 : 0)
    return { user: `user ${user}`, s, v: index }
  })

/** `numRowsTotal` behind each list of rows. */
async function totals(operator: Operator, mode: Mode, run: Run): Promise<readonly unknown[]> {
  const files = virtualFileSystem()
  const found: unknown[] = []
  let life = 0
  const open = (from: number) => {
    const { stateCache, lanes } = run
    const config = {
      stateCache,
      lanes: 1 + ((lanes + life) % 3),
      allowUnbounded: 'true',
      shards: 3,
      snapshotMaxDeltas: snapshotEvery,
    }
    const made = simulatedSession({ seed: 3 + life, files, life: life++, config })
    const inputs = [0, 1].map(() => made.session.memoryStream('user STRING, s INT, v INT'))
    for (let n = 0; n < from; n++) for (const input of inputs) input.addData(rowsOf(n))
    const [frame, other] = inputs.map((input) =>
      input.toDF().selectExpr('user', 'CAST(s AS TIMESTAMP) AS t', 'v'),
    )
    if (frame === undefined || other === undefined) throw new Error('there are two inputs')
    const query = operator
      .apply(timed(frame), timed(other))
      .writeStream.outputMode(mode)
      .option('checkpointLocation', 'checkpoint')
      .format('noop')
      .start()
    return { ...made, inputs, query }
  }
  let world = open(0)
  for (let n = 0; n < epochs; n++) {
    for (const input of world.inputs) input.addData(rowsOf(n))
    await world.simulation.run(world.query.processAllAvailable())
    const progress = world.query.lastProgress
    found.push(progress?.stateOperators.map(({ numRowsTotal }) => numRowsTotal))
    if (!run.restarts.includes(n)) continue
    await world.simulation.run(world.session.stop())
    world = open(n + 1)
  }
  await world.simulation.run(world.session.stop())
  return found
}

const first: Operator = {
  name: 'rows',
  kind: 'deduplicate',
  apply: (frame) => frame,
  usesTime: false,
  keepsTime: true,
}
/** Spark refuses rankings, so they are not among the steps of the matrix. */
const rankings: readonly (readonly [string, Mode, Operator])[] = [
  [
    'the best rows',
    'update',
    { ...first, apply: (frame) => best(frame.select('user', 'v'), 'user', 'v') },
  ],
  [
    'the best groups',
    'update',
    {
      ...first,
      apply: (frame) =>
        best(frame.selectExpr('user', 'v % 3 AS k').groupBy('k', 'user').count(), 'k', 'count'),
    },
  ],
]
const best = (frame: DataFrame, partition: string, points: string): DataFrame =>
  frame
    .withColumn('place', row_number().over(Window.partitionBy(partition).orderBy(desc(points))))
    .filter('place <= 3')

const taken = modes.flatMap((mode) =>
  operators
    .filter((operator) => sparkTakes(first, operator, mode) && operator.kind !== 'sort')
    .map((operator) => [operator.name, mode, operator] as const),
)

test.each([...taken, ...rankings])(
  '%s, %s',
  async (_name, mode, operator) => {
    const large = await totals(operator, mode, { stateCache: '100 MB', lanes: 1, restarts: [] })
    // By then shards have had snapshots, with what had left memory.
    const small = {
      stateCache: '1',
      lanes: 1,
      restarts: [2 * snapshotEvery, 4 * snapshotEvery - 2],
    }
    expect(await totals(operator, mode, small)).toEqual(large)
  },
  60_000,
)
