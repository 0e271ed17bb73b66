import type { Json } from '../src/core/json.ts'
import type { Position } from '../src/flow/message.ts'
import { capPosition, samePosition } from './positions.ts'

type Positions = Readonly<Record<string, Position>>

/**
 * In which order the sources are read (`followedBy`). Fixed when the query first starts, so that every
 * attempt agrees on where one part ends and the next begins.
 */
export interface Turns {
  /** By source: the sources that must be read to their ends before it. Those without an entry wait for none. */
  readonly after: Readonly<Record<string, readonly string[]>>
  /** Where the sources end that others wait for. */
  readonly ends: Positions
}

/** Whether a source may be read now, and whether anything of it is left. */
export type SourceTurn = 'waiting' | 'reading' | 'ended'

/** The turn of a source in an epoch that begins at these positions. */
export function turnOf(name: string, positions: Positions, turns: Turns): SourceTurn {
  if (hasEnded(name, positions, turns)) return 'ended'
  const before = turns.after[name] ?? []
  return before.every((other) => hasEnded(other, positions, turns)) ? 'reading' : 'waiting'
}

/** The sources that were read to their ends. */
export function endedSources(positions: Positions, turns: Turns): readonly string[] {
  return Object.keys(turns.ends).filter((name) => hasEnded(name, positions, turns))
}

/** A position of a source that does not pass its end; partitions that were found later are no part of it. */
export function withinEnd(from: Position, to: Position, end: Position): Position {
  const within: Record<string, Json> = {}
  for (const [partition, at] of Object.entries(capPosition(to, end))) {
    const stop = end[partition] === undefined ? from[partition] : at
    if (stop !== undefined) within[partition] = stop
  }
  return within
}

function hasEnded(name: string, positions: Positions, { ends }: Turns): boolean {
  const end = ends[name]
  const position = positions[name]
  if (end === undefined || position === undefined) return false
  return samePosition(withinEnd(end, position, end), end)
}
