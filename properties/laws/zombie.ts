import { logEntries } from '../logged-epochs.ts'
import { judgeOf } from './crash-judge.ts'
import { type CrashPipeline, checkpoint } from './crash-life.ts'
import { crashWorld } from './crash-world.ts'

/** What was tried. */
export interface ZombieReport {
  /** `false`: the first process had not begun when it was stopped, or had come to its end. */
  readonly slept: boolean
  /** What it did after it woke. */
  readonly stepsAwake: number
}

/**
 * A process that is stopped, replaced and woken again does no harm. The first process is stopped before a step;
 * another one takes its place and runs to the end; then the first one goes on where it stood. Nothing that it
 * does changes the log, the output, or the answer.
 *
 * @throws Error that says what it changed
 */
export async function zombie(
  pipeline: CrashPipeline,
  { seed, step }: { readonly seed: number; readonly step: number },
): Promise<ZombieReport> {
  const judge = judgeOf(pipeline, { mayLeaveFiles: true })
  // A table that refuses a zombie by itself would hide a log that does not.
  const world = crashWorld(pipeline, seed, { fences: false })
  const sleeper = await world.sleepAt(step)
  if (!sleeper.sleeps) return { slept: false, stepsAwake: 0 }
  // A query that fell asleep before its attempt stood in the log has no place yet that another one could take: it
  // may begin when it wakes.
  const entries = await logEntries(world.disk(), checkpoint)
  const hasBegun = entries.filter(({ type }) => type === 'attempt').length === sleeper.queries
  await world.live()
  const before = await judge(world, undefined)
  const seen = async (): Promise<string> => {
    const own = await world.ownSink?.visible(world.disk())
    const log = await logEntries(world.disk(), checkpoint, world.forgotten())
    return JSON.stringify([log, world.table.epochs().length, own?.length])
  }
  const left = await seen()
  const awake = await sleeper.wake()
  if (hasBegun && (await seen()) !== left) {
    const did = awake.map(({ name }) => `  ${name}`).join('\n')
    throw new Error(`a process that was replaced before step ${step} wrote all the same:\n${did}`)
  }
  await judge(world, before)
  return { slept: hasBegun, stepsAwake: awake.length }
}
