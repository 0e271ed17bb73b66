import type { Batch } from '../../batch/batch.ts'
import type { Clock } from '../../core/clock.ts'
import { StreamError } from '../../core/error.ts'
import { nodeHttp } from '../../core/node-http.ts'
import type { PolledBatch, Source } from '../../flow/connector.ts'
import type { Position } from '../../flow/message.ts'
import { numberAt } from '../numbered-position.ts'
import { readSchema, type SourceContext, type SourceFactory } from '../registry.ts'
import { bootstrapServers, clientConfig } from './client-options.ts'
import { kafkaCluster } from './cluster.ts'
import { partitionName, partitionOf } from './offsets-json.ts'
import { type Asking, offsetsAtTime } from './partition-offsets.ts'
import { type OffsetRange, type PartitionReading, readPartition } from './partition-reader.ts'
import {
  chosenPosition,
  edge,
  type FoundTopics,
  isolationOf,
  partitionsIn,
  rangesOf,
  shareOffsets,
  topicsOf,
} from './positions.ts'
import { offsetAt } from './protocol/cluster-api.ts'
import { recordColumns, recordSchema } from './records/record-columns.ts'
import { kafkaSharing } from './sharing.ts'
import { type SourceSettings, sourceOptions, sourceSettings } from './source-options.ts'
import { offsetsIn, remadeTopics, type TopicIds, withTopicIds } from './topic-ids.ts'
import type { TopicPartition } from './transaction-requests.ts'
import type { HostPort, KafkaTransport, OpenTransport } from './transport.ts'

