import {
  booleanOption,
  type CheckedOptions,
  choiceOption,
  integerOption,
  type OptionSpec,
  optionOf,
  saveModeOption,
  settledOption,
  textOption,
} from '../option-spec.ts'
import { clientOptions } from './client-options.ts'
import type { RowLayout } from './sink-rows.ts'

const topicOption = textOption({
  name: 'topic',
  description: 'Where every row goes. Without it the rows name their topics in a column topic.',
})

const markerTopicOption = textOption({
  name: 'markerTopic',
  description:
    'A topic whose partition 0 the mark of each epoch is kept for, where rows name their topics. Nothing is written into it.',
})

const headersOption = booleanOption({
  name: 'includeHeaders',
  description: 'Sends the column headers.',
  initial: 'false',
})

const valueFormatOption = choiceOption({
  name: 'valueFormat',
  description: 'json: the whole row as a JSON text is the value. columns: the column value is.',
  choices: ['columns', 'json'],
  initial: 'columns',
})

const deliveryOption = choiceOption({
  name: 'delivery',
  description:
    'exactly-once: a transaction for each epoch. at-least-once: rows are seen at once, and again when their epoch runs again.',
  choices: ['exactly-once', 'at-least-once'],
  initial: 'exactly-once',
})

const prefixOption = textOption({
  name: 'kafka.transactional.id.prefix',
  description:
    'How transactional ids and the group of the mark begin, for the rights of this client.',
  initial: 'millrace',
})

const transactionTimeoutOption = integerOption({
  name: 'kafka.transaction.timeout.ms',
  description:
    'Brokers abort the transaction of an epoch that is open for longer, milliseconds. At most transaction.max.timeout.ms of the brokers.',
  initial: '60000',
})

const maxBlockOption = integerOption({
  name: 'kafka.max.block.ms',
  description: 'How long brokers that are away are asked again, milliseconds.',
  initial: '60000',
})

const batchBytesOption = integerOption({
  name: 'kafka.batch.size',
  description: 'Records of one partition are sent when they have so many bytes, or the epoch ends.',
  initial: '1000000',
  max: 1_000_000_000,
})

/** Every option of the sink. */
export const sinkOptions: readonly OptionSpec[] = [
  ...clientOptions,
  topicOption,
  markerTopicOption,
  headersOption,
  valueFormatOption,
  deliveryOption,
  prefixOption,
  transactionTimeoutOption,
  maxBlockOption,
  batchBytesOption,
  saveModeOption,
]

/** The options of a sink as one value. */
export interface SinkSettings extends RowLayout {
  readonly delivery: 'exactly-once' | 'at-least-once'
  readonly markerTopic: string | undefined
  readonly prefix: string
  readonly transactionTimeoutMs: number
  readonly patienceMs: number
  readonly batchBytes: number
}

/** The settings of a sink. */
export function sinkSettings(options: CheckedOptions): SinkSettings {
  const topic = optionOf(options, topicOption)
  return {
    topic,
    delivery: settledOption(options, deliveryOption),
    markerTopic: optionOf(options, markerTopicOption) ?? topic,
    valueFormat: settledOption(options, valueFormatOption),
    hasHeaders: settledOption(options, headersOption),
    prefix: settledOption(options, prefixOption),
    transactionTimeoutMs: settledOption(options, transactionTimeoutOption),
    patienceMs: settledOption(options, maxBlockOption),
    batchBytes: settledOption(options, batchBytesOption),
  }
}
