import { mkdir, rename, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { sleep } from '../../src/core/clock.ts'
import { systemClock } from '../../src/core/system-clock.ts'
import type { DataFrame } from '../../src/dataframe/data-frame.ts'
import type { StreamingQueryProgress } from '../../src/dataframe/progress.ts'
import type { StreamingQuery } from '../../src/dataframe/streaming-query.ts'
import type { TriggerOptions } from '../../src/dataframe/trigger.ts'
import type { Engine, RunOptions } from './adapter.ts'
import {
  type Case,
  type CaseOptions,
  type CaseRow,
  type CaseSource,
  nodesOf,
  type PlanNode,
  type Step,
} from './case.ts'
import type { Fault } from './fault.ts'
import type { ManualClock } from './manual-clock.ts'
import { frameFrom } from './plan.ts'
import { Results } from './results.ts'
import { caseRows } from './rows.ts'

/** The real time, for waiting; the manual clock of a case stands still. */
const clock = systemClock()

/** Steps that say when a query is started. */
const startSteps = new Set(['start', 'trigger', 'run_once', 'run_available_now'])

/** The query of a case over all its starts and stops, with what it gave out and reported. */
export class CaseQuery {
  readonly results = new Results()
  #sources: readonly CaseSource[]
  readonly #case: Case
  readonly #engine: Engine
  readonly #folder: string
  readonly #manual: ManualClock | undefined
  readonly #fault: Fault
  /** Every row is an epoch of its own. */
  readonly eachRow: boolean
  readonly #batchRows = new Map<string, readonly CaseRow[]>()
  #frame: DataFrame | undefined
  #plan: PlanNode
  #query: StreamingQuery | undefined
  /** Progress of the runs before this one. */
  #past: readonly StreamingQueryProgress[] = []
  #files = 0

  constructor(
    subject: Case,
    engine: Engine,
    how: {
      readonly folder: string
      readonly manual: ManualClock | undefined
      readonly fault: Fault
      readonly run: RunOptions
    },
  ) {
    this.#case = subject
    this.#plan = subject.query.plan
    this.#sources = subject.query.sources
    this.#engine = engine
    this.#folder = how.folder
    this.#manual = how.manual
    this.#fault = how.fault
    this.eachRow = how.run.eachRow === true
  }

  /** Where the checkpoint of every start is. */
  get checkpoint(): string {
    return join(this.#folder, 'checkpoint')
  }

  /** The run that goes on, or the last one. */
  get current(): StreamingQuery | undefined {
    return this.#query
  }

  /** Of all runs, oldest first. */
  progress(): readonly StreamingQueryProgress[] {
    return [...this.#past, ...(this.#query?.recentProgress ?? [])]
  }

  /** Makes the folders of file sources: a query may start before there are files. */
  async prepare(): Promise<void> {
    for (const { name } of this.#sources) await this.#sourceFolder(name)
  }

  /** Stops for good, and makes everything again with these settings as after a restart of the process. */
  async reopen(options: CaseOptions, sources = this.#sources): Promise<void> {
    await this.stop()
    this.#sources = sources
    await this.#engine.reopen(options)
    this.#frame = undefined
  }

  /** From now on the first program of the plan is another one. */
  replaceProgram(change: Pick<PlanNode, 'program' | 'columns'>): void {
    this.#plan = withProgram(this.#plan, change)
  }

  start(trigger?: TriggerOptions): void {
    if (this.#query?.isActive === true) return
    this.#startWith(this.#build(), trigger)
  }

  /** Starts a query whose file source has this limit, which the engine should refuse. */
  async startWithLimit(limit: string): Promise<void> {
    const folder = await this.#sourceFolder('limited')
    const frame = this.#frameOver((source) =>
      this.#engine.frame({ ...source, max_files_per_trigger: limit }, folder),
    )
    this.#startWith(frame, undefined)
  }

  async stop(): Promise<void> {
    if (this.#query?.isActive === true) await this.#query.stop()
  }

  async runToEnd(trigger: TriggerOptions): Promise<void> {
    await this.stop()
    this.start(trigger)
    await this.#query?.awaitTermination()
  }

  /** Runs to quiescence. With the manual clock that is: the trigger has run and waits for the next tick. */
  async settle(): Promise<void> {
    if (this.#manual === undefined) return this.#query?.processAllAvailable()
    for (let quiet = 0; quiet < 10; ) {
      await sleep(clock, 10)
      const status = this.#query?.status
      const isBusy = status?.isTriggerActive === true || status?.message.startsWith('Init') === true
      quiet = isBusy ? 0 : quiet + 1
    }
  }

  /** One `add` is put into all its sources at once, so that one epoch takes it. */
  async add({ rows = {}, run }: Step): Promise<void> {
    const additions = this.#sources.flatMap((source) => {
      const more = Object.entries(rows).find(([name]) => name === source.name)?.[1]
      return Array.isArray(more) && more.length > 0 ? [{ source, more }] : []
    })
    if (this.#case.query.mode === 'batch') {
      for (const { source, more } of additions) {
        const known = this.#batchRows.get(source.name) ?? []
        this.#batchRows.set(source.name, [...known, ...more])
      }
      return
    }
    this.#build()
    // A case that only moves the clock has a query that runs already: its first trigger finds nothing.
    const isStartedByStep = this.#case.steps.some((step) => startSteps.has(step.do))
    if (this.#manual !== undefined && this.#query === undefined && !isStartedByStep) {
      this.start()
      await this.settle()
    }
    if (run !== false) this.start()
    const eachRow = this.eachRow && run !== false
    // A row that finds its partner is not counted as kept (rule J8), so the right sides come first.
    for (const { source, more } of eachRow ? additions.reverse() : additions) {
      const parts = eachRow ? more.map((row) => [row]) : [more]
      for (const part of parts) {
        this.#engine.add(source, part)
        if (parts.length > 1) await this.settle()
      }
    }
    if (run !== false) await this.settle()
  }

  /** Files appear whole, by a rename; without a time of their own each is a second newer than the last. */
  async addFiles({ source = '', files = [], run }: Step): Promise<void> {
    const folder = await this.#sourceFolder(source)
    for (const [name, text, mtimeMs] of files) {
      const hidden = join(this.#folder, `incoming-${name}`)
      await writeFile(hidden, text)
      const seconds = mtimeMs === undefined ? 1_600_000_000 + this.#files : mtimeMs / 1000
      await utimes(hidden, seconds, seconds)
      await rename(hidden, join(folder, name))
      this.#files++
    }
    if (run === false) return
    this.start()
    await this.settle()
  }

  /** Everything in the sink, or the answer of the batch query. */
  async allRows(): Promise<readonly CaseRow[]> {
    const { mode, output_mode: outputMode } = this.#case.query
    if (mode !== 'batch') return this.results.all(outputMode)
    const frame = this.#frameOver((source) =>
      this.#engine.batchFrame(source, this.#batchRows.get(source.name) ?? []),
    )
    return caseRows(await frame.collect())
  }

  #startWith(frame: DataFrame, trigger: TriggerOptions | undefined): void {
    this.#past = this.progress()
    this.#query = undefined
    const { output_mode: outputMode, options } = this.#case.query
    const interval = options.trigger_ms
    this.#query = this.#engine.start(frame, {
      outputMode,
      trigger: trigger ?? (interval === undefined ? undefined : { processingTime: interval }),
      checkpoint: this.checkpoint,
      onEpoch: (epoch, rows) => {
        this.#fault.strike('sink')
        this.results.put(epoch, rows)
      },
    })
  }

  /** Built once, so that a restarted query finds the same sources. */
  #build(): DataFrame {
    this.#frame ??= this.#frameOver((source) => {
      const frame = this.#engine.frame(source, join(this.#folder, 'files', source.name))
      return this.#fault.within(frame)
    })
    return this.#frame
  }

  #frameOver(leaf: (source: CaseSource) => DataFrame): DataFrame {
    const frames = new Map<string, DataFrame>()
    const plan = this.#plan
    return frameFrom(plan, {
      fault: this.#fault,
      outputMode: this.#case.query.output_mode,
      isAggregated: (node) => isBelowAggregate(plan, node),
      source: (name) => {
        const source = this.#sources.find((candidate) => candidate.name === name)
        if (source === undefined) throw new RangeError(`the case has no source ${name}`)
        const frame = frames.get(name) ?? leaf(source)
        frames.set(name, frame)
        return frame
      },
      constant: (columns, rows) => this.#engine.batchFrame({ columns }, rows),
    })
  }

  async #sourceFolder(name: string): Promise<string> {
    const folder = join(this.#folder, 'files', name)
    await mkdir(folder, { recursive: true })
    return folder
  }
}

function isBelowAggregate(plan: PlanNode, node: PlanNode): boolean {
  return nodesOf(plan).some(
    (other) => other.op === 'aggregate' && other !== node && nodesOf(other).includes(node),
  )
}

function withProgram(node: PlanNode, change: Pick<PlanNode, 'program' | 'columns'>): PlanNode {
  if (node.op === 'process') return { ...node, ...change }
  return node.in === undefined ? node : { ...node, in: withProgram(node.in, change) }
}
