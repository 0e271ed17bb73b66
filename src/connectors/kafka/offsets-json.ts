import type { TopicPartition } from './transaction-requests.ts'

/** An offset by name of a partition. */
export type OffsetsByPartition = ReadonlyMap<string, number>

/** How a partition is named in positions. */
export function partitionName({ topic, partition }: TopicPartition): string {
  return `${topic}/${partition}`
}

/** The partition of a name; topics have no slashes. */
export function partitionOf(name: string): TopicPartition {
  const slash = name.lastIndexOf('/')
  return { topic: name.slice(0, slash), partition: Number(name.slice(slash + 1)) }
}

/**
 * Numbers by topic and partition, as Spark writes them: `{"topicA":{"0":23,"1":-2}}`. `undefined` if the text is
 * something else, or if a number is below `least`.
 */
export function parseOffsets(text: string, least: number): OffsetsByPartition | undefined {
  const topics = entriesOf(parsed(text))
  const found = topics?.flatMap(([topic, value]) => {
    const partitions = entriesOf(value) ?? [['', undefined]]
    return partitions.map(([partition, offset]) => {
      const isOffset = typeof offset === 'number' && Number.isSafeInteger(offset) && offset >= least
      return isNumeral(partition) && isOffset
        ? ([partitionName({ topic, partition: Number(partition) }), offset] as const)
        : undefined
    })
  })
  return found === undefined || found.includes(undefined)
    ? undefined
    : new Map(found.filter((each) => each !== undefined))
}

/** Partitions by topic, as Spark writes them: `{"topicA":[0,1],"topicB":[2]}`; `undefined` for anything else. */
export function parseAssignment(text: string): readonly TopicPartition[] | undefined {
  const topics = entriesOf(parsed(text))
  if (topics === undefined || topics.length === 0) return undefined
  const all: TopicPartition[] = []
  for (const [topic, partitions] of topics) {
    if (!Array.isArray(partitions) || partitions.length === 0) return undefined
    for (const partition of partitions) {
      if (!Number.isSafeInteger(partition) || partition < 0) return undefined
      all.push({ topic, partition })
    }
  }
  return new Set(all.map(partitionName)).size === all.length ? all : undefined
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function entriesOf(value: unknown): readonly (readonly [string, unknown])[] | undefined {
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
  return isObject ? Object.entries(value) : undefined
}

function isNumeral(text: string): boolean {
  return /^(?:0|[1-9]\d{0,8})$/.test(text)
}
