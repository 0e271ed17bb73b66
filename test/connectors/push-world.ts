import { createSimulatedClock } from '../../properties/simulated-clock.ts'
import { parseSchema } from '../../src/batch/ddl.ts'
import { rowsOf } from '../../src/batch/read.ts'
import { type PushStreamOptions, pushSource, pushStream } from '../../src/connectors/push/source.ts'
import type { FileSystem } from '../../src/core/file-system.ts'
import { seededRandom } from '../../src/core/random.ts'
import type { Source } from '../../src/flow/connector.ts'
import type { Position } from '../../src/flow/message.ts'
import { sourceContext } from './contexts.ts'

export const pushSchema = parseSchema('n LONG')

let processes = 0

/** A process with a push stream and, once it is started, the source of its query. */
export function pushProcess(files: FileSystem, options: PushStreamOptions = {}) {
  const clock = createSimulatedClock()
  const handle = pushStream(pushSchema, options, clock)
  const random = seededRandom(++processes)
  return {
    clock,
    handle,
    push: (...numbers: readonly number[]) => handle.push(numbers.map((n) => ({ n }))),
    start: () =>
      pushSource.create(
        sourceContext(pushSchema, { handle, clock, files, random, folder: 'q/sources/push' }),
      ),
  }
}

/** The numbers that a source has from a position on, and the position behind them. */
export async function readOn(
  source: Source,
  from: Position,
): Promise<{ readonly numbers: readonly number[]; readonly to: Position }> {
  const to = await source.latest(from, {})
  const numbers: number[] = []
  for await (const batch of source.read({ from, to }, { index: 0, count: 1 })) {
    numbers.push(...rowsOf(batch).map(([n]) => Number(n)))
  }
  return { numbers, to }
}

/** What a promise came to, without waiting for it longer than other work goes on. */
export async function outcomeOf(promise: Promise<unknown>): Promise<string> {
  let outcome = 'waits'
  promise.then(
    () => {
      outcome = 'done'
    },
    (thrown: unknown) => {
      outcome =
        thrown instanceof Error && 'code' in thrown ? String(thrown.code) : 'an unknown error'
    },
  )
  for (let turn = 0; turn < 200; turn++) await Promise.resolve()
  return outcome
}
