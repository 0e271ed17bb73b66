/**
 * Over 400 lines: one short method for each kind of node that needs a stage of its own; all of them number
 * the operators and add to the same stages.
 */
import type { DataType, Schema } from '../batch/schema.ts'
import type { BadRowPolicy } from '../core/bad-row-policy.ts'
import { StreamError, unreachable } from '../core/error.ts'
import type { AggregateSpec } from '../operators/aggregate/spec.ts'
import type { SessionSpec } from '../operators/session/spec.ts'
import { eventTimeColumns } from '../plan/event-time.ts'
import {
  type Aggregate,
  type AsofJoin,
  type Deduplicate,
  isRestated,
  isStreaming,
  type Join,
  type Limit,
  type LogicalPlan,
  type Own,
  type Process,
  type SaveMode,
  type Scan,
  schemaOf,
  type TopN,
  type Watermark,
} from '../plan/logical.ts'
import { nameOperator } from '../plan/name-operator.ts'
import { sharedScans, sharedWatermarks } from '../plan/rules/share-scans.ts'
import { sessionKeyOf } from '../plan/session-columns.ts'
import { withoutQuestions } from './asking-steps.ts'
import { withBadRows } from './bad-rows.ts'
import { bucketingOf, ColumnList, callColumns, fusedWindow } from './bucketing.ts'
import { comparesWholeRows, deduplicateSpec } from './deduplicate-spec.ts'
import {
  asofJoinParts,
  type SideColumns,
  shiftOf,
  staticJoinParts,
  streamJoinParts,
} from './join-specs.ts'
import { deliversLate, lateGroupRows, lateJoinRows, lateRows, lateTopNRows } from './late-rows.ts'
import {
  addCompute,
  addGenerate,
  addMapAsync,
  addMapRows,
  addProject,
  addSession,
  addSort,
  addStep,
  addWindow,
  allColumns,
  countedBy,
  fieldOfExpression,
  type OpenStage,
  settleFor,
} from './open-stage.ts'
import { OperatorNames } from './operator-names.ts'
import type { Exchange, PhysicalPlan, StageInput, Step } from './physical.ts'
import { processSpec } from './process-spec.ts'
import { rankParts } from './top-n-spec.ts'
import { watermarkSpec } from './watermark-spec.ts'

export interface BuildOptions {
  readonly mode: SaveMode
  /** Deliver the late rows of every operator, with the columns that the query reads. */
  readonly lateRows: boolean
  /** The query has a place for dead letters. */
  readonly deadLetters: boolean
  /**
   * What becomes of rows that functions and expressions raise errors for; `undefined`: they end the query,
   * also where a function has a policy of its own.
   */
  readonly badRows: BadRowPolicy | undefined
}

/** For a query over rows that end. */
export const endingQuery: BuildOptions = {
  mode: 'append',
  lateRows: false,
  deadLetters: false,
  badRows: undefined,
}

/** Cuts a logical plan into stages, wherever rows must change their task. */
export function buildPhysical(plan: LogicalPlan, options: BuildOptions): PhysicalPlan {
  const sources = new Set(sharedScans(plan).map(({ source }) => source))
  const builder = new Builder(options, { sources, watermarks: sharedWatermarks(plan) })
  const result = builder.build(plan)
  return builder.finish(result, schemaOf(plan))
}

/** Names of what has several readers in a plan. */
interface Shared {
  readonly sources: ReadonlySet<string>
  readonly watermarks: ReadonlySet<string>
}

const nothingShared: Shared = { sources: new Set(), watermarks: new Set() }

class Builder {
  readonly #stages: OpenStage[] = []
  readonly #options: BuildOptions
  readonly #names = new OperatorNames()
  readonly #shared: Shared
  /** Stages with several readers, by the name of their source or watermark. */
  readonly #made = new Map<string, OpenStage>()

  constructor(options: BuildOptions, shared: Shared) {
    this.#options = options
    this.#shared = shared
  }