/** Sockets of this machine; whoever has nothing to do with Kafka does not load its client. */
export const machineTransport: OpenTransport = async ({ options, clock }) => {
  const config = clientConfig(options, { http: nodeHttp, clock })
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
    share: (context, sharing) => kafkaSharing(open, context, sharing),
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

function sourceOver(
  context: SourceContext,
  settings: SourceSettings,
  { transport, bootstrap }: Brokers,
): Source {
  const { clock } = context
  const schema = readSchema(context)
  const cluster = kafkaCluster(transport, bootstrap)
  const asking: Asking = { cluster, clock, patienceMs: settings.patienceMs }
  const losses = lossCounter(asking, settings)
  const looking: Looking = { asking, settings, losses }
  const reading: PartitionReading = { asking, settings, lost: losses.lost }
  const waits = waitingRule(clock, settings)
  const topics = topicWatch(asking, settings)
  let behind: readonly number[] = []
  let turn = 0
  return {
    description: `kafka ${described(settings)}`,
    schema,
    replayable: true,
    pollMs: 20,
    async initial() {
      const { partitions, ids } = await topicsOf(asking, settings.topics)
      const offsets = await chosenPosition(asking, partitions, settings.starting, settings)
      return withTopicIds(offsets, ids)
    },
    async latest(from, { maxRows = Number.POSITIVE_INFINITY }) {
      const begin = offsetsIn(from)
      const found = await topics.found(begin)
      if (settings.ending.at !== 'latest') {
        return endOfBatch(asking, begin, found.partitions, settings)
      }
      const { ends, ids } = await endsNow(looking, from, found)
      if (!waits.mayBegin(begin, ends)) return from
      const to = shareOffsets(begin, ends, maxRows)
      behind = Object.keys(ends).map((name) => numberAt(ends, name) - numberAt(to, name))
      return isSame(begin, to) ? from : withTopicIds(to, ids)
    },
    async *read({ from, to }, { index, count }) {
      for (const [at, range] of rangesOf({ from, to }, settings.minPartitions).entries()) {
        if (at % count !== index) continue
        const partition = partitionName(range.of)
        const columns = recordColumns(schema, range.of)
        for await (const { batch } of readPartition(reading, range, columns)) {
          yield { ...batch, partition }
        }
      }
    },
    async poll(from, maxRows) {
      const known = offsetsIn(from)
      const { ends, ids } = await endsNow(looking, from, await topics.found(known))
      const begin = adopted(known, ends)
      const names = Object.keys(begin)
      const found = (name: string, batch: Batch, next: number): PolledBatch => ({
        batch: { ...batch, partition: name },
        position: withTopicIds({ ...begin, [name]: next }, ids),
      })
      for (let looked = 0; looked < names.length; looked++) {
        // The one behind that which had rows the last time, so that none has to wait for another to run dry.
        turn = (turn + 1) % names.length
        const name = names[turn] as string
        const [of, start] = [partitionOf(name), numberAt(begin, name)]
        const range = { of, from: start, to: Math.min(numberAt(ends, name), start + maxRows) }
        const columns = recordColumns(schema, of)
        for await (const { batch, next } of readPartition(reading, range, columns)) {
          return found(name, batch, next)
        }
        // Ends of transactions and what was aborted are passed over, and so are offsets that are gone.
        const isPassed = range.from < range.to || begin[name] !== known[name]
        if (isPassed) return found(name, columns.finish(), Math.max(range.from, range.to))
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
  /** The topics as they were not long ago; these offsets may be of newer partitions. */
  found(known: Position): Promise<FoundTopics>
}

/** Looks now and then for topics and partitions that are new, or gone. */
function topicWatch(asking: Asking, { topics, metadataMaxAgeMs }: SourceSettings): TopicWatch {
  let newest: (FoundTopics & { readonly atMs: number }) | undefined
  return {
    async found(known) {
      const nowMs = asking.clock.monotonic()
      const names = new Set(newest?.partitions.map(partitionName))
      const isNew = Object.keys(known).some((name) => !names.has(name))
      if (newest === undefined || isNew || nowMs - newest.atMs >= metadataMaxAgeMs) {
        newest = { atMs: nowMs, ...(await topicsOf(asking, topics)) }
      }
      return newest
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

interface Looking {
  readonly asking: Asking
  readonly settings: SourceSettings
  readonly losses: LossCounter
}

/**
 * Where an epoch that begins at `from` may go; a partition that was not there before begins at its first record, and so does
 * one of a topic that is another one now.
 */
async function endsNow(
  { asking, settings, losses }: Looking,
  from: Position,
  { partitions, ids }: FoundTopics,
): Promise<{ readonly ends: Position; readonly ids: TopicIds }> {
  const there = new Set(partitions.map(partitionName))
  const gone = partitionsIn(from).filter((of) => !there.has(partitionName(of)))
  if (gone.length > 0) losses.mustAccept(gone)
  const remade = remadeTopics(from, ids)
  const isKnown = (of: TopicPartition): boolean =>
    partitionName(of) in from && !remade.has(of.topic)
  const [known, fresh] = [partitions.filter(isKnown), partitions.filter((of) => !isKnown(of))]
  const lost = fresh.filter(({ topic }) => remade.has(topic))
  if (lost.length > 0) losses.mustAccept(lost, 'the topic was deleted and made anew')
  const level = isolationOf(settings)
  const [ends, beginnings] = await Promise.all([
    offsetsAtTime(asking, known, { timestamp: offsetAt.latest, isolation: level }),
    offsetsAtTime(asking, fresh, { timestamp: offsetAt.earliest, isolation: level }),
  ])
  for (const of of known) {
    const [start, end] = [numberAt(from, partitionName(of)), ends.get(partitionName(of)) ?? 0]
    // Who may go on goes on from the end, where the next record will be.
    if (end < start) losses.mustAccept([of], `it ends at ${end}, before ${start}`)
  }
  return { ends: { ...offsetsIn(from), ...Object.fromEntries([...ends, ...beginnings]) }, ids }
}

/** Where reading goes on: new partitions where they begin, others where they were, or where they end if that is before. */
function adopted(known: Position, ends: Position): Position {
  const names = Object.keys(ends)
  return Object.fromEntries(
    names.map((name) => {
      const end = numberAt(ends, name)
      return [name, name in known ? Math.min(numberAt(known, name), end) : end]
    }),
  )
}

/** Whether two positions have the same offsets. */
function isSame(left: Position, right: Position): boolean {
  const names = Object.keys(right)
  return (
    names.length === Object.keys(left).length && names.every((name) => left[name] === right[name])
  )
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
        (sum, name) =>
          sum + (name in from ? Math.max(0, numberAt(to, name) - numberAt(from, name)) : 0),
        0,
      )
      const nowMs = clock.monotonic()
      if (waiting < minOffsets && nowMs - sinceMs < maxDelayMs) return false
      sinceMs = nowMs
      return true
    },
  }
}
