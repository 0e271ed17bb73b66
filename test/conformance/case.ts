/** The language of the conformance cases, as far as the runner reads it. */
export interface CaseFile {
  readonly cases: readonly Case[]
}

export interface Case {
  readonly id: string
  readonly query: CaseQuery
  readonly steps: readonly Step[]
  /** `free`: any split of an `add` into epochs gives the same answers. */
  readonly batching?: string
}

export interface CaseQuery {
  readonly sources: readonly CaseSource[]
  readonly plan: PlanNode
  readonly output_mode: 'append' | 'update' | 'complete'
  readonly mode?: 'batch'
  readonly options: CaseOptions
}

export interface CaseOptions {
  readonly no_data_batch?: boolean
  readonly clock?: 'manual'
  readonly trigger_ms?: number
  readonly watermark_policy?: 'min' | 'max'
  readonly source_partitions?: Readonly<Record<string, number>>
  readonly state_partitions?: number
}

export interface CaseSource {
  readonly name: string
  readonly columns: readonly CaseColumn[]
  readonly kind?: 'text_files'
  readonly max_files_per_trigger?: number | string
  readonly latest_first?: boolean
}

/** Name and type: int, long, double, string, timestamp or array<int>. */
export type CaseColumn = readonly [name: string, type: string]

/** Numbers and null are literals, lists are calls: `["add", ["col", "a"], 1]`. */
export type CaseExpression = number | boolean | string | null | readonly CaseExpression[]

export interface NamedCaseExpression {
  readonly as: string
  readonly expr: CaseExpression
}

/** A node of the plan tree; which members a node has depends on `op`. */
export interface PlanNode {
  readonly op: string
  readonly name?: string
  readonly in?: PlanNode
  readonly left?: PlanNode
  readonly right?: PlanNode
  readonly inputs?: readonly PlanNode[]
  readonly columns?: readonly (NamedCaseExpression | string)[]
  readonly keep?: boolean | readonly string[]
  readonly cond?: CaseExpression
  readonly expr?: CaseExpression
  readonly as?: string
  readonly by?: readonly (CaseExpression | SortBy)[]
  /** Names of the columns of the window of a row number. */
  readonly partition_by?: readonly string[]
  readonly order_by?: readonly string[]
  readonly column?: string
  /** Rows of a limit. */
  readonly n?: number
  readonly delay_ms?: number
  readonly delay?: string
  /** Names of columns for a `process` node. */
  readonly keys?: readonly (NamedCaseExpression | string)[]
  readonly aggs?: readonly CaseAggregate[]
  /** Of a join: its type, pairs of equal expressions, which of these are null-safe, other conditions. */
  readonly type?: string
  readonly equi?: readonly (readonly [left: CaseExpression, right: CaseExpression])[]
  readonly null_safe?: readonly number[]
  readonly where?: readonly CaseExpression[]
  readonly program?: string
  readonly style?: 'group_state' | 'processor'
  readonly time_mode?: 'none' | 'processing' | 'event'
  readonly params?: Readonly<Record<string, unknown>>
  readonly initial_state?: readonly CaseRow[]
  readonly output_event_time?: string
  /** Of a constant table. */
  readonly rows?: readonly CaseRow[]
}

export interface SortBy {
  readonly expr: CaseExpression
  readonly desc?: boolean
}

export interface CaseAggregate {
  readonly as: string
  readonly fn: string
  readonly of?: CaseExpression
}

/** A row of a source or a result: cells in column order. */
export type CaseRow = readonly unknown[]

/** One step; which members it has depends on `do`. */
export interface Step {
  readonly do: string
  readonly run?: boolean
  readonly ms?: number
  readonly ordered?: boolean
  /** By source for `add`, a list for expectations. */
  readonly rows?: Readonly<Record<string, readonly CaseRow[]>> | readonly CaseRow[]
  readonly last_data_batch?: Readonly<Record<string, number>>
  readonly total?: readonly number[]
  readonly updated?: readonly number[]
  readonly removed?: readonly number[]
  readonly dropped_by_watermark?: readonly number[]
  readonly duplicates_dropped?: readonly number[]
  /** Counts that depend on Spark's optimizer or book-keeping, which need not be copied. */
  readonly optimizer_dependent?: unknown
  readonly accounting?: unknown
  readonly basis?: string
  readonly unit?: string
  readonly options?: CaseOptions
  readonly clear_sink?: boolean
  readonly source_partitions?: Readonly<Record<string, number>>
  readonly sources?: readonly CaseSource[]
  readonly replace_program?: Pick<PlanNode, 'program' | 'columns'>
  readonly where?: string
  readonly when?: string
  readonly phase?: 'plan' | 'run'
  readonly reason?: string
  readonly mentions?: readonly string[]
  readonly values?: readonly string[]
  readonly source?: string
  readonly files?: readonly (readonly [name: string, text: string, mtimeMs?: number])[]
  readonly n?: number
  /** What happens to a checkpoint. */
  readonly how?: string
  readonly committed?: number
  /** Rows of each side that a join keeps; `op` counts stateful operators, upstream first. */
  readonly op?: number
  readonly left?: number
  readonly right?: number
  readonly ops?: readonly { readonly late_us: number; readonly evict_us: number }[]
  readonly input_ms?: number
  readonly output_ms?: number
}

/** The nodes below this one, in order. */
export function childrenOf(node: PlanNode): readonly PlanNode[] {
  return [node.in, node.left, node.right, ...(node.inputs ?? [])].filter(
    (child) => child !== undefined,
  )
}

/** Every node of a plan, this one first. */
export function nodesOf(node: PlanNode): readonly PlanNode[] {
  return [node, ...childrenOf(node).flatMap(nodesOf)]
}

/** The expressions that stand in a node itself. */
export function expressionsOf(node: PlanNode): readonly CaseExpression[] {
  const columns = (node.columns ?? []).flatMap((column) =>
    typeof column === 'string' ? [] : [column.expr],
  )
  const aggregates = (node.aggs ?? []).flatMap(({ of }) => (of === undefined ? [] : [of]))
  return [
    ...columns,
    ...(node.keys ?? []).flatMap((key) => (typeof key === 'string' ? [] : [key.expr])),
    ...aggregates,
    ...(node.by ?? []).map(sortExpression),
    ...(node.equi ?? []).flat(),
    ...(node.where ?? []),
    ...[node.cond, node.expr].filter((expression) => expression !== undefined),
  ]
}

/** What a sort goes by, without its direction. */
export function sortExpression(by: CaseExpression | SortBy): CaseExpression {
  if (isSortBy(by)) return by.expr
  return isDirected(by) ? (by[1] ?? null) : by
}

/** Whether a sort has the largest first: `{expr, desc: true}` or `["desc", expr]`. */
export function isDescending(by: CaseExpression | SortBy): boolean {
  return isSortBy(by) ? by.desc === true : isDirected(by) && by[0] === 'desc'
}

function isSortBy(by: CaseExpression | SortBy): by is SortBy {
  return typeof by === 'object' && by !== null && 'expr' in by
}

function isDirected(by: CaseExpression): by is readonly CaseExpression[] {
  return Array.isArray(by) && (by[0] === 'asc' || by[0] === 'desc')
}
