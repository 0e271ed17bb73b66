import { checkpointReader, type FoundManifest } from '../../state/checkpoint-reader.ts'
import { batchRows } from '../connectors/batch-rows.ts'
import {
  booleanOption,
  type CheckedOptions,
  choiceOption,
  integerOption,
  optionOf,
  settledOption,
  textOption,
} from '../connectors/option-spec.ts'
import type { SourceFactory } from '../connectors/registry.ts'
import type { StateChoice } from '../operators/state/state-view.ts'
import {
  type OperatorStateAt,
  operatorStateAt,
  readState,
  type StatePorts,
  stateSchema,
} from '../runtime/state-reading.ts'
import { checkedChoice } from './state-choice.ts'

const path = textOption({
  name: 'path',
  description: 'The checkpointLocation of a query, which may be running. Given to load(…).',
  required: true,
})
const batchId = integerOption({
  name: 'batchId',
  description: 'The epoch to read; the last committed one at the time of load() without it.',
  min: -1,
})
const operatorId = integerOption({
  name: 'operatorId',
  description: 'Which of the operators with state, by its position in the query.',
  min: 0,
  initial: '0',
})
const operator = textOption({
  name: 'operator',
  description: 'The same by the name of the operator; wins over operatorId.',
})
const joinSide = choiceOption({
  name: 'joinSide',
  description: 'Joins: only the rows of this side.',
  choices: ['left', 'right'],
})
const stateVarName = textOption({
  name: 'stateVarName',
  description: 'Custom state: one variable instead of all of a key.',
})
const flattenCollectionTypes = booleanOption({
  name: 'flattenCollectionTypes',
  description: 'With stateVarName: a row per element of a list or map, and not one per key.',
  initial: 'true',
})
const readRegisteredTimers = booleanOption({
  name: 'readRegisteredTimers',
  description: 'Custom state: the timers instead of the variables.',
  initial: 'false',
})

/** Spark's `statestore` source: the state of a query as rows, from the files of its checkpoint. */
export function statestoreSource(ports: StatePorts): SourceFactory {
  const stateOf = (options: CheckedOptions): OperatorStateAt => {
    const root = settledOption(options, path)
    const wanted = optionOf(options, operator) ?? settledOption(options, operatorId)
    return operatorStateAt(epochOf(ports, options), wanted, root)
  }
  return {
    format: 'statestore',
    batchOnly: true,
    options: [
      path,
      batchId,
      operatorId,
      operator,
      joinSide,
      stateVarName,
      flattenCollectionTypes,
      readRegisteredTimers,
    ],
    settle: (options) => ({ batchid: String(epochOf(ports, options).manifest.epoch) }),
    schemaFor: (options) => {
      const state = stateOf(options)
      return stateSchema(state, choiceOf(state, options))
    },
    async create(context) {
      const { options } = context
      const state = stateOf(options)
      const choice = choiceOf(state, options)
      const reader = checkpointReader(ports.files, settledOption(options, path))
      const what = `state of ${state.operator} at epoch ${state.found.manifest.epoch}`
      return batchRows(context, what, () => readState(ports, reader, state, { choice }))
    },
  }
}

/** The epoch that the options name, or the last committed one. */
function epochOf({ files }: StatePorts, options: CheckedOptions): FoundManifest {
  const reader = checkpointReader(files, settledOption(options, path))
  const epoch = optionOf(options, batchId)
  return epoch === undefined ? reader.committed() : reader.at(epoch)
}

function choiceOf(state: OperatorStateAt, options: CheckedOptions): StateChoice {
  const side = optionOf(options, joinSide)
  const variable = optionOf(options, stateVarName)
  return checkedChoice(state, {
    flattenCollectionTypes: settledOption(options, flattenCollectionTypes),
    readRegisteredTimers: settledOption(options, readRegisteredTimers),
    ...(side === undefined ? {} : { joinSide: side }),
    ...(variable === undefined ? {} : { stateVarName: variable }),
  })
}
