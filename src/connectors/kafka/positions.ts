import { StreamError } from '../../core/error.ts'
import type { Position, PositionRange } from '../../flow/message.ts'
import { numberAt } from '../numbered-position.ts'
import { refusedError } from './error-codes.ts'
import { partitionName, partitionOf } from './offsets-json.ts'
import { type Asking, offsetAtTime, topicsNow } from './partition-offsets.ts'
import type { OffsetRange } from './partition-reader.ts'
import { offsetAt } from './protocol/cluster-api.ts'
import { noUuid } from './protocol/codec.ts'
import { isolation } from './protocol/data-api.ts'
import type { OffsetChoice, SourceSettings, TopicChoice } from './source-options.ts'
import { isPartition, type TopicIds } from './topic-ids.ts'
import { kafkaError, type TopicPartition } from './transaction-requests.ts'

/** What a choice stands for now. */
export interface FoundTopics {
  /** By name and number. */
  readonly partitions: readonly TopicPartition[]
  readonly ids: TopicIds
}

/** Looks up the topics of a choice. */
export async function topicsOf(asking: Asking, choice: TopicChoice): Promise<FoundTopics> {
  const all: TopicPartition[] = []
  const ids = new Map<string, string>()
  const topics = await topicsNow(asking, namesOf(choice))
  for (const { name: topic = '', id, error, isInternal, partitions } of topics) {
    if (choice.by === 'pattern' && (isInternal || !choice.pattern.test(topic))) continue
    if (error !== kafkaError.none && error !== kafkaError.leaderNotAvailable) {
      throw refusedError(error, {
        request: 'Metadata',
        resource: `topic ${topic}`,
        operation: 'Describe',
      })
    }
    // Brokers before 2.8 do not have any.
    if (id !== noUuid) ids.set(topic, id)
    for (const { partition } of partitions) all.push({ topic, partition })
  }
  return { partitions: inOrder(choice.by === 'partitions' ? choice.partitions : all), ids }
}

/** `undefined` = all there are. */
function namesOf(choice: TopicChoice): readonly string[] | undefined {
  switch (choice.by) {
    case 'names':
      return choice.topics
    case 'partitions':
      return [...new Set(choice.partitions.map(({ topic }) => topic))]
    default:
      return undefined
  }
}

/** By topic and number, so that every start reads in the same order. */
function inOrder(partitions: readonly TopicPartition[]): readonly TopicPartition[] {
  return partitions.toSorted((left, right) => {
    if (left.topic !== right.topic) return left.topic < right.topic ? -1 : 1
    return left.partition - right.partition
  })
}

/** Where reading begins or ends, by partition; the answer for `latest` is the end of what may be read. */
export async function chosenPosition(
  asking: Asking,
  partitions: readonly TopicPartition[],
  choice: OffsetChoice,
  settings: SourceSettings,
): Promise<Position> {
  if (choice.at === 'offsets' || choice.at === 'times') mustCover(choice, partitions)
  const found = await Promise.all(
    partitions.map(async (of) => {
      const name = partitionName(of)
      return [name, await chosenOffset(asking, of, choice, settings)] as const
    }),
  )
  return Object.fromEntries(found)
}

/** As in Spark: offsets are given for all partitions or none, and for no others. */
function mustCover(
  choice: Extract<OffsetChoice, { readonly at: 'offsets' | 'times' }>,
  partitions: readonly TopicPartition[],
): void {
  const given = new Set((choice.at === 'offsets' ? choice.offsets : choice.timestamps).keys())
  const there = partitions.map(partitionName)
  const missing = there.filter((name) => !given.has(name))
  const unknown = [...given].filter((name) => !there.includes(name))
  if (missing.length + unknown.length === 0) return
  throw new StreamError('CONFIG_INVALID', {
    option: choice.at === 'offsets' ? 'startingOffsets' : 'startingOffsetsByTimestamp',
    value: [...given].join(', '),
    expected: `an offset for each of ${there.join(', ')}`,
  })
}

