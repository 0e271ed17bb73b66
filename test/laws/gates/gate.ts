import { systemClock } from '../../../src/core/system-clock.ts'

/** Figures by name; they add up over rounds, and of those whose name begins with `most` the largest counts. */
export type Figures = Readonly<Record<string, number>>

/** What a round has done. */
export interface Round {
  /** In the unit that the gate is counted in. */
  readonly done: number
  readonly figures?: Figures
  /** Things of which only the different ones count, such as kinds of steps. */
  readonly kinds?: readonly string[]
}

/** A claim that is tried so many times, in rounds of its own seeds. */
export interface Gate {
  /** As in the table of figures. */
  readonly id: string
  readonly name: string
  /** What is counted. */
  readonly unit: string
  /** How many of them the tests try, and how many a long run. */
  readonly wanted: { readonly test: number; readonly long: number }
  /** Figures that the tests have to reach: without them nothing would be proved. */
  readonly least?: Figures
  /** Tries the claim; throws what is wrong. */
  round(seed: number): Promise<Round>
}

/** Everything a gate has done so far. */
export interface GateState {
  readonly rounds: number
  readonly done: number
  readonly seconds: number
  readonly figures: Figures
  readonly kinds: readonly string[]
  /** What went wrong, with the seed of the round. */
  readonly failures: readonly { readonly seed: number; readonly why: string }[]
}

export const nothingDone: GateState = {
  rounds: 0,
  done: 0,
  seconds: 0,
  figures: {},
  kinds: [],
  failures: [],
}

/** One more round; its seed follows from the number of the round. */
export async function oneRound(gate: Gate, state: GateState, baseSeed: number): Promise<GateState> {
  const clock = systemClock()
  const seed = baseSeed + state.rounds
  const started = clock.monotonic()
  let round: Round = { done: 0 }
  let failures = state.failures
  try {
    round = await gate.round(seed)
  } catch (thrown) {
    const why = thrown instanceof Error ? thrown.message : String(thrown)
    failures = [...failures, { seed, why }]
  }
  const { done, figures = {}, kinds = [] } = round
  return {
    rounds: state.rounds + 1,
    done: state.done + done,
    seconds: state.seconds + (clock.monotonic() - started) / 1000,
    figures: added(state.figures, figures),
    kinds: [...new Set([...state.kinds, ...kinds])],
    failures,
  }
}

function added(left: Figures, right: Figures): Figures {
  const names = [...new Set([...Object.keys(left), ...Object.keys(right)])]
  const both = (name: string): number => {
    const [one, other] = [left[name] ?? 0, right[name] ?? 0]
    return name.startsWith('most ') ? Math.max(one, other) : one + other
  }
  return Object.fromEntries(names.map((name) => [name, both(name)]))
}

/** Rounds until so many of the unit are done, or one fails. */
export async function runGate(gate: Gate, wanted: number, baseSeed: number): Promise<GateState> {
  let state = nothingDone
  while (state.done < wanted && state.failures.length === 0) {
    state = await oneRound(gate, state, baseSeed)
  }
  return state
}

/** What the table says of a gate. */
export interface TableRow {
  readonly id: string
  readonly name: string
  /** How many of which unit. */
  readonly done: string
  readonly rounds: number
  readonly seconds: number
  readonly failed: number
  readonly figures: string
}

/** What was done for a gate, for the table. */
export function tableRow({ id, name, unit }: Gate, state: GateState, wanted: number): TableRow {
  const { done, rounds, seconds, failures, figures, kinds } = state
  const texts = Object.entries(figures).map(([what, value]) => `${what} ${value}`)
  if (kinds.length > 0) texts.push(`different kinds ${kinds.length}`)
  return {
    id,
    name,
    done: `${done} of ${wanted} ${unit}`,
    rounds,
    seconds,
    failed: failures.length,
    figures: texts.join(', '),
  }
}

/** The table that a run prints. */
export function gateTable(rows: readonly TableRow[]): string {
  const cells = rows.map(({ id, name, done, rounds, seconds, failed, figures }) => [
    id,
    name,
    done,
    String(rounds),
    seconds.toFixed(1),
    String(failed),
    figures,
  ])
  const head = ['gate', 'claim', 'done', 'rounds', 'seconds', 'failed', 'figures']
  const widths = head.map((_, at) =>
    Math.max(...[head, ...cells].map((row) => row[at]?.length ?? 0)),
  )
  const line = (row: readonly string[]): string =>
    row
      .map((cell, at) => cell.padEnd(widths[at] ?? 0))
      .join('  ')
      .trimEnd()
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...cells.map(line)].join('\n')
}
