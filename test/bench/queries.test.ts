import { expect, test } from 'vitest'
import { type NexmarkFrames, queries, tableOf } from '../../bench/nexmark/queries.ts'
import { queryNames, resultSchemas } from '../../bench/nexmark/results.ts'
import { eventDdl, type TableName, tableSchemas } from '../../bench/nexmark/schema.ts'
import { parseSchema } from '../../src/batch/ddl.ts'
import { type Schema, typeText } from '../../src/batch/schema.ts'
import type { DataFrame } from '../../src/dataframe/data-frame.ts'
import { dataFrame } from '../../src/dataframe/frame.ts'
import type { Launch } from '../../src/dataframe/launch.ts'

const nothingRuns = (): never => {
  throw new Error('only plans are looked at here')
}

const launch: Launch = {
  edge: {},
  scan: nothingRuns,
  start: nothingRuns,
  startFleet: nothingRuns,
  explainUpgrade: nothingRuns,
  collect: nothingRuns,
  save: nothingRuns,
  physicalText: nothingRuns,
  putView: nothingRuns,
  view: nothingRuns,
  print: nothingRuns,
}

const eventsFrame = (name: string): DataFrame => frameOf(name, parseSchema(eventDdl))

function framesOf(frame: (table: TableName) => DataFrame): NexmarkFrames {
  return { person: frame('person'), auction: frame('auction'), bid: frame('bid') }
}

function frameOf(source: string, schema: Schema): DataFrame {
  const scan = {
    kind: 'scan',
    source,
    format: 'memory',
    options: {},
    schema,
    streaming: true,
  } as const
  return dataFrame({ kind: 'scan', scan }, launch)
}

function columnsOf(schema: Schema): readonly string[] {
  return schema.map(({ name, type }) => `${name} ${typeText(type)}`)
}

test.each(queryNames)(
  '%s gives the columns of its oracle, over nested events and flat bids alike',
  (name) => {
    const expected = columnsOf(resultSchemas[name])
    const nested = queries[name].over(framesOf((table) => tableOf(eventsFrame(table), table)))
    expect(columnsOf(nested.schema.fields)).toEqual(expected)
    const flat = queries[name].over(framesOf((table) => frameOf(table, tableSchemas[table])))
    expect(columnsOf(flat.schema.fields)).toEqual(expected)
  },
)
