import { type CheckpointReader, checkpointReader } from '../../state/checkpoint-reader.ts'
import { type EdgeRow, fromEdge, toRows } from '../batch/edge-row.ts'
import { StreamError } from '../core/error.ts'
import type { DataFrame } from '../dataframe/data-frame.ts'
import { dataFrame } from '../dataframe/frame.ts'
import type { Launch } from '../dataframe/launch.ts'
import type { QueryState, StateKey, StateOptions } from '../dataframe/streaming-query.ts'
import {
  type KeyField,
  keyFieldsOf,
  type OperatorStateAt,
  operatorStateAt,
  readState,
  type StatePorts,
  type WantedKey,
} from '../runtime/state-reading.ts'
import { checkedChoice } from './state-choice.ts'

/** Which state is asked for. */
export interface AskedState {
  readonly ports: StatePorts
  readonly launch: Launch
  readonly checkpoint: string
  readonly operator: string | number
  readonly options: StateOptions
}

/** The state of one operator of a query; each call finds the last committed epoch anew. */
export function queryState(asked: AskedState): QueryState<DataFrame> {
  const { ports, launch, checkpoint, operator, options } = asked
  const reader: CheckpointReader = checkpointReader(ports.files, checkpoint)
  const now = (): OperatorStateAt => operatorStateAt(reader.committed(), operator, checkpoint)

  async function* rows(key?: StateKey): AsyncGenerator<EdgeRow> {
    const state = now()
    const choice = checkedChoice(state, options)
    const wanted = key === undefined ? undefined : wantedKey(keyFieldsOf(state, choice), key)
    const what = wanted === undefined ? { choice } : { choice, key: wanted }
    for await (const batch of readState(ports, reader, state, what)) {
      yield* toRows(batch, launch.edge)
    }
  }

  return {
    rows,

    async get(key = {}) {
      for await (const { key: _, partition_id: __, value, ...columns } of rows(key)) {
        return typeof value === 'object' && value !== null ? { ...value } : columns
      }
      return undefined
    },

    async toArray() {
      const all: EdgeRow[] = []
      for await (const row of rows()) all.push(row)
      return all
    },

    toDataFrame() {
      const { found, operator: name } = now()
      const given: Record<string, string> = {
        path: checkpoint,
        operator: name,
        batchid: String(found.manifest.epoch),
      }
      for (const [option, value] of Object.entries(options)) {
        if (value !== undefined) given[option.toLowerCase()] = String(value)
      }
      const scan = launch.scan({ format: 'statestore', options: given, streaming: false })
      return dataFrame({ kind: 'scan', scan }, launch)
    },
  }
}

/** The fields of a key that were given. */
function wantedKey(fields: readonly KeyField[], key: StateKey): WantedKey {
  const isRecord = typeof key === 'object' && !(key instanceof Date)
  const [only] = fields
  if (!isRecord) {
    if (fields.length === 1 && only !== undefined) return [fromEdge(only.type, key)]
    throw badKey(String(key), fields)
  }
  const unknown = Object.keys(key).find((name) => !fields.some((field) => field.name === name))
  if (unknown !== undefined) throw badKey(unknown, fields)
  return fields.map(({ name, type, isNeeded }) => {
    if (name in key) return fromEdge(type, key[name])
    if (!isNeeded) return undefined
    throw badKey(`without ${name}`, fields)
  })
}

function badKey(value: string, fields: readonly KeyField[]): StreamError<'CONFIG_INVALID'> {
  const names = fields.map(({ name }) => name).join(', ')
  return new StreamError('CONFIG_INVALID', {
    option: 'key',
    value,
    expected: names === '' ? 'no key' : `an object with the fields ${names}`,
  })
}
