import type fc from 'fast-check'
import { withHiddenInputs } from '../hidden-inputs.ts'
import { asksForTime } from './asks-for-time.ts'
import { type LawOptions, type LawRun, runLaw } from './run-law.ts'
import { mustBeSameRows } from './same-rows.ts'
import { oneOf, scheduleOf } from './stream-equals-batch.ts'
import { type StreamCase, streamText } from './stream-law.ts'
import type { StreamQuery } from './stream-query.ts'
import { rowsOfAll, runStream, type Schedule, type StreamOutcome } from './stream-run.ts'

/**
 * The functions of a query (state processors, functions over groups and rows, operators of one's own) are
 * functions: what they answer depends on their rows, their key, their declared state and the time that the
 * engine tells them, and on nothing else. Otherwise an epoch that runs again after a crash gives other rows
 * than those that somebody has seen. Each random stream runs
 *
 * - twice, the second time with another wall clock and other dice: every epoch must give the same rows;
 * - with a restart after each arrival and without any: nothing may be remembered but declared state. Not for
 *   queries that ask for the processing time, which has gone on after a restart.
 *
 * @param queries one query, or an arbitrary that makes them
 * @throws LawFailure with the smallest stream that shows it
 */
export async function stateFunction(
  queries: StreamQuery | fc.Arbitrary<StreamQuery>,
  options: LawOptions = {},
): Promise<LawRun> {
  return await runLaw<StreamCase>(
    {
      name: 'stateFunction',
      cases: oneOf(queries).chain((query) =>
        scheduleOf(query).map((schedule) => ({ query, schedule })),
      ),
      holds,
      describe: streamText,
    },
    { runs: 50, ...options },
  )
}

const dayMs = 86_400_000

async function holds({ query, schedule }: StreamCase): Promise<void> {
  const first = await withHiddenInputs({ shiftMs: 0, seed: 1 }, () => runStream(query, schedule))
  const again = await withHiddenInputs({ shiftMs: 40 * dayMs + 3_723_004, seed: 2 }, () =>
    runStream(query, schedule),
  )
  first.committed.forEach(({ epoch, batches }, at) => {
    const what = `epoch ${epoch}, run again at another time of day and with other dice`
    mustBeSameRows(what, rowsOfAll(again.committed[at]?.batches ?? []), rowsOfAll(batches))
  })
  if (asksForTime(first.plan)) return
  const steady = await runStream(query, settled(schedule, undefined))
  const restarted = await runStream(query, settled(schedule, schedule.lanes))
  mustBeSameRows(
    'the output with a restart after each arrival, against that without any',
    outputOf(query, restarted),
    outputOf(query, steady),
  )
}

/** One epoch per arrival. */
function settled(schedule: Schedule, lanesAfter: number | undefined): Schedule {
  const arrivals = schedule.arrivals.map(({ rows }) => ({ rows, settles: true, lanesAfter }))
  return { ...schedule, arrivals }
}

/** In complete mode the last epoch says everything; how many there are depends on restarts. */
function outputOf({ outputMode }: StreamQuery, { committed }: StreamOutcome) {
  const told = outputMode === 'complete' ? committed.slice(-1) : committed
  return told.flatMap(({ batches }) => rowsOfAll(batches))
}
