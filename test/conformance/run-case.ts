import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { reasonOf } from '../../src/core/error.ts'
import { systemClock } from '../../src/core/system-clock.ts'
import { type Engine, type OpenSession, openEngine, type RunOptions } from './adapter.ts'
import type { Case, Step } from './case.ts'
import { CaseQuery } from './case-query.ts'
import { damage, loseLastCommit } from './damage.ts'
import {
  differs,
  expectBatches,
  expectEventTime,
  expectRefusal,
  expectState,
  expectWatermark,
  firstOf,
  hasInput,
  type Problem,
  rowList,
} from './expectations.ts'
import { type Fault, faultOf } from './fault.ts'
import { type ManualClock, manualClock } from './manual-clock.ts'
import {
  expectJoinState,
  expectOperatorWatermarks,
  expectOutputWatermark,
} from './operator-watermarks.ts'
import { difference } from './rows.ts'

const stepTimeoutMs = 20_000

/** Nothing when the case passed; else the step and what was expected and found. */
export async function runCase(subject: Case, open: OpenSession, run: RunOptions): Promise<Problem> {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-conformance-'))
  const manual = subject.query.options.clock === 'manual' ? manualClock() : undefined
  const fault = faultOf(subject.steps.find((step) => step.do === 'inject_fault'))
  const engine = openEngine(open, run, subject.query.options, manual)
  const query = new CaseQuery(subject, engine, { folder, manual, fault, run })
  const steps = new Steps(subject, query, { manual, fault })
  try {
    await query.prepare()
    for (const [index, step] of subject.steps.map(waitingForRun).entries()) {
      const problem = await withTimeout(steps.run(step))
      if (problem !== undefined) return `step ${index} (${step.do}): ${problem}`
    }
    return steps.leftover()
  } finally {
    // A case that hangs may not stop either; the next one has a session and a folder of its own.
    await withTimeout(close(query, engine))
    await rm(folder, { recursive: true, force: true })
  }
}

const runSteps = new Set(['run_once', 'run_available_now'])
const additions = new Set(['add', 'add_files'])

/** What is added right before a run of its own is there when that run starts: no other run takes it. */
function waitingForRun(step: Step, index: number, steps: readonly Step[]): Step {
  if (!additions.has(step.do) || step.run !== undefined) return step
  const next = steps.slice(index + 1).find((later) => !additions.has(later.do))
  return next !== undefined && runSteps.has(next.do) ? { ...step, run: false } : step
}

async function close(query: CaseQuery, engine: Engine): Promise<Problem> {
  await query.stop().catch(() => {})
  await engine.stop().catch(() => {})
  return undefined
}

async function withTimeout(work: Promise<Problem>): Promise<Problem> {
  let cancel = (): void => {}
  const timeout = new Promise<string>((resolve) => {
    const late = (): void => resolve(`no end after ${stepTimeoutMs} ms`)
    cancel = systemClock().after(stepTimeoutMs, late)
  })
  return Promise.race([work, timeout]).finally(() => cancel())
}

/** Carries out the steps of one case, and remembers what they have already looked at. */
class Steps {
  readonly #case: Case
  readonly #query: CaseQuery
  readonly #manual: ManualClock | undefined
  readonly #fault: Fault
  /** An error of the query that no step has asked for yet. */
  #error: unknown
  /** The last error that a step expected; the query that ended with it goes on having it. */
  #taken: unknown
  #countedUpTo = 0
  #dataEpochsUpTo = -1

  constructor(
    subject: Case,
    query: CaseQuery,
    how: { readonly manual: ManualClock | undefined; readonly fault: Fault },
  ) {
    this.#case = subject
    this.#query = query
    this.#manual = how.manual
    this.#fault = how.fault
  }

  async run(step: Step): Promise<Problem> {
    const check = this.#checks[step.do]
    if (check !== undefined) return this.leftover() ?? check(step)
    if (step.do === 'expect_error') return this.#expectError(step)
    const action = this.#actions[step.do]
    if (action === undefined) return `unknown step ${step.do}`
    await this.#attempt(() => action(step))
    return undefined
  }

  /** An error that nobody expects. */
  leftover(): Problem {
    return this.#error === undefined ? undefined : `unexpected error: ${reasonOf(this.#error)}`
  }

