import { createSimulatedClock, type SimulatedClock } from '../../properties/simulated-clock.ts'
import type { RegistryWorld } from '../../src/codecs/registry/exchange.ts'
import type { Http } from '../../src/core/http.ts'
import { seededRandom } from '../../src/core/random.ts'

export interface SimulatedWorld extends RegistryWorld {
  readonly clock: SimulatedClock
}

/** A world whose time goes on only while `settled` waits. */
export function simulatedWorld(http: Http): SimulatedWorld {
  return { clock: createSimulatedClock(), random: seededRandom(1), http }
}

/** The result of something that takes simulated time: whenever nothing else happens the next timer fires. */
export async function settled<T>({ clock }: SimulatedWorld, result: Promise<T>): Promise<T> {
  let isOver = false
  const over = (): void => {
    isOver = true
  }
  result.then(over, over)
  for (let turn = 0; !isOver && turn < 10_000; turn++) {
    await new Promise((resolve) => setImmediate(resolve))
    const next = clock.untilNextTimer()
    if (!isOver && next !== undefined) clock.advance(next)
  }
  return await result
}