async function chosenOffset(
  asking: Asking,
  of: TopicPartition,
  choice: OffsetChoice,
  settings: SourceSettings,
): Promise<number> {
  switch (choice.at) {
    case 'earliest':
      return edge(asking, of, offsetAt.earliest, settings)
    case 'latest':
      return edge(asking, of, offsetAt.latest, settings)
    case 'offsets': {
      const offset = choice.offsets.get(partitionName(of)) ?? offsetAt.latest
      return offset < 0 ? edge(asking, of, offset, settings) : offset
    }
    case 'time':
    case 'times': {
      const timestamp =
        choice.at === 'time' ? choice.timestamp : (choice.timestamps.get(partitionName(of)) ?? 0)
      return offsetOfTime(asking, of, timestamp, settings)
    }
    default:
      throw new StreamError('INTERNAL', { what: 'a choice of offsets that is none' })
  }
}

/** The first or the last offset of a partition. */
export async function edge(
  asking: Asking,
  of: TopicPartition,
  timestamp: number,
  settings: Pick<SourceSettings, 'isCommittedOnly'>,
): Promise<number> {
  const found = await offsetAtTime(asking, of, { timestamp, isolation: isolationOf(settings) })
  return found.offset
}

/** Which records may be seen. */
export function isolationOf({ isCommittedOnly }: Pick<SourceSettings, 'isCommittedOnly'>): number {
  return isCommittedOnly ? isolation.committed : isolation.uncommitted
}

async function offsetOfTime(
  asking: Asking,
  of: TopicPartition,
  timestamp: number,
  settings: SourceSettings,
): Promise<number> {
  const offset = await edge(asking, of, timestamp, settings)
  if (offset >= 0) return offset
  if (settings.ifTooLate === 'latest') return edge(asking, of, offsetAt.latest, settings)
  throw new StreamError('KAFKA_NO_OFFSET_FOR_TIME', {
    partition: partitionName(of),
    time: new Date(timestamp).toISOString(),
  })
}

/**
 * Divides offsets over partitions by how much waits in each, as Spark does; what fractions leave over goes to those
 * that lost most by them. Together they are `limit`, or everything there is.
 */
export function shareOffsets(from: Position, to: Position, limit: number): Position {
  const waiting = Object.keys(to).map((name) => {
    const end = numberAt(to, name)
    // Who is new begins there, and so does who has to go back.
    const start = name in from ? Math.min(numberAt(from, name), end) : end
    return { name, start, count: name in from ? Math.max(0, end - numberAt(from, name)) : 0 }
  })
  const total = waiting.reduce((sum, { count }) => sum + count, 0)
  if (total <= limit) return to
  const shares = waiting.map(({ count, ...rest }) => {
    const exact = (count / total) * limit
    return { ...rest, count, share: Math.floor(exact), rest: exact - Math.floor(exact) }
  })
  let left = limit - shares.reduce((sum, { share }) => sum + share, 0)
  for (const each of shares.toSorted((one, other) => other.rest - one.rest)) {
    if (left === 0) break
    if (each.share === each.count) continue
    each.share += 1
    left -= 1
  }
  return Object.fromEntries(shares.map(({ name, start, share }) => [name, start + share]))
}

/**
 * What is read on the way from one position to another, by partition; one with more than its part of `minimum` is cut into
 * several. A partition that is new begins where this way ends.
 */
export function rangesOf(
  { from, to }: PositionRange,
  minimum: number | undefined,
): readonly OffsetRange[] {
  const ranges = partitionsIn(to).flatMap((of) => {
    const name = partitionName(of)
    const range = { of, from: numberAt(from, name), to: numberAt(to, name) }
    return name in from && range.from < range.to ? [range] : []
  })
  const total = ranges.reduce((sum, range) => sum + range.to - range.from, 0)
  if (minimum === undefined || minimum <= ranges.length) return ranges
  return ranges.flatMap((range) => {
    const size = range.to - range.from
    const parts = Math.min(size, Math.max(1, Math.round((size / total) * minimum)))
    const at = (part: number): number => range.from + Math.floor((size * part) / parts)
    return Array.from({ length: parts }, (_, part) => ({
      of: range.of,
      from: at(part),
      to: at(part + 1),
    }))
  })
}

/** The partitions that a position knows. */
export function partitionsIn(position: Position): readonly TopicPartition[] {
  return inOrder(Object.keys(position).filter(isPartition).map(partitionOf))
}
