import { StreamError } from '../../src/core/error.ts'
import { judgeOf } from './crash-judge.ts'
import { type CrashPipeline, checkpoint } from './crash-life.ts'
import { undisturbed } from './crash-points.ts'
import type { CrashWorld } from './crash-world.ts'

/** Which damages are tried. */
export interface DamageOptions {
  readonly seed: number
  /** Files are lost, and that is all that happens to them. Default: no. */
  readonly lossOnly?: boolean
  /** One bit is turned in every so manieth byte of each file, the first one among them. Default 8. */
  readonly everyByte?: number
  /** After which share of the steps of a run the process dies and its checkpoint is damaged. Default 0.7. */
  readonly after?: number
}

/** What was tried, all of it with success. */
export interface DamageReport {
  readonly tried: number
  /** The damage did not matter: the output was right. */
  readonly right: number
  /** The query was refused, by code. */
  readonly refused: ReadonlyMap<string, number>
}

/**
 * A damaged checkpoint never gives a wrong answer. The process dies in the middle of its work; then, for every
 * file of its checkpoint, a bit is turned, its end is cut off, something is added to it, it is deleted, or it
 * takes the place of its neighbour; or the newest entries of its log are lost together. The query that finds this either
 * gives exactly what it should, or fails with a code that says so. The sink may be the one that notices only where the
 * checkpoint cannot: when the newest entries of its log are gone, and no heartbeat had told of them.
 *
 * @throws Error that names the file and the damage
 */
export async function damagedCheckpoint(
  pipeline: CrashPipeline,
  { seed, lossOnly = false, everyByte = 8, after = 0.7 }: DamageOptions,
): Promise<DamageReport> {
  const judge = judgeOf(pipeline, { mayLeaveFiles: true })
  // A table that knows its epochs by number would hide a checkpoint that forgot the last one.
  const { life, verdict } = await undisturbed(pipeline, { seed, judge, table: { fences: false } })
  const at = Math.floor(life.steps.length * after)
  const worldAt = (): CrashWorld => {
    const world = life.worldAt(at)
    if (world === undefined) throw new Error('a world with parts of its own cannot be copied')
    return world
  }
  const report = { tried: 0, right: 0, refused: new Map<string, number>() }
  for (const damage of lossOnly ? lossesOf(worldAt()) : damagesOf(worldAt(), everyByte)) {
    const world = worldAt()
    damage.strike(world)
    report.tried += 1
    try {
      await world.live()
      await judge(world, verdict)
      report.right += 1
    } catch (thrown) {
      const code = thrown instanceof StreamError ? thrown.code : 'INTERNAL'
      if (code === 'INTERNAL' || (code === 'SINK_AHEAD' && damage.isTold)) {
        throw new Error(`${pipeline.name}, seed ${seed}, ${damage.name}: ${String(thrown)}`, {
          cause: thrown,
        })
      }
      report.refused.set(code, (report.refused.get(code) ?? 0) + 1)
    }
  }
  return report
}

interface Damage {
  readonly name: string
  /** The checkpoint tells of what is damaged, so that it is the one to notice. */
  readonly isTold: boolean
  readonly strike: (world: CrashWorld) => void
}

function pathsOf(world: CrashWorld): readonly string[] {
  return world
    .disk()
    .allFiles()
    .filter((path) => path.startsWith(`${checkpoint}/`))
}

function change(
  path: string,
  what: string,
  changed: (bytes: Uint8Array) => Uint8Array | undefined,
): Damage {
  return { name: `${what} of ${path}`, isTold: true, strike: (one) => one.damage(path, changed) }
}

/** Every file, and as many of the newest entries of the log as there are. */
function lossesOf(world: CrashWorld): readonly Damage[] {
  const paths = pathsOf(world)
  const numbers = paths.flatMap((path) => /\/log\/(\d+)$/.exec(path)?.[1] ?? []).map(Number)
  const entries = numbers.toSorted((left, right) => left - right)
  const told = toldEntry(world)
  const ends = entries.map((from, at): Damage => {
    const lost = entries.slice(at)
    return {
      name: `the loss of ${lost.length} entries of the log from ${from} on`,
      isTold: told >= from,
      strike(one) {
        for (const number of lost) one.damage(`${checkpoint}/log/${number}`, () => undefined)
      },
    }
  })
  const others = paths.filter((path) => path !== `${checkpoint}/log/${entries.at(-1)}`)
  return [...ends, ...others.map((path) => change(path, 'the loss', () => undefined))]
}

function* damagesOf(world: CrashWorld, everyByte: number): Iterable<Damage> {
  const paths = pathsOf(world)
  yield* lossesOf(world)
  for (const [index, path] of paths.entries()) {
    const bytes = contentOf(world, path)
    for (const length of new Set([0, bytes.length >>> 1, Math.max(0, bytes.length - 1)])) {
      yield change(path, `everything behind byte ${length}`, (old) => old.slice(0, length))
    }
    yield change(path, 'an addition at the end', (old) => Uint8Array.from([...old, 0, 1, 2]))
    const neighbour = paths[index + 1]
    if (neighbour === undefined) continue
    const other = contentOf(world, neighbour)
    yield change(path, `the content of ${neighbour} instead`, () => other)
    yield {
      name: `${path} and ${neighbour} swapped`,
      isTold: true,
      strike(one) {
        one.damage(path, () => other)
        one.damage(neighbour, () => bytes)
      },
    }
  }
  // Nearly all of them are these.
  for (const path of paths) {
    const { length } = contentOf(world, path)
    for (let at = 0; at < length; at += everyByte) {
      yield change(path, `a bit of byte ${at}`, (old) => withBit(old, at))
    }
  }
}

/** The newest entry of the log that the lock tells of. */
function toldEntry(world: CrashWorld): number {
  const lock = `${checkpoint}/lock`
  if (!pathsOf(world).includes(lock)) return -1
  const text = new TextDecoder().decode(contentOf(world, lock))
  return Number(/"lastEntry":(-?\d+)/.exec(text)?.[1] ?? -1)
}

function contentOf(world: CrashWorld, path: string): Uint8Array {
  let content = new Uint8Array()
  world.disk().tamper(path, (bytes) => {
    content = bytes.slice()
    return bytes
  })
  return content
}

function withBit(bytes: Uint8Array, at: number): Uint8Array {
  const copy = bytes.slice()
  copy[at] = (copy[at] ?? 0) ^ (1 << (at & 7))
  return copy
}
