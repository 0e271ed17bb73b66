import { createOracle } from '../../properties/oracles/evaluate.ts'
import { batchOf } from '../../src/batch/build.ts'
import { parseSchema } from '../../src/batch/ddl.ts'
import { type EdgeRow, fromRow } from '../../src/batch/edge-row.ts'
import type { Value } from '../../src/batch/value.ts'
import { StreamError } from '../../src/core/error.ts'
import { epoch, micros } from '../../src/core/units.ts'
import type { DataFrame, StreamingQuery } from '../../src/dataframe/data-frame.ts'
import { dataFrame } from '../../src/dataframe/frame.ts'
import type { Launch, ReadSpec, SaveSpec, WriteSpec } from '../../src/dataframe/launch.ts'
import { inputsOf, type LogicalPlan, schemaOf } from '../../src/plan/logical.ts'
import type { UnresolvedPlan } from '../../src/plan/unresolved-plan.ts'

/** What a launch was asked to do. */
export interface Asked {
  readonly reads: ReadSpec[]
  readonly starts: { readonly plan: LogicalPlan; readonly spec: WriteSpec }[]
  readonly saves: { readonly plan: LogicalPlan; readonly spec: SaveSpec }[]
  readonly printed: string[]
}

/** A session that answers batch plans with the reference evaluator, and starts nothing. */
export interface OracleLaunch extends Launch {
  readonly asked: Asked
  /** A frame of rows; a stream with `streaming`. */
  frame(
    schema: string,
    rows?: readonly EdgeRow[],
    options?: { readonly streaming?: boolean; readonly name?: string },
  ): DataFrame
}

export function oracleLaunch(): OracleLaunch {
  const asked: Asked = { reads: [], starts: [], saves: [], printed: [] }
  const views = new Map<string, UnresolvedPlan>()
  const tables = new Map<object, readonly (readonly Value[])[]>()
  const launch: OracleLaunch = {
    asked,
    edge: {},
    scan(spec) {
      asked.reads.push(spec)
      const { format, options, schema = [], streaming, name = '' } = spec
      return { kind: 'scan', source: name, format, options, schema, streaming }
    },
    startFleet() {
      throw new Error('no fleets here')
    },
    start(plan, spec) {
      asked.starts.push({ plan, spec })
      return endedQuery
    },
    explainUpgrade() {
      throw new Error('there are no checkpoints here')
    },
    collect: async (plan) => [batchOf(schemaOf(plan), answer(plan, tables))],
    async save(plan, spec) {
      asked.saves.push({ plan, spec })
    },
    physicalText: () => 'stages\n',
    putView: (name, plan) => {
      views.set(name, plan)
    },
    view(name) {
      const found = views.get(name)
      if (found === undefined) {
        throw new StreamError('TABLE_NOT_FOUND', { name, closest: [...views.keys()].join() })
      }
      return found
    },
    print: (text) => {
      asked.printed.push(text)
    },
    frame(ddl, rows = [], { streaming = false, name = '' } = {}) {
      const schema = parseSchema(ddl)
      const handle = {}
      tables.set(
        handle,
        rows.map((row) => fromRow(schema, row)),
      )
      const format = 'rows'
      const scan = { kind: 'scan' as const, source: name, format, options: {}, schema, streaming }
      return dataFrame({ kind: 'scan', scan: { ...scan, handle } }, launch)
    },
  }
  return launch
}

/** A whole batch is one epoch in complete mode if it aggregates, and else in append mode. */
function answer(
  plan: LogicalPlan,
  tables: ReadonlyMap<object, readonly (readonly Value[])[]>,
): readonly (readonly Value[])[] {
  const header = {
    epoch: epoch(0),
    lateWatermark: micros(0),
    evictWatermark: micros(0),
    processingTime: micros(1_000_000),
    idle: [],
  }
  const sources = new Map<string, readonly (readonly Value[])[]>()
  visit(plan, (node) => {
    if (node.kind === 'scan' && node.handle !== undefined) {
      sources.set(node.source, tables.get(node.handle) ?? [])
    }
  })
  return createOracle(plan, 'complete').epoch(header, (source) => sources.get(source) ?? [])
}

function visit(plan: LogicalPlan, look: (node: LogicalPlan) => void): void {
  look(plan)
  for (const input of inputsOf(plan)) visit(input, look)
}

/** A query that ended before anyone could ask. */
const endedQuery: StreamingQuery = {
  id: '00000000-0000-4000-8000-000000000000',
  runId: '00000000-0000-4000-8000-000000000001',
  name: undefined,
  isActive: false,
  status: { message: 'Stopped', isDataAvailable: false, isTriggerActive: false },
  lastProgress: undefined,
  recentProgress: [],
  awaitTermination: async () => true,
  processAllAvailable: async () => {},
  stop: async () => {},
  exception: () => undefined,
  warnings: [],
  explain: () => '',
  async *results() {},
  async *lateRows() {},
  async *deadLetters() {},
  savepoint: async () => {
    throw new Error('the query that ended has no checkpoint')
  },
  state: () => {
    throw new Error('the query that ended has no state')
  },
  health: () => ({
    state: 'stopped',
    reason: '',
    lastCommittedEpoch: -1,
    lastCommitAgeMs: 0,
    restarts: 0,
  }),
}
