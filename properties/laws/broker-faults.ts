import type { BrokerFault } from '../virtual-broker.ts'
import { judgeOf } from './crash-judge.ts'
import type { CrashPipeline } from './crash-life.ts'
import { crashWorld } from './crash-world.ts'

/** Which faults are tried. */
export interface BrokerFaultOptions {
  readonly seed: number
  /** Default: all of them. */
  readonly kinds?: readonly BrokerFault[]
  /** The fault strikes at every so manieth request to a broker. Default 1. */
  readonly every?: number
}

/** What was tried, all of it with success. */
export interface BrokerFaultReport {
  readonly tried: number
  /** Queries that ended with an error, and were started again. */
  readonly failed: number
  /** Requests that were struck, by name and fault. */
  readonly kinds: ReadonlySet<string>
}

/** What happens to the next request to any broker of a pipeline. */
export type BrokerFate = (name: string) => BrokerFault | undefined

const kindsOfAll: readonly BrokerFault[] = [
  'lost request',
  'lost reply',
  'late',
  'bounce',
  'timeout',
]

/**
 * Whatever happens to one request to a broker, no row is lost or counted twice. Each request of a run is struck in
 * turn: the query goes on, restarts, or ends with a code and is started again; then everything is as it
 * would have been.
 *
 * @param pipelineWith makes the pipeline over brokers that ask for the fate of each of their requests
 * @throws Error that names the request and the fault
 */
export async function brokerFaults(
  pipelineWith: (fate: BrokerFate) => CrashPipeline,
  { seed, kinds = kindsOfAll, every = 1 }: BrokerFaultOptions,
): Promise<BrokerFaultReport> {
  const names: string[] = []
  const seen: BrokerFate = (name) => void names.push(name)
  const pipeline = pipelineWith(seen)
  const judge = judgeOf(pipeline, { mayLeaveFiles: true })
  const whole = crashWorld(pipeline, seed)
  await whole.live()
  const verdict = await judge(whole, undefined)
  const report = { tried: 0, failed: 0, kinds: new Set<string>() }
  for (const [at, name] of [...names].entries()) {
    if (at % every !== 0) continue
    for (const kind of kinds) {
      report.tried += 1
      report.kinds.add(`${kind} | ${name}`)
      let asked = 0
      const struck = crashWorld(
        pipelineWith(() => (asked++ === at ? kind : undefined)),
        seed,
      )
      try {
        const { error } = await struck.live({ fault: () => undefined })
        if (error?.code === 'INTERNAL') throw error
        if (error !== undefined) {
          report.failed += 1
          await struck.live()
        }
        await judge(struck, verdict)
      } catch (thrown) {
        const what = `${kind} at request ${at} to a broker, ${name}`
        throw new Error(`${pipeline.name}, seed ${seed}, ${what}: ${String(thrown)}`, {
          cause: thrown,
        })
      }
    }
  }
  return report
}
