import { StreamError } from '../../core/error.ts'
import type { Json } from '../../core/json.ts'
import {
  booleanOption,
  type CheckedOptions,
  choiceOption,
  durationOption,
  integerOption,
  invalidOption,
  type OptionSpec,
  optionOf,
  settledOption,
  textOption,
} from '../option-spec.ts'
import { clientOptions } from './client-options.ts'
import { type OffsetsByPartition, parseAssignment, parseOffsets } from './offsets-json.ts'
import { offsetAt } from './protocol/cluster-api.ts'
import type { TopicPartition } from './transaction-requests.ts'

const subscribeOption = textOption({
  name: 'subscribe',
  description: 'The topics to read, separated by commas.',
})

const patternOption: OptionSpec<RegExp> = {
  name: 'subscribePattern',
  description:
    'Reads the topics whose whole name fits this regular expression, also those made later.',
  expected: 'a regular expression',
  parse(text) {
    try {
      return new RegExp(`^(?:${text})$`)
    } catch {
      return undefined
    }
  },
}

const assignOption: OptionSpec<readonly TopicPartition[]> = {
  name: 'assign',
  description: 'The partitions to read, such as {"topicA":[0,1],"topicB":[2]}.',
  expected: 'partitions such as {"topicA":[0,1]}',
  parse: parseAssignment,
}

/** Where reading begins. */
export type OffsetChoice =
  | { readonly at: 'earliest' | 'latest' }
  /** −1 and −2 stand for latest and earliest. */
  | { readonly at: 'offsets'; readonly offsets: OffsetsByPartition }
  /** Milliseconds; the first record at or after it. */
  | { readonly at: 'time'; readonly timestamp: number }
  | { readonly at: 'times'; readonly timestamps: OffsetsByPartition }

function offsetsOption(name: string, description: string): OptionSpec<OffsetChoice> {
  return {
    name,
    description,
    expected: 'earliest, latest, or offsets such as {"topicA":{"0":23,"1":-2}}',
    parse(text) {
      const word = text.trim().toLowerCase()
      if (word === 'earliest' || word === 'latest') return { at: word }
      const offsets = parseOffsets(text, -2)
      return offsets && { at: 'offsets', offsets }
    },
  }
}

function timesOption(name: string, description: string): OptionSpec<OffsetsByPartition> {
  return {
    name,
    description,
    expected: 'milliseconds such as {"topicA":{"0":1700000000000}}',
    parse: (text) => parseOffsets(text, 0),
  }
}

const startingOffsetsOption = offsetsOption(
  'startingOffsets',
  'Where the first start begins. Later ones go on from the checkpoint; partitions found later begin at their first record. Default: latest; of a batch earliest.',
)
const startingTimeOption = integerOption({
  name: 'startingTimestamp',
  description: 'The first start begins at the first record of this time or later, milliseconds.',
  min: 0,
})
const startingTimesOption = timesOption(
  'startingOffsetsByTimestamp',
  'As startingTimestamp, by partition.',
)
const strategyOption = choiceOption({
  name: 'startingOffsetsByTimestampStrategy',
  description: 'What happens if a partition has no record as late as the time asked for.',
  choices: ['error', 'latest'],
  initial: 'error',
})

const endingOffsetsOption: OptionSpec<OffsetChoice> = {
  name: 'endingOffsets',
  description: 'Where a batch ends: latest, or before these offsets. Default: latest.',
  expected: 'latest, or offsets such as {"topicA":{"0":50,"1":-1}}',
  parse(text) {
    if (text.trim().toLowerCase() === 'latest') return { at: 'latest' }
    const offsets = parseOffsets(text, offsetAt.latest)
    return offsets && { at: 'offsets', offsets }
  },
}
const endingTimeOption = integerOption({
  name: 'endingTimestamp',
  description: 'A batch ends before the first record of this time or later, milliseconds.',
  min: 0,
})
const endingTimesOption = timesOption(
  'endingOffsetsByTimestamp',
  'As endingTimestamp, by partition.',
)
/** A stream has no end. */
const endingOptions: readonly OptionSpec[] = [
  endingOffsetsOption,
  endingTimeOption,
  endingTimesOption,
]

const maxOffsetsOption = integerOption({
  name: 'maxOffsetsPerTrigger',
  description:
    'The most offsets that one epoch takes, shared among partitions by what waits there.',
})