  finish(result: OpenStage, output: Schema): PhysicalPlan {
    const needsPlaces = this.#stages.some(({ steps }) =>
      steps.some((step) => step.kind === 'settle' && step.placesOnly !== true),
    )
    const stages = this.#stages.map((stage) => ({
      ...stage,
      steps: stage.steps
        .filter((step) => needsPlaces || step.kind !== 'settle')
        .map((step) => withBadRows(withoutQuestions(step), this.#options.badRows)),
    }))
    return { stages, result: result.id, output }
  }

  build(plan: LogicalPlan): OpenStage {
    switch (plan.kind) {
      case 'scan':
        return this.#shared.sources.has(plan.source)
          ? this.#reader(`source ${plan.source}`, () => this.#scan(plan))
          : this.#scan(plan)
      case 'filter': {
        const stage = this.build(plan.input)
        const schema = schemaOf(plan.input)
        return addCompute(stage, schema, plan.predicate, allColumns(schema), schema)
      }
      case 'project':
        return addProject(this.build(plan.input), plan)
      case 'watermark':
        return this.#shared.watermarks.has(plan.node)
          ? this.#reader(`watermark ${plan.node}`, () => this.#watermark(plan))
          : this.#watermark(plan)
      case 'generate':
        return addGenerate(this.build(plan.input), plan)
      case 'window':
        return addWindow(this.build(plan.input), plan)
      case 'session':
        return addSession(this.build(plan.input), plan)
      case 'aggregate': {
        const session = sessionKeyOf(plan)
        return session === undefined ? this.#aggregate(plan) : this.#sessions(plan, session)
      }
      case 'union': {
        const inputs = plan.inputs.map((input) => this.build(input))
        return this.#open({
          inputs: inputs.map((stage) => ({ from: stage.id, exchange: { kind: 'forward' } })),
          output: schemaOf(plan),
          single: inputs.every((stage) => stage.single),
        })
      }
      case 'join':
        return isStreaming(plan.left) && isStreaming(plan.right)
          ? this.#streamJoin(plan)
          : this.#staticJoin(plan)
      case 'asofJoin':
        return this.#asofJoin(plan)
      case 'deduplicate':
        return this.#deduplicate(plan)
      case 'mapRows':
        return addMapRows(this.build(plan.input), plan)
      case 'mapAsync':
        return addMapAsync(this.build(plan.input), plan, this.#names.of(undefined, 'mapAsync'))
      case 'process':
        return this.#process(plan)
      case 'own':
        return this.#own(plan)
      case 'sort':
        return addSort(this.#gathered(this.build(plan.input)), plan)
      case 'topN':
        return this.#topN(plan)
      case 'limit':
        return this.#limit(plan)
      default:
        return unreachable(plan)
    }
  }

  #open(stage: Omit<OpenStage, 'id' | 'steps'>): OpenStage {
    const open = { ...stage, id: this.#stages.length, steps: [] }
    this.#stages.push(open)
    return open
  }

  #scan(plan: Scan): OpenStage {
    const { source, badRecords } = plan
    const output = schemaOf(plan)
    const stage = this.#open({ source: plan, inputs: [], output, single: false })
    if (badRecords === undefined) return stage
    return addStep(stage, { kind: 'rejected', spec: { source, policy: badRecords } }, output)
  }

  #watermark(plan: Watermark): OpenStage {
    const spec = watermarkSpec(plan, this.#options.deadLetters)
    return addStep(this.build(plan.input), { kind: 'watermark', spec }, schemaOf(plan))
  }

  /** What has several readers is made once; each of them goes on in a stage of its own. */
  #reader(name: string, make: () => OpenStage): OpenStage {
    const stage = this.#made.get(name) ?? make()
    this.#made.set(name, stage)
    return this.#open({
      inputs: [{ from: stage.id, exchange: { kind: 'forward' } }],
      output: stage.output,
      single: false,
    })
  }

  /** All rows in one task. */
  #gathered(stage: OpenStage): OpenStage {
    if (stage.single) return stage
    return this.#open({
      inputs: [{ from: stage.id, exchange: { kind: 'single' } }],
      output: stage.output,
      single: true,
    })
  }

  #aggregate(plan: Aggregate): OpenStage {
    const window = fusedWindow(plan)
    const below = window === undefined ? plan.input : window.node.input
    const inputSchema = schemaOf(below)
    const columns = new ColumnList()
    const keys = plan.keys
      .filter((_, index) => index !== window?.key)
      .map(({ expression }) => ({ column: columns.add(expression), type: expression.type }))
    const aggregates = callColumns(plan, columns)
    const { bucketing, watermarked } = bucketingOf(plan, window, columns)
    const spec: AggregateSpec = {
      operator: this.#names.of(plan.operatorName, 'aggregate'),
      mode: this.#options.mode,
      keys,
      aggregates,
      bucketing,
      watermarked,
      ...(plan.early === undefined ? {} : { early: plan.early }),
      output: schemaOf(plan),
      global: plan.keys.length === 0,
      watermarkShift: shiftOf(below),
    }
    return this.#grouped(
      plan,
      { kind: 'aggregate', spec },
      {
        before: this.build(below),
        input: inputSchema,
        columns,
        shown: inputSchema,
      },
    )
  }

  /** Sends rows to the tasks of their groups, with what the aggregation reads of them computed before. */
  #grouped(
    plan: Aggregate,
    step: Extract<Step, { kind: 'aggregate' | 'sessions' }>,
    from: {
      readonly before: OpenStage
      readonly input: Schema
      readonly columns: ColumnList
      /** The first columns of the input, which late rows are shown with. */
      readonly shown: Schema
    },
  ): OpenStage {
    const { keys } = step.spec
    const { before, input, columns, shown } = from
    const late = this.#delivers(plan) ? lateGroupRows(step, shown, columns) : {}
    const all = columns.expressions
    addCompute(before, input, undefined, all, all.map(fieldOfExpression))
    const exchange: Exchange = keys.length === 0 ? { kind: 'single' } : { kind: 'hash', keys }
    const stage = this.#open({
      inputs: [{ from: before.id, exchange }],
      output: schemaOf(plan),
      single: keys.length === 0,
    })
    settleFor(stage, plan)
    return addStep(stage, { ...step, ...late }, schemaOf(plan))
  }

  /** Whether the rows that come too late for an operator are delivered. */
  #delivers(plan: LogicalPlan): boolean {
    return this.#options.lateRows && deliversLate(plan)
  }

  /** Of a whole answer that comes anew in every epoch, or of all rows that ever come. */
  #limit(plan: Limit): OpenStage {
    const { count, input, operatorName } = plan
    if (!isStreaming(input) || (this.#options.mode === 'complete' && isRestated(input))) {
      const below = operatorName === undefined ? input : nameOperator(input, operatorName)
      return addStep(this.#gathered(this.build(below)), { kind: 'limit', count }, schemaOf(plan))
    }
    const stage = this.#gathered(this.build(input))
    addStep(stage, { kind: 'settle' }, schemaOf(plan))
    const operator = this.#names.of(operatorName, 'limit')
    return addStep(stage, { kind: 'limit', count, operator }, schemaOf(plan))
  }

  #topN(plan: TopN): OpenStage {
    const { mode } = this.#options
    const { input, columns, fields, keys, steps, closes } = rankParts(
      plan,
      mode,
      this.#names.of(plan.operatorName, 'topN'),
    )
    const schema = schemaOf(input)
    const before = addCompute(this.build(input), schema, undefined, columns, fields)
    const single = keys.length === 0
    const exchange: Exchange = single ? { kind: 'single' } : { kind: 'hash', keys }
    const stage = this.#open({ inputs: [{ from: before.id, exchange }], output: fields, single })
    const delivers = closes && this.#delivers(plan)
    for (const step of steps) {
      const late = step.kind === 'topN' && delivers ? lateTopNRows(step.spec, schema) : {}
      addStep(stage, { ...step, ...late }, schemaOf(plan))
    }
    return stage
  }

  /** An aggregation that merges the sessions in one of its keys. */
  #sessions(plan: Aggregate, position: number): OpenStage {
    const below = schemaOf(plan.input)
    const session = plan.keys[position]
    if (session === undefined) throw new StreamError('INTERNAL', { what: 'no session key' })
    const columns = new ColumnList()
    const keys = plan.keys
      .filter((key) => key !== session)
      .map(({ expression }) => ({ column: columns.add(expression), type: expression.type }))
    const spec: SessionSpec = {
      operator: this.#names.of(plan.operatorName, 'session'),
      mode: this.#options.mode === 'complete' ? 'complete' : 'append',
      keys,
      aggregates: callColumns(plan, columns),
      sessionColumn: columns.add(session.expression),
      position,
      watermarked: eventTimeColumns(plan).some(({ index }) => index === position),
      watermarkShift: shiftOf(plan.input),
      output: schemaOf(plan),
    }
    return this.#grouped(
      plan,
      { kind: 'sessions', spec },
      {
        before: countedBy(spec.operator, this.build(plan.input)),
        input: below,
        columns,
        // Late rows are shown as they were before the session was put beside them.
        shown: plan.input.kind === 'session' ? schemaOf(plan.input.input) : below,
      },
    )
  }

  #streamJoin(plan: Join): OpenStage {
    const shift = Math.max(shiftOf(plan.left), shiftOf(plan.right))
    const operator = this.#names.of(plan.operatorName, 'join')
    const { spec, left, right } = streamJoinParts(plan, operator, shift)
    const inputs = [
      this.#byKey(plan.left, left, spec.keyTypes),
      this.#byKey(plan.right, right, spec.keyTypes),
    ]
    const stage = this.#open({ inputs, output: schemaOf(plan), single: false })
    const late = this.#delivers(plan) ? lateJoinRows(spec, plan) : {}
    return addStep(stage, { kind: 'join', spec, ...late }, schemaOf(plan))
  }

  #asofJoin(plan: AsofJoin): OpenStage {
    const { spec, left, right } = asofJoinParts(plan, this.#names.of(plan.operatorName, 'asof'))
    const lefts = this.#byKey(plan.left, left, spec.keyTypes)
    const rights = this.#byKey(plan.right, right, spec.keyTypes)
    // Of right rows of one time the last counts, so they come in order; left rows need not.
    const output = this.#stages[rights.from]?.output ?? []
    const inOrder = this.#open({ inputs: [rights], output, single: false })
    addStep(inOrder, { kind: 'settle' }, output)
    const inputs = [lefts, { from: inOrder.id, exchange: { kind: 'forward' as const } }]
    const stage = this.#open({ inputs, output: schemaOf(plan), single: false })
    const late = this.#delivers(plan) ? lateJoinRows(spec, plan) : {}
    return addStep(stage, { kind: 'asofJoin', spec, ...late }, schemaOf(plan))
  }

  /** The rows of one side of a join, on their way to the tasks of their keys. */
  #byKey(plan: LogicalPlan, columns: SideColumns, keyTypes: readonly DataType[]): StageInput {
    const { id } = this.#withColumns(plan, columns)
    const keys = keyTypes.map((type, at) => ({ column: columns.keys[at] ?? 0, type }))
    return { from: id, exchange: { kind: 'hash', keys } }
  }

  #staticJoin(plan: Join): OpenStage {
    const { spec, flowing, other } = staticJoinParts(plan)
    const inner = new Builder(endingQuery, nothingShared)
    const rows = inner.#withColumns(other.plan, other.columns)
    const stage = this.#withColumns(flowing.plan, flowing.columns)
    const step = { kind: 'staticJoin' as const, spec, other: inner.finish(rows, rows.output) }
    return addStep(stage, step, schemaOf(plan))
  }

  /** The stage of a side of a join, with what the join needs computed behind its columns. */
  #withColumns(plan: LogicalPlan, { expressions }: SideColumns): OpenStage {
    const schema = schemaOf(plan)
    const output = expressions.map((expression, index) => {
      const field = schema[index]
      return field ?? fieldOfExpression(expression)
    })
    return addCompute(this.build(plan), schema, undefined, expressions, output)
  }

  #deduplicate(plan: Deduplicate): OpenStage {
    const schema = schemaOf(plan)
    const spec = deduplicateSpec(plan, this.#names.of(plan.operatorName, 'deduplicate'))
    const before = this.build(plan.input)
    const stage = this.#open({
      inputs: [{ from: before.id, exchange: { kind: 'hash', keys: spec.keys } }],
      output: schema,
      single: false,
    })
    const settle = { kind: 'settle' as const }
    addStep(stage, comparesWholeRows(plan) ? { ...settle, placesOnly: true } : settle, schema)
    const late = this.#delivers(plan) ? lateRows(spec, spec.timeColumn, schema) : {}
    return addStep(stage, { kind: 'deduplicate', spec, ...late }, schema)
  }

  #own(plan: Own): OpenStage {
    const schema = schemaOf(plan.input)
    const { operator, output } = plan
    const keys = plan.keys.flatMap((column) => {
      const field = schema[column]
      return field === undefined ? [] : [{ column, type: field.type }]
    })
    const name = this.#names.ofOwn(plan.operatorName, operator.name)
    const before = this.build(plan.input)
    const single = keys.length === 0
    const exchange: Exchange = single ? { kind: 'single' } : { kind: 'hash', keys }
    const inputs = [{ from: before.id, exchange }]
    const stage = this.#open({ inputs, output: schema, single })
    addStep(stage, { kind: 'settle' }, schema)
    const spec = { name, operator, keys, input: schema, output }
    return addStep(stage, { kind: 'own', spec }, output)
  }

  #process(plan: Process): OpenStage {
    const schema = schemaOf(plan.input)
    const spec = processSpec(plan, this.#names.of(plan.operatorName, 'process'))
    const before = this.build(plan.input)
    const keys = spec.keys.map(({ column, type }) => ({ column, type }))
    const stage = this.#open({
      inputs: [{ from: before.id, exchange: { kind: 'hash', keys } }],
      output: plan.output,
      single: false,
    })
    stage.output = schema
    // Programs see the rows of a key in the order of their sources.
    addStep(stage, { kind: 'settle' }, schema)
    const time = spec.timeMode === 'eventTime' ? spec.timeColumn : undefined
    const late = this.#delivers(plan) ? lateRows(spec, time, spec.row) : {}
    return addStep(stage, { kind: 'process', spec, ...late }, plan.output)
  }
}
