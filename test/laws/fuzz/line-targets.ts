import { parseSchema } from '../../../src/batch/ddl.ts'
import type { DecodeMode, LineDecoder } from '../../../src/batch/line-decoder.ts'
import { rowsOf } from '../../../src/batch/read.ts'
import { csvDecoder } from '../../../src/connectors/decode-csv.ts'
import { textDecoder } from '../../../src/connectors/decode-text.ts'
import { jsonDecoder } from '../../../src/json/decoder.ts'
import type { FuzzTarget } from './target.ts'

const schema = parseSchema(
  'n LONG, i INT, x DOUBLE, s STRING, b BOOLEAN, t TIMESTAMP, d DATE, m DECIMAL(10, 2), l ARRAY<LONG>, r STRUCT<a: INT, z: MAP<STRING, DOUBLE>>',
)
const flat = parseSchema('n LONG, i INT, x DOUBLE, s STRING, b BOOLEAN, t TIMESTAMP')
const encoder = new TextEncoder()
const jsonLines = [
  '{"n":1,"i":-2,"x":1.5e3,"s":"a \\u00e9 \\ud83d\\ude00","b":true,"t":"2024-05-01T10:00:00Z","d":"2024-05-01","m":1.25,"l":[1,2],"r":{"a":1,"z":{"k":2.5}}}\n',
  '{"r":null,"s":"\\"quoted\\"","n":9007199254740993}\n[{"n":1},{"n":2}]\n\n',
  '{"unknown":{"deep":[[{"x":"]}"}]]},"n": 12 , "b" : false}\n',
].map((text) => encoder.encode(text))
const csvLines = [
  '1,2,3.5,"a ""b"", c",true,2024-05-01 10:00:00\n2,,,,,\n',
  '1,2,NaN,plain,false,\n"1","2","3","4","true",\n',
].map((text) => encoder.encode(text))

/** Feeds whole lines, as a reader of files does. */
export function decodeAll(made: LineDecoder, bytes: Uint8Array): void {
  const lines = bytes.at(-1) === 10 ? bytes : Uint8Array.from([...bytes, 10])
  made.begin('fuzz', true)
  let at = 0
  while (at < lines.length) {
    const next = made.decode(lines, at, lines.length, 7)
    if (next <= at) throw new Error(`stuck at byte ${at} of ${lines.length}`)
    at = next
    rowsOf(made.finish())
  }
}

/** A reader of JSON that makes the best of everything, unless it is told otherwise. */
export function fuzzedJson(mode: DecodeMode = 'PERMISSIVE'): LineDecoder {
  return jsonDecoder({ columns: schema, mode, corruptColumn: '_corrupt_record' })
}

function fuzzedCsv(mode: DecodeMode): LineDecoder {
  return csvDecoder({
    schema: flat,
    dialect: { separator: ',', quote: '"', escapeChar: '\\' },
    header: false,
    enforceSchema: true,
    nullValue: '',
    mode,
    corruptColumn: '_corrupt_record',
  })
}

const modes: readonly DecodeMode[] = ['PERMISSIVE', 'DROPMALFORMED', 'FAILFAST']

/** Lines of files. */
export const lineTargets: readonly FuzzTarget[] = [
  ...modes.flatMap((mode): readonly FuzzTarget[] => {
    const refusals = mode === 'FAILFAST' ? ['DECODE_FAILED'] : []
    return [
      {
        name: `JSON lines, ${mode}`,
        samples: jsonLines,
        read: (bytes) => decodeAll(fuzzedJson(mode), bytes),
        refusals,
      },
      {
        name: `CSV lines, ${mode}`,
        samples: csvLines,
        read: (bytes) => decodeAll(fuzzedCsv(mode), bytes),
        refusals,
      },
    ]
  }),
  {
    name: 'lines of text',
    samples: [...jsonLines, ...csvLines],
    read: (bytes) => decodeAll(textDecoder('value'), bytes),
    refusals: [],
  },
]