  readonly #actions: Readonly<Record<string, (step: Step) => Promise<void> | void>> = {
    add: (step) => this.#query.add(step),
    add_files: (step) => this.#query.addFiles(step),
    advance_clock: async ({ ms = 0 }) => {
      await this.#startAndSettle()
      this.#manual?.advance(ms)
      await this.#query.settle()
    },
    trigger: () => this.#startAndSettle(),
    start: () => this.#startAndSettle(),
    stop: () => this.#query.stop(),
    restart: async (step) => {
      await this.#query.stop()
      if (step.clear_sink === true) this.#query.results.clear()
      const { replace_program: program, sources, source_partitions: partitions } = step
      const changed = {
        ...step.options,
        ...(partitions === undefined ? {} : { source_partitions: partitions }),
      }
      if (program !== undefined) this.#query.replaceProgram(program)
      if (program !== undefined || sources !== undefined || Object.keys(changed).length > 0) {
        await this.#query.reopen(changed, sources)
      }
      this.#countedUpTo = this.#query.progress().length
      await this.#startAndSettle()
    },
    run_once: () => this.#query.runToEnd({ once: true }),
    run_available_now: () => this.#query.runToEnd({ availableNow: true }),
    crash_before_commit: async () => {
      await this.#query.stop()
      await loseLastCommit(this.#query.checkpoint)
    },
    corrupt_checkpoint: async ({ how = '' }) => {
      await this.#query.stop()
      await damage(this.#query.checkpoint, how)
    },
    inject_fault: () => this.#fault.arm(),
    clear_fault: () => this.#fault.disarm(),
    reset_state_counters: () => {
      this.#countedUpTo = this.#query.progress().length
    },
  }

  readonly #checks: Readonly<Record<string, (step: Step) => Promise<Problem> | Problem>> = {
    expect_new: (step) => difference(rowList(step), this.#query.results.fresh(), step.ordered),
    expect_all: async (step) =>
      difference(rowList(step), await this.#query.allRows(), step.ordered),
    expect_last_batch: (step) => difference(rowList(step), this.#query.results.lastBatch()),
    expect_no_error: () => undefined,
    expect_watermark: (step) => expectWatermark(step, this.#case, this.#query),
    expect_event_time_stats: (step) => expectEventTime(step, this.#query),
    expect_state: (step) => {
      const from = this.#countedUpTo
      this.#countedUpTo = this.#query.progress().length
      return expectState(step, this.#query, from)
    },
    expect_batch_id: ({ committed }) =>
      differs('committed epoch', committed, this.#query.current?.health().lastCommittedEpoch),
    expect_data_batches: ({ n }) => differs('epochs with input', n, this.#newDataEpochs()),
    expect_join_state: (step) => expectJoinState(step, this.#query),
    expect_operator_watermarks: (step) => expectOperatorWatermarks(step, this.#case, this.#query),
    expect_operator_output_watermark: (step) => expectOutputWatermark(step, this.#query),
    expect_batches: (step) => expectBatches(step, this.#query),
  }

  async #startAndSettle(): Promise<void> {
    this.#query.start()
    await this.#query.settle()
  }

  /** Keeps the error of an action for the step that expects it; until then nothing more is done. */
  async #attempt(action: () => Promise<void> | void): Promise<void> {
    if (this.#error !== undefined) return
    try {
      await action()
    } catch (thrown) {
      this.#error = thrown
    }
    const ended = this.#query.current?.exception()
    if (ended !== this.#taken) this.#error ??= ended
  }

  async #expectError(step: Step): Promise<Problem> {
    if (step.values !== undefined) {
      const problems: Problem[] = []
      for (const value of step.values) {
        await this.#attempt(async () => {
          await this.#query.startWithLimit(value)
          await this.#query.settle()
        })
        problems.push(await this.#takeError(step))
      }
      return firstOf(problems)
    }
    await this.#attempt(async () => {
      if (this.#case.query.mode === 'batch') await this.#query.allRows()
      else await this.#startAndSettle()
    })
    return this.#takeError(step)
  }

  async #takeError(step: Step): Promise<Problem> {
    const problem = expectRefusal(step, this.#error)
    this.#taken = this.#error
    this.#error = undefined
    await this.#query.stop()
    return problem
  }

  #newDataEpochs(): number {
    const epochs = this.#query
      .progress()
      .filter(hasInput)
      .map(({ batchId }) => batchId)
      .filter((epoch) => epoch > this.#dataEpochsUpTo)
    this.#dataEpochsUpTo = Math.max(this.#dataEpochsUpTo, ...epochs)
    return new Set(epochs).size
  }
}
