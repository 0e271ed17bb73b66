import type { Clock } from '../../core/clock.ts'
import { StreamError } from '../../core/error.ts'
import type { Source } from '../../flow/connector.ts'
import type { Position } from '../../flow/message.ts'
import { numberAt } from '../numbered-position.ts'
import { readSchema, type SourceContext, type SourceFactory } from '../registry.ts'
import { bootstrapServers, clientConfig } from './client-options.ts'
import { kafkaCluster } from './cluster.ts'
import { partitionName } from './offsets-json.ts'
import { type Asking, offsetsAtTime } from './partition-offsets.ts'
import { type OffsetRange, type PartitionReading, readPartition } from './partition-reader.ts'
import {
  chosenPosition,
  edge,
  isolationOf,
  partitionsIn,
  partitionsOf,
  shareOffsets,
} from './positions.ts'
import { offsetAt } from './protocol/cluster-api.ts'
import { recordColumns, recordSchema } from './records/record-columns.ts'
import { type SourceSettings, sourceOptions, sourceSettings } from './source-options.ts'
import type { TopicPartition } from './transaction-requests.ts'
import type { HostPort, KafkaTransport } from './transport.ts'

/** How connections are made to brokers; tests pass brokers of their own. */
export type OpenTransport = (
  context: Pick<SourceContext, 'options'>,
) => KafkaTransport | Promise<KafkaTransport>

/** Sockets of this machine; whoever has nothing to do with Kafka does not load its client. */
export const machineTransport: OpenTransport = async ({ options }) => {
  const config = clientConfig(options)
  const { kafkajsTransport } = await import('./kafkajs-transport.ts')
  return kafkajsTransport(config)
}

/** Records of Kafka's topics. */
export const kafkaSource: SourceFactory = kafkaSourceOver(machineTransport)

/** The same over connections of one's own. */
export function kafkaSourceOver(open: OpenTransport): SourceFactory {
  return {
    format: 'kafka',
    options: sourceOptions,
    schemaFor: (options) => recordSchema(sourceSettings(options, false).hasHeaders),
    limits(options) {
      const { maxOffsets } = sourceSettings(options, false)
      return maxOffsets === undefined ? {} : { maxRows: maxOffsets }
    },
    async create(context) {
      const settings = sourceSettings(context.options, context.folder !== undefined)
      return sourceOver(context, settings, {
        transport: await open(context),
        bootstrap: bootstrapServers(context.options),
      })
    },
  }
}

interface Brokers {
  readonly transport: KafkaTransport
  readonly bootstrap: readonly HostPort[]
}

/** How long leaders may be away before the query fails, milliseconds. */
const patienceMs = 60_000

function sourceOver(
  context: SourceContext,
  settings: SourceSettings,
  { transport, bootstrap }: Brokers,
): Source {
  const { clock } = context
  const schema = readSchema(context)
  const cluster = kafkaCluster(transport, bootstrap)
  const asking: Asking = { cluster, clock, patienceMs }
  const losses = lossCounter(asking, settings)
  const reading: PartitionReading = { asking, settings, lost: losses.lost }
  const waits = waitingRule(clock, settings)
  const topics = topicWatch(asking, settings)
  let behind: readonly number[] = []
  return {
    description: `kafka ${described(settings)}`,
    schema,
    replayable: true,
    pollMs: 20,
    async initial() {
      const partitions = await partitionsOf(asking, settings.topics)
      return chosenPosition(asking, partitions, settings.starting, settings)
    },
    async latest(from, { maxRows = Number.POSITIVE_INFINITY }) {
      const partitions = await topics.partitions(from)
      const there = new Set(partitions.map(partitionName))
      const gone = partitionsIn(from).filter((of) => !there.has(partitionName(of)))
      if (gone.length > 0) losses.mustAccept(gone)
      if (settings.ending.at !== 'latest') return endOfBatch(asking, from, partitions, settings)
      const ends: Position = {
        ...from,
        ...(await endsOf(asking, from, partitions, settings, losses)),
      }
      const to = waits.mayBegin(from, ends) ? shareOffsets(from, ends, maxRows) : from
      behind = Object.keys(ends).map((name) => numberAt(ends, name) - numberAt(to, name))
      return to
    },
    async *read({ from, to }, { index, count }) {
      for (const [at, of] of partitionsIn(to).entries()) {
        if (at % count !== index) continue
        const name = partitionName(of)
        const range = { of, from: numberAt(from, name), to: numberAt(to, name) }
        // A partition that is new begins where this epoch leaves it.
        if (!(name in from) || range.from >= range.to) continue
        for await (const batch of readPartition(reading, range, recordColumns(schema, of))) {
          yield { ...batch, partition: name }
        }
      }
    },
    async poll(from, maxRows) {
      for (const of of partitionsIn(from)) {
        const name = partitionName(of)
        const start = numberAt(from, name)
        const end = await edge(asking, of, offsetAt.latest, settings)
        const range = { of, from: start, to: Math.min(end, start + maxRows) }
        for await (const batch of readPartition(reading, range, recordColumns(schema, of))) {
          return { batch: { ...batch, partition: name }, position: { ...from, [name]: range.to } }
        }
      }
      return undefined
    },
    commit: async () => undefined,
    close: () => cluster.close(),
    metrics: () => ({ ...losses.metrics(), ...lagMetrics(behind) }),
  }
}

