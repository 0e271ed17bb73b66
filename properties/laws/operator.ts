import fc from 'fast-check'
import type { Batch } from '../../src/batch/batch.ts'
import { batchOf } from '../../src/batch/build.ts'
import { parseSchema } from '../../src/batch/ddl.ts'
import { fromRow } from '../../src/batch/edge-row.ts'
import { hashValues } from '../../src/batch/key-hash.ts'
import { rowsOf } from '../../src/batch/read.ts'
import type { Value } from '../../src/batch/value.ts'
import type { Epoch, Micros } from '../../src/core/units.ts'
import type { EpochHeader } from '../../src/flow/message.ts'
import type { Operator } from '../../src/flow/operator.ts'
import type { OwnOperator } from '../../src/flow/own-operator.ts'
import { type OwnSpec, ownOperator } from '../../src/operators/own-state.ts'
import type { FrozenState } from '../../state/frozen.ts'
import { laneOfShard, shardOf, shardsOfLane } from '../../state/key-group.ts'
import { spillingState } from '../spilling-state.ts'
import { type LawOptions, runLaw } from './run-law.ts'
import { mustBeSameRows } from './same-rows.ts'

/** An operator of one's own and the rows it is tried on. */
export interface OperatorUnderTest {
  readonly operator: OwnOperator
  /** Columns of the input and the output as DDL. */
  readonly input: string
  readonly output: string
  /** As given to `DataFrame.operator`. */
  readonly keys: readonly string[]
  /** A row as a list in the order of the columns; few different keys find more. */
  readonly row: fc.Arbitrary<readonly unknown[]>
}

/** Rows of one epoch, in the batches they come in, and how far the times go on before it. */
interface EpochInput {
  readonly batches: readonly (readonly (readonly unknown[])[])[]
  readonly passedMs: number
}

interface Way {
  readonly lanes: number
  readonly restarts: boolean
  readonly spills: boolean
  readonly oneBatch: boolean
}

const layout = { shardCount: 4, groupsPerShard: 16 }
const plain: Way = { lanes: 1, restarts: false, spills: false, oneBatch: false }

/**
 * What the engine counts on: the output of an epoch depends on the state before it, the rows of the
 * epoch and its header, and on nothing else. Over random epochs the same rows come out
 *
 * - when the operator is run again,
 * - when the rows come in one batch instead of several,
 * - when it is restored at every barrier from what it froze there,
 * - with several tasks, each with the keys of its own (operators with keys),
 * - when state leaves memory between epochs.
 *
 * @throws Error with the seed and the smallest epochs that differ
 */
export async function operatorLaw(
  subject: OperatorUnderTest,
  options: LawOptions = {},
): Promise<void> {
  const ways: readonly (readonly [string, Partial<Way>])[] = [
    ['run again', {}],
    ['with its rows in one batch', { oneBatch: true }],
    ['restored at every barrier', { restarts: true }],
    ['with state out of memory', { spills: true }],
    ['with state out of memory and restored', { spills: true, restarts: true }],
    ...(subject.keys.length === 0
      ? []
      : [['with three tasks', { lanes: 3, restarts: true }] as const]),
  ]
  const holds = async (epochs: readonly EpochInput[]): Promise<void> => {
    const expected = await outputOf(subject, epochs, plain)
    for (const [what, way] of ways) {
      const found = await outputOf(subject, epochs, { ...plain, ...way })
      expected.forEach((rows, epoch) => {
        mustBeSameRows(`epoch ${epoch} ${what}`, found[epoch] ?? [], rows)
      })
    }
  }
  await runLaw(
    { name: 'operatorLaw', cases: epochsOf(subject), holds, describe: epochsText },
    options,
  )
}

function epochsText(epochs: readonly EpochInput[]): string {
  return epochs
    .map(({ batches, passedMs }, epoch) => {
      return `epoch ${epoch}, ${passedMs} ms after the one before: batches ${fc.stringify(batches)}`
    })
    .join('\n')
}

function epochsOf({ row }: OperatorUnderTest): fc.Arbitrary<readonly EpochInput[]> {
  const batches = fc.array(fc.array(row, { maxLength: 5 }), { maxLength: 3 })
  const passedMs = fc.constantFrom(0, 10, 1000, 60_000)
  return fc.array(fc.record({ batches, passedMs }), { minLength: 1, maxLength: 8 })
}

