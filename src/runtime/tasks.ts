import type { EdgeSpec, TaskSpec } from '../../actors/job.ts'
import { type TaskId, taskId } from '../../actors/task-id.ts'
import { laneOfShard, type ShardLayout, shardOf } from '../../state/key-group.ts'
import type { TaskState } from '../../state/task-state.ts'
import type { RegistryWorld } from '../codecs/registry/exchange.ts'
import { StreamError, unreachable } from '../core/error.ts'
import type { Sink, Source } from '../flow/connector.ts'
import { deadSide } from '../flow/dead-letters.ts'
import { byKey, type Partition, toOne } from '../flow/partitioner.ts'
import type { StateContext } from '../operators/context.ts'
import type { PhysicalPlan, Stage, StageInput, Step } from '../physical/physical.ts'
import { instantiateStage, statefulOperators, watermarkNodes } from './instantiate.ts'
import type { Opened } from './opened.ts'
import { hasSide, type SideOutput, sideOutputs } from './side-outputs.ts'
import type { StaticSides } from './static-sides.ts'

/** What the tasks of one attempt are made of. */
export interface TaskParts {
  readonly plan: PhysicalPlan
  readonly lanes: number
  /** Under the continuous trigger one task reads a whole source. */
  readonly continuous: boolean
  readonly layout: ShardLayout
  readonly restoredWatermark: number
  /** What the state of each stateful operator is made of. */
  readonly shapes: Readonly<Record<string, string>>
  readonly query: { readonly queryId: string; readonly runId: string }
  readonly source: (name: string) => Source
  readonly sink: Sink
  /** Take what operators set aside, as far as the plan delivers it. */
  readonly sideSinks: ReadonlyMap<SideOutput, Sink>
  /** Reads the sides of joins that do not stream. */
  readonly statics: StaticSides
  readonly world: RegistryWorld
  /** Closes what the tasks are made of. */
  readonly opened: Pick<Opened, 'add'>
  /** Opens the state service of a task that keeps state. */
  readonly openState: (task: TaskId, lane: number, single: boolean) => Promise<TaskState>
}

/** The name of the sink of the result in a manifest's committables. */
export const resultSink = 'result'

/** Builds every task of an attempt and wires the channels. */
export async function buildTasks(parts: TaskParts): Promise<readonly TaskSpec[]> {
  const { plan } = parts
  const tasks: TaskSpec[] = []
  const ordered = needsOrder(parts)
  for (const stage of plan.stages) {
    for (let lane = 0; lane < tasksOf(stage, parts); lane++) {
      tasks.push(await buildTask({ ...parts, ordered }, stage, lane))
    }
  }
  tasks.push({ ...sinkTask(plan.stages.length, resultSink, parts.sink), edges: sinkEdges(parts) })
  for (const [side, sink] of parts.sideSinks)
    tasks.push(sinkTask(sideStage(plan, side), side.name, sink))
  return tasks
}

/**
 * Whether rows have to be told apart by their place: some operator depends on it, and several tasks read,
 * rows of one task come in several ways, or a step in front of it gives rows out in an order of its own.
 */
function needsOrder(parts: TaskParts): boolean {
  const { stages } = parts.plan
  if (!stages.some(({ steps }) => steps.some(isSettle))) return false
  if (stages.some((stage) => mixesBeforeSettle(parts.plan, stage))) return true
  const sources = stages.filter(({ source }) => source !== undefined)
  if (sources.reduce((sum, stage) => sum + tasksOf(stage, parts), 0) > 1) return true
  const isReader = (id: number) => (stage: Stage) => stage.inputs.some(({ from }) => from === id)
  return stages.some(({ id }) => stages.filter(isReader(id)).length > 1)
}

function isSettle({ kind }: Step): boolean {
  return kind === 'settle'
}

/** Whether rows reach a settle of a stage in another order than the one in which they were read. */
function mixesBeforeSettle(plan: PhysicalPlan, { steps, inputs }: Stage): boolean {
  const last = steps.findLastIndex(isSettle)
  if (last < 0) return false
  return steps.slice(0, last).some(mixes) || inputs.some(({ from }) => isMixed(plan, from))
}

function isMixed(plan: PhysicalPlan, id: number): boolean {
  const { steps, inputs } = stageAt(plan, id)
  return steps.some(mixes) || inputs.some(({ from }) => isMixed(plan, from))
}

/** Whether the rows of a step come out in another order than the rows that they were made from came in. */
function mixes(step: Step): boolean {
  switch (step.kind) {
    case 'mapAsync':
      return !step.spec.limits.ordered
    case 'staticJoin':
      return step.spec.keeps === 'flowing' || step.spec.keeps === 'both'
    case 'aggregate':
    case 'sessions':
    case 'join':
    case 'asofJoin':
    case 'process':
    case 'own':
    case 'sort':
    case 'rowNumber':
    case 'topN':
      return true
    case 'compute':
    case 'rejected':
    case 'watermark':
    case 'generate':
    case 'window':
    case 'session':
    case 'deduplicate':
    case 'mapRows':
    case 'settle':
    case 'limit':
      return false
    default:
      return unreachable(step)
  }
}

/** What says how many tasks run a stage. */
type Parallelism = Pick<TaskParts, 'plan' | 'lanes' | 'continuous'>