const minOffsetsOption = integerOption({
  name: 'minOffsetsPerTrigger',
  description: 'No epoch begins before so many offsets wait, or maxTriggerDelay is over.',
})

const maxDelayOption = durationOption({
  name: 'maxTriggerDelay',
  description: 'How long fewer than minOffsetsPerTrigger may wait.',
  initial: '15 minutes',
})

const minPartitionsOption = integerOption({
  name: 'minPartitions',
  description:
    'Large partitions are read in parts, so that there are about so many for the lanes to share. Default: one each.',
})

const failOnLossOption = booleanOption({
  name: 'failOnDataLoss',
  description:
    'The query fails when records that it has not read are gone. With false it goes on behind them, and says so.',
  initial: 'true',
})

const headersOption = booleanOption({
  name: 'includeHeaders',
  description: 'Adds the column headers.',
  initial: 'false',
})

const pollTimeoutOption = integerOption({
  name: 'kafkaConsumer.pollTimeoutMs',
  description: 'How long records may take to come that are there, milliseconds.',
  initial: '120000',
})

const isolationOption = choiceOption({
  name: 'kafka.isolation.level',
  description: 'Whether records of transactions are read before these are committed.',
  choices: ['read_committed', 'read_uncommitted'],
  initial: 'read_committed',
})

const checkOption = booleanOption({
  name: 'kafka.check.crcs',
  description: 'Checks the checksum of every batch of records.',
  initial: 'true',
})

const fetchBytesOption = integerOption({
  name: 'kafka.max.partition.fetch.bytes',
  description: 'The most bytes of one partition that are asked for at once.',
  initial: '4194304',
})

const apiTimeoutOption = integerOption({
  name: 'kafka.default.api.timeout.ms',
  description: 'How long brokers and leaders that are away are asked again, milliseconds.',
  initial: '60000',
})

const metadataAgeOption = integerOption({
  name: 'kafka.metadata.max.age.ms',
  description: 'How often new topics and partitions are looked for, milliseconds.',
  initial: '5000',
})

/** Options that Spark forbids too: positions are kept in the checkpoint, and columns are bytes. */
const forbidden: readonly (readonly [name: string, instead: string])[] = [
  ['kafka.group.id', 'to be left out: positions are kept in the checkpoint, by no group'],
  ['kafka.auto.offset.reset', 'to be left out: startingOffsets says where reading begins'],
  ['kafka.enable.auto.commit', 'to be left out: positions are kept in the checkpoint'],
  ['kafka.key.deserializer', 'to be left out: the key is binary, and cast makes a text of it'],
  ['kafka.value.deserializer', 'to be left out: the value is binary, and from_json reads it'],
  ['kafka.interceptor.classes', 'to be left out: there are no classes of Java here'],
]

const forbiddenOptions: readonly OptionSpec[] = forbidden.map(([name, expected]) => ({
  name,
  description: 'Not to be given.',
  expected,
  parse: () => undefined,
}))

/** Every option of the source. */
export const sourceOptions: readonly OptionSpec[] = [
  ...clientOptions,
  subscribeOption,
  patternOption,
  assignOption,
  startingOffsetsOption,
  startingTimeOption,
  startingTimesOption,
  strategyOption,
  ...endingOptions,
  maxOffsetsOption,
  minOffsetsOption,
  maxDelayOption,
  minPartitionsOption,
  failOnLossOption,
  headersOption,
  pollTimeoutOption,
  isolationOption,
  checkOption,
  fetchBytesOption,
  apiTimeoutOption,
  metadataAgeOption,
  ...forbiddenOptions,
]

/** What is read. */
export type TopicChoice =
  | { readonly by: 'names'; readonly topics: readonly string[] }
  | { readonly by: 'pattern'; readonly pattern: RegExp }
  | { readonly by: 'partitions'; readonly partitions: readonly TopicPartition[] }

/** The options of a source as one value. */
export interface SourceSettings {
  readonly topics: TopicChoice
  readonly starting: OffsetChoice
  /** Where a batch ends. */
  readonly ending: OffsetChoice
  /** Without a record as late as that: no start, or at the end. */
  readonly ifTooLate: 'error' | 'latest'
  readonly maxOffsets: number | undefined
  readonly minOffsets: number | undefined
  readonly maxDelayMs: number
  readonly minPartitions: number | undefined
  readonly failsOnLoss: boolean
  readonly hasHeaders: boolean
  readonly pollTimeoutMs: number
  readonly isCommittedOnly: boolean
  readonly checksCrc: boolean
  readonly fetchBytes: number
  readonly patienceMs: number
  readonly metadataMaxAgeMs: number
}