function specOf({ operator, input, output, keys }: OperatorUnderTest): OwnSpec {
  const schema = parseSchema(input)
  const columns = keys.map((name) => {
    const column = schema.findIndex((field) => field.name === name)
    const type = schema[column]?.type
    if (type === undefined) throw new RangeError(`no column ${name} among ${input}`)
    return { column, type }
  })
  return {
    name: `own-${operator.name}`,
    operator,
    keys: columns,
    input: schema,
    output: parseSchema(output),
  }
}

interface Task {
  readonly operator: Operator
  readonly spill: (maxBytes: number) => number
}

interface Block {
  readonly shard: number
  readonly block: Uint8Array
}

async function openTasks(
  spec: OwnSpec,
  lanes: number,
  blocks: readonly Block[],
): Promise<readonly Task[]> {
  const { shardCount } = layout
  const tasks: Task[] = []
  for (let lane = 0; lane < lanes; lane++) {
    const shards = shardsOfLane(lane, { shardCount, lanes })
    const mine = blocks.filter(({ shard }) => shards.includes(shard))
    const { state, spill } = spillingState(spec.name, shardCount, mine)
    const operator = await ownOperator(spec, {
      state: { ...state, shards },
      shardOf: (hash) => shardOf(hash, layout),
      restoredWatermark: Number.MIN_SAFE_INTEGER,
    })
    tasks.push({ operator, spill })
  }
  return tasks
}

/** The rows of each epoch. */
async function outputOf(
  subject: OperatorUnderTest,
  epochs: readonly EpochInput[],
  way: Way,
): Promise<readonly (readonly Value[])[][]> {
  const spec = specOf(subject)
  const blocks: Block[] = []
  const result: Value[][][] = []
  let tasks = await openTasks(spec, way.lanes, blocks)
  let pending: readonly FrozenState[] = []
  const settle = (): void => {
    for (const each of pending) blocks.push({ shard: each.shard, block: each.encode() })
    pending = []
  }
  for (const [epoch, header] of headersOf(epochs).entries()) {
    const given = (epochs[epoch]?.batches ?? []).map((rows) =>
      rows.map((row) => fromRow(spec.input, row)),
    )
    const emitted: Batch[] = []
    const frozen: FrozenState[] = []
    for (const [lane, task] of tasks.entries()) {
      const mine = given.map((rows) => rows.filter((row) => laneOf(spec, row, way.lanes) === lane))
      const batches = way.oneBatch ? [mine.flat()] : mine
      emitted.push(...(await runEpoch(spec, task.operator, header, batches)))
      frozen.push(...(task.operator.freeze() ?? []))
      if (way.spills) task.spill(1 << 20)
    }
    // Encoded an epoch later than it was frozen, as on a slow disk.
    settle()
    pending = frozen
    result.push(emitted.flatMap(rowsOf))
    if (!way.restarts) continue
    settle()
    for (const { operator } of tasks) operator.close?.()
    tasks = await openTasks(spec, way.lanes, blocks)
  }
  for (const { operator } of tasks) operator.close?.()
  return result
}

async function runEpoch(
  { input }: OwnSpec,
  operator: Operator,
  header: EpochHeader,
  batches: readonly (readonly Value[][])[],
): Promise<readonly Batch[]> {
  const emitted: Batch[] = []
  const output = {
    emit(batch: Batch) {
      emitted.push(batch)
      return undefined
    },
    emitSide: () => undefined,
  }
  operator.open(header)
  for (const rows of batches) {
    if (rows.length > 0) await operator.process(0, batchOf(input, rows), output)
  }
  await operator.closeEpoch(header, output)
  return emitted
}

function laneOf({ keys }: OwnSpec, row: readonly Value[], lanes: number): number {
  if (lanes === 1) return 0
  const types = keys.map(({ type }) => type)
  const hash = hashValues(
    types,
    keys.map(({ column }) => row[column] ?? null),
  )
  return laneOfShard(shardOf(hash, layout), { shardCount: layout.shardCount, lanes })
}

/** The clock and the watermarks go on together. */
function headersOf(epochs: readonly EpochInput[]): readonly EpochHeader[] {
  let [late, now] = [0, 0]
  return epochs.map(({ passedMs }, epoch) => {
    const before = late
    late = now
    now += passedMs * 1000
    return {
      epoch: epoch as Epoch,
      lateWatermark: before as Micros,
      evictWatermark: late as Micros,
      processingTime: now as Micros,
      idle: [],
      ranges: {},
    }
  })
}