/** How many tasks run a stage: one behind forward edges has no more than stand before it. */
function tasksOf(stage: Stage, parallelism: Parallelism): number {
  if (stage.single) return 1
  if (stage.source !== undefined) return parallelism.continuous ? 1 : parallelism.lanes
  if (stage.inputs.some(({ exchange }) => exchange.kind !== 'forward')) return parallelism.lanes
  return Math.max(
    ...stage.inputs.map(({ from }) => tasksOf(stageAt(parallelism.plan, from), parallelism)),
  )
}

function stageAt({ stages }: PhysicalPlan, id: number): Stage {
  const stage = stages[id]
  if (stage === undefined) throw new StreamError('INTERNAL', { what: `no stage ${id}` })
  return stage
}

/** How many tasks of a plan keep state. */
export function statefulTasks(parallelism: Parallelism): number {
  const stateful = parallelism.plan.stages.filter((stage) => statefulOperators(stage).length > 0)
  return stateful.reduce((sum, stage) => sum + tasksOf(stage, parallelism), 0)
}

async function buildTask(
  parts: TaskParts & { readonly ordered: boolean },
  stage: Stage,
  lane: number,
): Promise<TaskSpec> {
  const id = taskId(stage.id, lane)
  const stateful = statefulOperators(stage).length > 0
  const state = stateful ? await parts.openState(id, lane, stage.single) : undefined
  const stateFor = (name: string): StateContext => {
    if (state === undefined) throw new StreamError('INTERNAL', { what: `no state for ${name}` })
    const shape = parts.shapes[name]
    return {
      ...(shape === undefined ? {} : { shape }),
      query: parts.query,
      state: state.operator(name),
      shardOf: (hash) => shardOf(hash, parts.layout),
      restoredWatermark: parts.restoredWatermark,
    }
  }
  const context = {
    stateFor,
    statics: parts.statics,
    isSettled: !parts.ordered,
    world: parts.world,
    opened: parts.opened,
  }
  const operator = await instantiateStage(stage, context)
  const nodes = watermarkNodes(stage)
  const base = {
    id,
    edges: edgesOf(parts, stage, lane),
    ...(state === undefined ? {} : { state }),
    ...(nodes.length === 0 ? {} : { watermarkNodes: nodes }),
  }
  if (stage.source === undefined) return { ...base, type: 'operator', operator }
  return {
    ...base,
    type: 'source',
    operator,
    sourceName: stage.source.source,
    source: parts.source(stage.source.source),
    slice: { index: lane, count: tasksOf(stage, parts) },
    ordered: parts.ordered,
  }
}

/** Rows that the sink of the result cannot take go where those of the operators go. */
function sinkEdges({ plan, sink, sideSinks }: TaskParts): readonly EdgeSpec[] {
  if (sink.badRows !== 'deadLetter') return []
  return [...sideSinks.keys()]
    .filter(({ side }) => side === deadSide)
    .map((output) => ({ ...toTask(taskId(sideStage(plan, output), 0)), side: deadSide }))
}

function sinkTask(stage: number, name: string, sink: Sink): TaskSpec {
  return { type: 'sink', id: taskId(stage, 0), edges: [], sinkName: name, sink }
}

function edgesOf(parts: TaskParts, stage: Stage, lane: number): readonly EdgeSpec[] {
  const { plan } = parts
  const edges: EdgeSpec[] = []
  for (const target of plan.stages) {
    target.inputs.forEach((input, index) => {
      if (input.from === stage.id) edges.push(edgeInto(parts, target, input, index, lane))
    })
  }
  const last = plan.stages.length
  if (stage.id === plan.result) edges.push(toTask(taskId(last, 0)))
  for (const output of parts.sideSinks.keys()) {
    const { side } = output
    if (hasSide(stage, side)) edges.push({ ...toTask(taskId(sideStage(plan, output), 0)), side })
  }
  return edges
}

/** The number under which the task of a side sink runs, behind the stages and the sink of the result. */
function sideStage(plan: PhysicalPlan, output: SideOutput): number {
  return plan.stages.length + 1 + sideOutputs.indexOf(output)
}

function toTask(target: TaskId): EdgeSpec {
  return { targets: [target], input: 0, partition: toOne }
}

function edgeInto(
  parts: TaskParts,
  target: Stage,
  { exchange, side }: StageInput,
  input: number,
  lane: number,
): EdgeSpec {
  const count = tasksOf(target, parts)
  const all = Array.from({ length: count }, (_, index) => taskId(target.id, index))
  const named = side === undefined ? {} : { side }
  if (exchange.kind === 'hash' && count > 1) {
    return { ...named, targets: all, input, partition: hashPartition(parts, exchange.keys, count) }
  }
  const to = exchange.kind === 'forward' ? Math.min(lane, count - 1) : 0
  return { ...named, targets: [taskId(target.id, to)], input, partition: toOne }
}

function hashPartition(
  { layout }: TaskParts,
  keys: Parameters<typeof byKey>[0],
  lanes: number,
): Partition {
  const { shardCount } = layout
  return byKey(keys, lanes, (hash) => laneOfShard(shardOf(hash, layout), { shardCount, lanes }))
}