/**
 * The settings of a source; `isStream` decides where reading begins by itself.
 * @throws StreamError `CONFIG_INVALID` for options that exclude each other
 */
export function sourceSettings(options: CheckedOptions, isStream: boolean): SourceSettings {
  const first: OffsetChoice = { at: isStream ? 'latest' : 'earliest' }
  const given = endingOptions.find(({ name }) => options.has(name.toLowerCase()))
  if (isStream && given !== undefined) {
    throw new StreamError('CONFIG_INVALID', {
      option: given.name,
      value: 'given to a stream',
      expected: 'a batch, as a stream has no end,',
    })
  }
  return {
    topics: topicChoice(options),
    starting:
      timeChoice(options, startingTimeOption, startingTimesOption) ??
      optionOf(options, startingOffsetsOption) ??
      first,
    ending: timeChoice(options, endingTimeOption, endingTimesOption) ??
      optionOf(options, endingOffsetsOption) ?? { at: 'latest' },
    ifTooLate: settledOption(options, strategyOption),
    maxOffsets: optionOf(options, maxOffsetsOption),
    minOffsets: optionOf(options, minOffsetsOption),
    maxDelayMs: settledOption(options, maxDelayOption) / 1000,
    minPartitions: optionOf(options, minPartitionsOption),
    failsOnLoss: settledOption(options, failOnLossOption),
    hasHeaders: settledOption(options, headersOption),
    pollTimeoutMs: settledOption(options, pollTimeoutOption),
    isCommittedOnly: settledOption(options, isolationOption) === 'read_committed',
    checksCrc: settledOption(options, checkOption),
    fetchBytes: settledOption(options, fetchBytesOption),
    patienceMs: settledOption(options, apiTimeoutOption),
    metadataMaxAgeMs: settledOption(options, metadataAgeOption),
  }
}

/** What chooses partitions, and where they begin. */
const choosing: readonly OptionSpec[] = [
  subscribeOption,
  patternOption,
  assignOption,
  startingOffsetsOption,
  startingTimeOption,
  startingTimesOption,
]

/** The options of a source that reads one partition of those that these choose; `from` absent = from its first record. */
export function onePartition(
  options: CheckedOptions,
  { topic, partition }: TopicPartition,
  from: Json = offsetAt.earliest,
): Readonly<Record<string, string>> {
  const replaced = new Set(choosing.map(({ name }) => name.toLowerCase()))
  return {
    ...Object.fromEntries([...options].filter(([name]) => !replaced.has(name))),
    [assignOption.name]: JSON.stringify({ [topic]: [partition] }),
    [startingOffsetsOption.name.toLowerCase()]: JSON.stringify({ [topic]: { [partition]: from } }),
  }
}

/** A time for all partitions comes before times by partition, and both before offsets, as in Spark. */
function timeChoice(
  options: CheckedOptions,
  time: OptionSpec<number>,
  times: OptionSpec<OffsetsByPartition>,
): OffsetChoice | undefined {
  const timestamp = optionOf(options, time)
  if (timestamp !== undefined) return { at: 'time', timestamp }
  const timestamps = optionOf(options, times)
  return timestamps && { at: 'times', timestamps }
}

function topicChoice(options: CheckedOptions): TopicChoice {
  const names = optionOf(options, subscribeOption)
  const pattern = optionOf(options, patternOption)
  const partitions = optionOf(options, assignOption)
  const given = [names, pattern, partitions].filter((each) => each !== undefined)
  if (given.length !== 1) {
    throw new StreamError('CONFIG_INVALID', {
      option: 'subscribe',
      value: given.length === 0 ? 'left out' : 'given beside another one',
      expected: 'exactly one of subscribe, subscribePattern and assign',
    })
  }
  if (pattern !== undefined) return { by: 'pattern', pattern }
  if (partitions !== undefined) return { by: 'partitions', partitions }
  const topics = (names ?? '').split(',').map((name) => name.trim())
  if (topics.includes('')) throw invalidOption(subscribeOption, names ?? '')
  return { by: 'names', topics: [...new Set(topics)] }
}