/** As Spark names them: how many offsets of a partition wait behind the newest epoch. */
function lagMetrics(behind: readonly number[]): Readonly<Record<string, string>> {
  if (behind.length === 0) return {}
  const total = behind.reduce((sum, each) => sum + each, 0)
  return {
    minOffsetsBehindLatest: String(Math.min(...behind)),
    maxOffsetsBehindLatest: String(Math.max(...behind)),
    avgOffsetsBehindLatest: String(total / behind.length),
  }
}

interface TopicWatch {
  /** The partitions as they were not long ago; a position may know newer ones. */
  partitions(known: Position): Promise<readonly TopicPartition[]>
}

/** Looks now and then for topics and partitions that are new, or gone. */
function topicWatch(asking: Asking, { topics, metadataMaxAgeMs }: SourceSettings): TopicWatch {
  let newest: { readonly atMs: number; readonly all: readonly TopicPartition[] } | undefined
  return {
    async partitions(known) {
      const nowMs = asking.clock.monotonic()
      const names = new Set(newest?.all.map(partitionName))
      const isNew = Object.keys(known).some((name) => !names.has(name))
      if (newest === undefined || isNew || nowMs - newest.atMs >= metadataMaxAgeMs) {
        newest = { atMs: nowMs, all: await partitionsOf(asking, topics) }
      }
      return newest.all
    },
  }
}

function described({ topics }: SourceSettings): string {
  switch (topics.by) {
    case 'names':
      return topics.topics.join(', ')
    case 'pattern':
      return String(topics.pattern)
    default:
      return topics.partitions.map(partitionName).join(', ')
  }
}

/** Where a batch ends that does not read everything; without a record as late as a time asked for, behind all of them. */
async function endOfBatch(
  asking: Asking,
  from: Position,
  partitions: readonly TopicPartition[],
  settings: SourceSettings,
): Promise<Position> {
  const ends = await chosenPosition(asking, partitions, settings.ending, {
    ...settings,
    ifTooLate: 'latest',
  })
  const names = partitions.map(partitionName)
  return Object.fromEntries(
    names.map((name) => [name, Math.max(numberAt(from, name), numberAt(ends, name))]),
  )
}

/** Where an epoch that begins at `from` may go; a partition that was not there before begins at its first record. */
async function endsOf(
  asking: Asking,
  from: Position,
  partitions: readonly TopicPartition[],
  settings: SourceSettings,
  losses: LossCounter,
): Promise<Position> {
  const level = isolationOf(settings)
  const isKnown = (of: TopicPartition): boolean => partitionName(of) in from
  const [known, fresh] = [partitions.filter(isKnown), partitions.filter((of) => !isKnown(of))]
  const [ends, beginnings] = await Promise.all([
    offsetsAtTime(asking, known, { timestamp: offsetAt.latest, isolation: level }),
    offsetsAtTime(asking, fresh, { timestamp: offsetAt.earliest, isolation: level }),
  ])
  const reached = known.map((of) => {
    const name = partitionName(of)
    const [start, end] = [numberAt(from, name), ends.get(name) ?? 0]
    if (end < start) losses.mustAccept([of], `it ends at ${end}, before ${start}`)
    return [name, Math.max(start, end)] as const
  })
  return Object.fromEntries([...reached, ...beginnings])
}

interface LossCounter {
  lost(range: OffsetRange, found: { readonly logStart: number }): Promise<number>
  /** Fails unless the user accepts that records are gone. */
  mustAccept(gone: readonly TopicPartition[], why?: string): void
  metrics(): Readonly<Record<string, string>>
}

/** What is done about records that are gone. */
function lossCounter(asking: Asking, settings: SourceSettings): LossCounter {
  let offsetsLost = 0
  const mustAccept = (gone: readonly TopicPartition[], why = 'it is not there any more'): void => {
    const partition = gone.map(partitionName).join(', ')
    if (settings.failsOnLoss) throw new StreamError('KAFKA_DATA_LOST', { partition, why })
  }
  return {
    async lost({ of, from, to }) {
      const first = await edge(asking, of, offsetAt.earliest, settings)
      const next = Math.min(to, Math.max(from, first))
      mustAccept([of], `it begins at ${first}, and ${from} is next`)
      // Beyond the end there is nothing: what was there has been truncated.
      const reached = next === from ? to : next
      offsetsLost += reached - from
      return reached
    },
    mustAccept,
    metrics: () => ({ rowsLost: String(offsetsLost) }),
  }
}

interface WaitingRule {
  mayBegin(from: Position, to: Position): boolean
}

/** An epoch begins when enough waits, or has waited for long enough. */
function waitingRule(clock: Clock, { minOffsets, maxDelayMs }: SourceSettings): WaitingRule {
  let sinceMs = clock.monotonic()
  return {
    mayBegin(from, to) {
      if (minOffsets === undefined) return true
      const names = Object.keys(to)
      const waiting = names.reduce(
        (sum, name) => sum + (name in from ? numberAt(to, name) - numberAt(from, name) : 0),
        0,
      )
      const nowMs = clock.monotonic()
      if (waiting < minOffsets && nowMs - sinceMs < maxDelayMs) return false
      sinceMs = nowMs
      return true
    },
  }
}
