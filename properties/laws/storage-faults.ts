import { StreamError } from '../../src/core/error.ts'
import type { DiskFault } from '../virtual-file-system.ts'
import { judgeOf } from './crash-judge.ts'
import type { CrashPipeline } from './crash-life.ts'
import { undisturbed } from './crash-points.ts'
import { crashWorld } from './crash-world.ts'
import { knownWorlds } from './known-worlds.ts'

/** Which faults are tried. */
export interface StorageFaultOptions {
  readonly seed: number
  /** Default: all of them. */
  readonly kinds?: readonly DiskFault[]
  /** The fault strikes at every so manieth request to the disk; the seed says which. Default 1. */
  readonly every?: number
}

/** What was tried, all of it with success. */
export interface StorageFaultReport {
  readonly tried: number
  /** Queries that failed with a code, and were started again. */
  readonly failed: number
  /** What was silently wrong on the disk was noticed by the next start, by code. */
  readonly refused: ReadonlyMap<string, number>
}

const kindsOfAll: readonly DiskFault[] = ['ENOSPC', 'EIO', 'shortRead', 'bitFlip', 'misdirected']
/** Faults after which the disk holds what nobody wrote. */
const damaging: readonly DiskFault[] = ['bitFlip', 'misdirected']

/**
 * Whatever goes wrong with one request to the disk, no row is lost or counted twice. Each request of a run fails in
 * turn, once or from then on: the query goes on, or fails with a code. Then the disk is good again, and the next
 * process gives exactly what it should; after a write that went wrong in silence it may refuse the checkpoint instead.
 *
 * @throws Error that names the request and the fault
 */
export async function storageFaults(
  pipeline: CrashPipeline,
  { seed, kinds = kindsOfAll, every = 1 }: StorageFaultOptions,
): Promise<StorageFaultReport> {
  const judge = judgeOf(pipeline, { mayLeaveFiles: true })
  const { life, verdict } = await undisturbed(pipeline, { seed, judge })
  const report = { tried: 0, failed: 0, refused: new Map<string, number>() }
  // What a damaged disk may lead to, a sound one may not.
  const [sound, damaged] = [knownWorlds(), knownWorlds()]
  for (const { at, name, kind, lasts } of faultsOf(life.steps, kinds, {
    every,
    from: seed % every,
  })) {
    const world = crashWorld(pipeline, seed)
    report.tried += 1
    try {
      const { error } = await world.live({
        fault: (step) => (step === at || (lasts && step > at) ? kind : undefined),
      })
      if (error?.code === 'INTERNAL') throw error
      if (error !== undefined) report.failed += 1
      if (!(damaging.includes(kind) ? damaged : sound).isNew(world)) continue
      await world.live()
      await judge(world, verdict)
    } catch (thrown) {
      const code = thrown instanceof StreamError ? thrown.code : 'INTERNAL'
      if (code === 'INTERNAL' || !damaging.includes(kind)) {
        const what = `${kind}${lasts ? ' from' : ' at'} step ${at}, ${name}`
        throw new Error(`${pipeline.name}, seed ${seed}, ${what}: ${String(thrown)}`, {
          cause: thrown,
        })
      }
      report.refused.set(code, (report.refused.get(code) ?? 0) + 1)
    }
  }
  return report
}

interface Fault {
  readonly at: number
  readonly name: string
  readonly kind: DiskFault
  /** Every later request fails, too. */
  readonly lasts: boolean
}

function* faultsOf(
  steps: readonly { readonly name: string }[],
  kinds: readonly DiskFault[],
  { every, from }: { readonly every: number; readonly from: number },
): Iterable<Fault> {
  let requests = 0
  for (const [at, { name }] of steps.entries()) {
    if (/^(?:send|table) /.test(name)) continue
    if (requests++ % every !== from) continue
    for (const kind of kinds) {
      if (kind === 'shortRead' && !name.startsWith('read ')) continue
      if (damaging.includes(kind) && !name.startsWith('write ')) continue
      yield { at, name, kind, lasts: false }
      if (kind === 'ENOSPC' || kind === 'EIO') yield { at, name, kind, lasts: true }
    }
  }
}
