import fc from 'fast-check'
import { readyZstd } from '../../../src/connectors/kafka/records/zstd.ts'
import { systemClock } from '../../../src/core/system-clock.ts'
import { codecTargets } from '../fuzz/codec-targets.ts'
import { fileTargets } from '../fuzz/file-targets.ts'
import { kafkaTargets } from '../fuzz/kafka-targets.ts'
import { lineTargets } from '../fuzz/line-targets.ts'
import { spoiltInputs } from '../fuzz/spoil.ts'
import { type FuzzTarget, refusalOf } from '../fuzz/target.ts'
import { textTargets } from '../fuzz/text-targets.ts'
import type { Gate } from './gate.ts'

const inputsAtOnce = 1000
/** Inputs are short: whatever takes longer hangs, or grows with the square of something. */
const mostMs = 500

let targets: Promise<readonly FuzzTarget[]> | undefined

async function allTargets(): Promise<readonly FuzzTarget[]> {
  await readyZstd()
  const files = await fileTargets()
  return [...files, ...lineTargets, ...textTargets, ...kafkaTargets, ...codecTargets]
}

/** Everything that reads bytes or texts from outside, one reader in each round. */
export const spoiltReads: Gate = {
  id: 'G13',
  name: 'bytes that are not as they should be are read or refused, soon and with a code',
  unit: 'inputs',
  wanted: { test: 200_000, long: 20_000_000 },
  async round(seed) {
    targets ??= allTargets()
    const all = await targets
    const target = all[seed % all.length] as FuzzTarget
    try {
      return { done: inputsAtOnce, figures: await tryTarget(target, seed), kinds: [target.name] }
    } catch (cause) {
      const why =
        cause instanceof Error && cause.cause !== undefined ? ` ${String(cause.cause)}` : ''
      throw new Error(`${target.name}: ${String(cause)}${why}`, { cause })
    }
  },
}

async function tryTarget(target: FuzzTarget, seed: number) {
  // Whatever takes more memory believes what inputs say of themselves.
  const { name, samples, read, refusals, mostMiB = 64 } = target
  for (const sample of samples) await read(sample)
  const figures = { refused: 0, 'most ms': 0, 'most MiB': 0 }
  const tryOne = async (bytes: Uint8Array): Promise<void> => {
    // A busy machine may stop anybody for a while, but hardly three times.
    let spent = { ms: 0, miB: 0, isRefused: false }
    for (let left = 3; left > 0; left--) {
      spent = await spentOn(() => read(bytes), refusals)
      if (spent.ms < mostMs) break
    }
    const { ms, miB, isRefused } = spent
    figures['most ms'] = Math.max(figures['most ms'], Math.round(ms))
    figures['most MiB'] = Math.max(figures['most MiB'], Math.round(miB))
    if (isRefused) figures.refused += 1
    if (ms > mostMs || miB > mostMiB) throw new Error(`${ms} ms and ${miB} MiB`)
  }
  await fc.assert(fc.asyncProperty(spoiltInputs(samples), tryOne), { seed, numRuns: inputsAtOnce })
  // A reader that takes everything was not tried.
  if (refusals.length > 0 && figures.refused < inputsAtOnce / 100) {
    throw new Error(`${name} refused ${figures.refused} inputs`)
  }
  return figures
}

/** What it takes to read an input, or to refuse it. */
async function spentOn(read: () => void | Promise<void>, refusals: readonly string[]) {
  const clock = systemClock()
  const [heap, started] = [memoryHeld(), clock.monotonic()]
  let isRefused = false
  try {
    await read()
  } catch (thrown) {
    if (!refusals.includes(refusalOf(thrown) ?? '')) throw thrown
    isRefused = true
  }
  return { ms: clock.monotonic() - started, miB: (memoryHeld() - heap) / 2 ** 20, isRefused }
}

/** Garbage counts until it is collected, so this is what was asked for, or less. */
function memoryHeld(): number {
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}
