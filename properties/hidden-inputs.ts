import { seededRandom } from '../src/core/random.ts'

/**
 * Calls `run` in a world whose clocks are off by so many milliseconds, with other dice: what user code asks
 * behind the engine's back (`new Date()`, `Date.now()`, `performance.now()`, `Math.random()`) then answers
 * otherwise than in the next call. One call at a time per process.
 */
export async function withHiddenInputs<Result>(
  { shiftMs, seed }: { readonly shiftMs: number; readonly seed: number },
  run: () => Promise<Result>,
): Promise<Result> {
  const { Date: realDate, performance } = globalThis
  const { random: realRandom } = Math
  const { now: realNow } = performance
  const random = seededRandom(seed)
  const now = (): number => realDate.now() + shiftMs
  globalThis.Date = new Proxy(realDate, {
    construct: (target, given, made) =>
      Reflect.construct(target, given.length === 0 ? [now()] : given, made),
    apply: () => new realDate(now()).toString(),
    get: (target, name) => (name === 'now' ? now : Reflect.get(target, name)),
  })
  Math.random = () => random.next()
  performance.now = () => realNow.call(performance) + shiftMs
  try {
    return await run()
  } finally {
    globalThis.Date = realDate
    Math.random = realRandom
    performance.now = realNow
  }
}
