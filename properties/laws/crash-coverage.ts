import type { CrashStep } from './step-watch.ts'

/** What kinds of crashes were tried. */
export interface CrashCoverage {
  readonly crashes: number
  /** Crashes with at least two epochs decided and not committed. */
  readonly withTwoInFlight: number
  /** How often each kind of step was cut short, with what the coordinator had heard last. */
  readonly pairs: ReadonlyMap<string, number>
}

/** An empty count and the way to add to it. */
export function crashCoverage(): CrashCoverage & { add(step: CrashStep): void } {
  const pairs = new Map<string, number>()
  const counts = { crashes: 0, withTwoInFlight: 0 }
  return {
    get crashes() {
      return counts.crashes
    },
    get withTwoInFlight() {
      return counts.withTwoInFlight
    },
    pairs,
    add({ name, phase, inFlight }) {
      counts.crashes += 1
      if (inFlight >= 2) counts.withTwoInFlight += 1
      const pair = `${stepKind(name)} | ${phase}`
      pairs.set(pair, (pairs.get(pair) ?? 0) + 1)
    },
  }
}

/** The name of a step without its numbers, such as `write checkpoint/log/#`. */
export function stepKind(name: string): string {
  return name.replaceAll(/[0-9a-f]{8,}|\d+/g, '#')
}
