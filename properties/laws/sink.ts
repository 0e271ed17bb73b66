import fc from 'fast-check'
import type { Batch } from '../../src/batch/batch.ts'
import type { Json } from '../../src/core/json.ts'
import { type Epoch, initialEpoch, type Micros } from '../../src/core/units.ts'
import type { Sink } from '../../src/flow/connector.ts'
import { mustEqual, rowsAsText } from './rows-as-text.ts'
import { type LawOptions, runLaw } from './run-law.ts'

/** A place that a sink writes to, and the eyes of a reader. */
export interface SinkUnderTest {
  /** A new sink object over this place, not opened yet. */
  make(): Promise<Sink>
  /** A batch of rows that differ by these numbers. */
  batch(numbers: readonly number[]): Batch
  /** What a reader sees now, in any order, as `rowsAsText` writes it. */
  visible(): Promise<readonly string[]>
  /**
   * Names of what the sink keeps out of sight for epochs that are not visible yet, such as hidden files or open
   * transactions: nothing of an epoch may be left when it was aborted. Absent: nobody looks.
   */
  kept?(): Promise<readonly string[]>
  /** The process dies now; what it has not made durable may be gone. Absent: all it wrote stays. */
  crash?(): Promise<void>
  /** `true` if an epoch replaces what the one before it wrote (complete mode). */
  readonly replaces?: boolean
}

/** Where in an epoch the process dies. */
const places = ['never', 'begun', 'written', 'prepared', 'published', 'committed'] as const

interface EpochPlan {
  readonly batches: readonly (readonly number[])[]
  readonly dies: (typeof places)[number]
  /** It fails after it was prepared, and runs again. */
  readonly aborts: boolean
  /** The next epoch begins to write before this one is committed. */
  readonly overlaps: boolean
}

/**
 * What the engine relies on in every sink that is `repeatable`: nothing is visible before its
 * commit; committed twice is committed once; aborted leaves nothing; and after a death at any step
 * `open` shows exactly the epochs up to the last one that was published. Run it on your own.
 * @throws LawFailure
 */
export async function sinkLaw(
  make: () => Promise<SinkUnderTest>,
  options: LawOptions = {},
): Promise<void> {
  const epoch: fc.Arbitrary<EpochPlan> = fc.record({
    batches: fc.array(fc.array(fc.integer({ min: 0, max: 99 }), { minLength: 1, maxLength: 3 }), {
      maxLength: 3,
    }),
    dies: fc.constantFrom(...places),
    aborts: fc.boolean(),
    overlaps: fc.boolean(),
  })
  await runLaw(
    {
      name: 'sinkLaw',
      cases: fc.array(epoch, { minLength: 1, maxLength: 5 }),
      holds: async (plans) => await new Run(await make(), plans).toTheEnd(),
      describe: (plans) => plans.map(planText).join('\n'),
    },
    options,
  )
}

function planText({ batches, dies, aborts, overlaps }: EpochPlan, epoch: number): string {
  return [
    `epoch ${epoch}: batches ${JSON.stringify(batches)}`,
    ...(aborts ? ['prepared once, aborted and run again'] : []),
    ...(dies === 'never' ? [] : [`the process dies when it was ${dies}`]),
    ...(overlaps ? ['the next epoch begins to write before its commit'] : []),
  ].join(', ')
}

/** The engine's side of the protocol, one epoch after the other. */
class Run {
  readonly #world: SinkUnderTest
  readonly #plans: readonly EpochPlan[]
  #sink: Sink | undefined
  #token = 0
  #published: { readonly epoch: Epoch; readonly committable: Json } | undefined
  /** Batches of the next epoch that were written early. */
  #early = 0

  constructor(world: SinkUnderTest, plans: readonly EpochPlan[]) {
    this.#world = world
    this.#plans = plans
  }

