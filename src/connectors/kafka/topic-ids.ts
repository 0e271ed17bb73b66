import type { Position } from '../../flow/message.ts'

/** Which topic it is that has a name now: one that was deleted and made anew is another one. */
export type TopicIds = ReadonlyMap<string, string>

/** A position that says which topics its offsets are of; they lie beside them, and names of partitions have a slash. */
export function withTopicIds(offsets: Position, ids: TopicIds): Position {
  return { ...offsets, ...Object.fromEntries(ids) }
}

/** The part of a position that is offsets. */
export function offsetsIn(position: Position): Position {
  return Object.fromEntries(Object.entries(position).filter(([name]) => isPartition(name)))
}

/** Topics that are not those any more which the position was made of. */
export function remadeTopics(position: Position, ids: TopicIds): ReadonlySet<string> {
  const remade = [...ids].filter(([topic, id]) => (position[topic] ?? id) !== id)
  return new Set(remade.map(([topic]) => topic))
}

export function isPartition(name: string): boolean {
  return name.includes('/')
}