  async toTheEnd(): Promise<void> {
    await this.#restart()
    for (let index = 0; index < this.#plans.length; index++) {
      const { dies, aborts } = this.#plans[index] as EpochPlan
      if (aborts) await this.#failingEpoch(index)
      if (dies !== 'never') {
        await this.#epoch(index, dies)
        await this.#world.crash?.()
        await this.#restart()
        await this.#mustShow(`after a death when epoch ${index} was ${dies}`, this.#standing())
      }
      if (this.#standing() < index) await this.#epoch(index, 'never')
    }
    await this.#open().close()
    await this.#restart()
    await this.#mustShow('after a restart at the end', this.#plans.length - 1)
    await this.#mustKeepNothing('after a restart at the end')
  }

  async #restart(): Promise<void> {
    this.#early = 0
    this.#sink = await this.#world.make()
    const token = this.#token++
    const snapshotIdOf = (epoch: number) => `${token}.${epoch}`
    const epoch = this.#published?.epoch ?? initialEpoch
    await this.#sink.open({
      queryId: 'query',
      runId: `run ${token}`,
      token,
      openEpochsMax: 2,
      snapshotIdOf,
      lastCommitted: this.#published,
      standsOn: { epoch, snapshotId: snapshotIdOf(epoch) },
    })
  }

  async #failingEpoch(index: number): Promise<void> {
    const sink = this.#open()
    await this.#write(index)
    await sink.prepare(index as Epoch, 0 as Micros)
    await sink.abort(index as Epoch)
    await this.#mustShow(`after epoch ${index} was aborted`, index - 1)
    await this.#mustKeepNothing(`after epoch ${index} was aborted`)
    await sink.close()
    await this.#restart()
    await this.#mustShow(`after a restart without epoch ${index}`, index - 1)
  }

  /** Runs the epoch until the place where the process dies. */
  async #epoch(index: number, dies: EpochPlan['dies']): Promise<void> {
    const sink = this.#open()
    const epoch = index as Epoch
    if (dies === 'begun') return
    await this.#write(index)
    await this.#mustShow(`before epoch ${index} was prepared`, index - 1)
    if (dies === 'written') return
    const committable = await sink.prepare(epoch, 0 as Micros)
    await this.#mustShow(`before epoch ${index} was committed`, index - 1)
    if (dies === 'prepared') return
    const before = this.#published
    this.#published = { epoch, committable: JSON.parse(JSON.stringify(committable)) }
    if (dies === 'published') return
    if (this.#plans[index]?.overlaps === true) await this.#writeEarly(index + 1)
    await sink.commit(epoch, this.#published.committable)
    await this.#mustShow(`after epoch ${index} was committed`, index)
    await sink.commit(epoch, this.#published.committable)
    if (before !== undefined) await sink.commit(before.epoch, before.committable)
    await this.#mustShow(`after epoch ${index} was committed again`, index)
  }

  async #write(index: number): Promise<void> {
    const batches = this.#plans[index]?.batches ?? []
    for (const numbers of batches.slice(this.#early)) {
      await this.#open().write(this.#world.batch(numbers), index as Epoch)
    }
    this.#early = 0
  }

  async #writeEarly(index: number): Promise<void> {
    const [first] = this.#plans[index]?.batches ?? []
    if (first === undefined) return
    await this.#open().write(this.#world.batch(first), index as Epoch)
    this.#early = 1
  }

  #open(): Sink {
    if (this.#sink === undefined) throw new Error('no sink was opened')
    return this.#sink
  }

  #standing(): number {
    return this.#published?.epoch ?? -1
  }

  async #mustKeepNothing(when: string): Promise<void> {
    const kept = await this.#world.kept?.()
    if (kept !== undefined) mustEqual(`out of sight ${when}`, kept, [])
  }

  async #mustShow(when: string, upTo: number): Promise<void> {
    const first = this.#world.replaces === true ? Math.max(0, upTo) : 0
    const expected = this.#plans
      .slice(first, upTo + 1)
      .flatMap(({ batches }) => batches.flatMap((each) => rowsAsText(this.#world.batch(each))))
    mustEqual(when, [...(await this.#world.visible())].sort(), expected.sort())
  }
}
