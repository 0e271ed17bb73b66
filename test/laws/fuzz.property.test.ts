import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseSchema } from '../../src/batch/ddl.ts'
import type { DecodeMode, LineDecoder } from '../../src/batch/line-decoder.ts'
import { rowsOf } from '../../src/batch/read.ts'
import { csvDecoder } from '../../src/connectors/decode-csv.ts'
import { textDecoder } from '../../src/connectors/decode-text.ts'
import { decodeEntry, decodeFrames, encodeEntry } from '../../src/connectors/push/journal-entry.ts'
import { parseDuration, parseInterval } from '../../src/core/duration.ts'
import { StreamError } from '../../src/core/error.ts'
import { parseExpression, parseSelectItem } from '../../src/expr/parse.ts'
import { jsonDecoder } from '../../src/json/decoder.ts'
import { decodeFirstNote, decodeLogEntry } from '../../state/local-epoch-log.ts'
import { encodeLogFile } from '../../state/log-file.ts'

/** Bytes that something reads, and what it does with them. */
interface Target {
  readonly name: string
  /** Inputs as they should be, to be spoilt. */
  readonly samples: readonly Uint8Array[]
  readonly read: (bytes: Uint8Array) => void
  /** Errors that it may throw. */
  readonly codes: readonly string[]
}

const encoder = new TextEncoder()
const decoder = new TextDecoder()
const bytesOf = (...texts: readonly string[]): readonly Uint8Array[] =>
  texts.map((text) => encoder.encode(text))

const schema = parseSchema(
  'n LONG, i INT, x DOUBLE, s STRING, b BOOLEAN, t TIMESTAMP, d DATE, m DECIMAL(10, 2), l ARRAY<LONG>, r STRUCT<a: INT, z: MAP<STRING, DOUBLE>>',
)
const flat = parseSchema('n LONG, i INT, x DOUBLE, s STRING, b BOOLEAN, t TIMESTAMP')
const jsonLines = bytesOf(
  '{"n":1,"i":-2,"x":1.5e3,"s":"a \\u00e9 \\ud83d\\ude00","b":true,"t":"2024-05-01T10:00:00Z","d":"2024-05-01","m":1.25,"l":[1,2],"r":{"a":1,"z":{"k":2.5}}}\n',
  '{"r":null,"s":"\\"quoted\\"","n":9007199254740993}\n[{"n":1},{"n":2}]\nnull\n\n',
  '{"unknown":{"deep":[[{"x":"]}"}]]},"n": 12 , "b" : false}\n',
)
const csvLines = bytesOf(
  'n,i,x,s,b,t\n1,2,3.5,"a ""b"", c",true,2024-05-01 10:00:00\n2,,,,,\n',
  '1,2,NaN,plain,false,\n"1","2","3","4","5","6"\n',
)

/** Feeds whole lines, as a reader of files does. */
function decodeAll(made: LineDecoder, bytes: Uint8Array): void {
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

const logEntries = [
  { type: 'attempt', attempt: 'a', token: 1, queryId: 'q', engine: 'x' },
  { type: 'committed', epoch: 3, snapshotId: 's' },
  { type: 'decision', epoch: 4, header: { epoch: 4, ranges: {} } },
].map((entry) => encodeLogFile({ number: 5, atMs: 12, entry }))

const journal = [
  encodeEntry({ firstRow: 0, rowCount: 2, id: 'one', rows: Uint8Array.of(1, 2, 3) }),
  encodeEntry({ firstRow: 2, rowCount: 1, id: undefined, rows: Uint8Array.of(9) }),
]

const expressions = bytesOf(
  "a + b * 2 - (c / 3) % 4 >= 5 AND NOT d <=> 'x' OR e IN (1, 2, NULL)",
  "CASE WHEN a > 1 THEN upper(b) ELSE concat('x', c) END AS d",
  "window(t, '10 minutes', '5 minutes') IS NOT NULL",
  'CAST(a AS DECIMAL(10, 2)) BETWEEN 1.5e3 AND -2L',
  "named_struct('a', 1, 'b', array(1, 2)).b[0] LIKE '%a\\\\_%'",
  "sum(DISTINCT x) FILTER (WHERE y > INTERVAL '1' DAY) OVER (PARTITION BY a ORDER BY b DESC NULLS LAST)",
  'a.b.`c d`.e::bigint || "q"',
)

const decoders = (mode: DecodeMode): readonly Target[] => [
  {
    name: `JSON lines, ${mode}`,
    samples: jsonLines,
    read: (bytes) =>
      decodeAll(jsonDecoder({ columns: schema, mode, corruptColumn: '_corrupt_record' }), bytes),
    codes: mode === 'FAILFAST' ? ['DECODE_FAILED'] : [],
  },
  {
    name: `CSV lines, ${mode}`,
    samples: csvLines,
    read: (bytes) =>
      decodeAll(
        csvDecoder({
          schema: flat,
          dialect: { separator: ',', quote: '"', escapeChar: '\\' },
          header: false,
          enforceSchema: true,
          nullValue: '',
          mode,
          corruptColumn: '_corrupt_record',
        }),
        bytes,
      ),
    codes: mode === 'FAILFAST' ? ['DECODE_FAILED'] : [],
  },
]

const texts = (
  name: string,
  samples: readonly Uint8Array[],
  read: (text: string) => unknown,
  codes: readonly string[],
): Target => ({ name, samples, read: (bytes) => void read(decoder.decode(bytes)), codes })

const targets: readonly Target[] = [
  ...decoders('PERMISSIVE'),
  ...decoders('DROPMALFORMED'),
  ...decoders('FAILFAST'),
  {
    name: 'lines of text',
    samples: [...jsonLines, ...csvLines],
    read: (bytes) => decodeAll(textDecoder('value'), bytes),
    codes: [],
  },
  {
    name: 'entries of the log',
    samples: logEntries,
    read: (bytes) => void decodeLogEntry('log/5', bytes, 5),
    codes: ['CHECKPOINT_CORRUPT', 'CHECKPOINT_NEWER_FORMAT'],
  },
  {
    name: 'the note on a pruned log',
    samples: [
      encodeLogFile({ number: 5, atMs: 12, entry: { type: 'first', token: 1, queryId: 'q' } }),
    ],
    read: (bytes) => void decodeFirstNote('log/first-5', bytes, 5),
    codes: ['CHECKPOINT_CORRUPT', 'CHECKPOINT_NEWER_FORMAT'],
  },
  {
    name: 'the journal of pushed rows',
    samples: [Uint8Array.from(journal.flatMap((each) => [...each]))],
    read: (bytes) => void decodeFrames(bytes).map(decodeEntry),
    codes: [],
  },
  texts('expressions', expressions, parseExpression, ['PARSE_ERROR']),
  texts('columns of a select', expressions, parseSelectItem, ['PARSE_ERROR']),
  texts(
    'schemas',
    bytesOf(
      'a INT, `b c` STRUCT<x: ARRAY<MAP<STRING, DECIMAL(10,2)>>, y: TIMESTAMP> NOT NULL COMMENT "x"',
      'n bigint,s string',
    ),
    parseSchema,
    ['SCHEMA_INVALID'],
  ),
  texts('durations', bytesOf('10 minutes', '1 hour 30 seconds', '-2 days'), parseDuration, [
    'DURATION_INVALID',
  ]),
  texts('intervals', bytesOf('1 year 2 months', "'3' day"), parseInterval, ['DURATION_INVALID']),
]

/** What happens to an input. */
type Spoil = readonly [kind: number, at: number, byte: number, length: number]

/** Bytes that mean something to a parser. */
const telling = [
  0, 9, 10, 13, 32, 34, 39, 44, 45, 46, 48, 57, 58, 91, 92, 93, 96, 123, 125, 128, 195, 255,
]

function spoilt(bytes: Uint8Array, [kind, at, byte, length]: Spoil): Uint8Array {
  if (bytes.length === 0) return Uint8Array.of(byte)
  const from = at % bytes.length
  const copy = [...bytes]
  switch (kind % 7) {
    case 0:
      copy[from] = byte
      break
    case 1:
      copy[from] = (copy[from] ?? 0) ^ (1 << (byte & 7))
      break
    case 2:
      copy[from] = telling[byte % telling.length] ?? 0
      break
    case 3:
      copy.splice(from, length)
      break
    case 4:
      copy.splice(from, 0, ...copy.slice(from, from + length))
      break
    case 5:
      copy.length = from
      break
    default:
      copy.splice(from, 0, telling[byte % telling.length] ?? 0)
  }
  return Uint8Array.from(copy)
}

const spoils = fc.array(fc.tuple(fc.nat(), fc.nat(), fc.nat({ max: 255 }), fc.nat({ max: 40 })), {
  minLength: 1,
  maxLength: 4,
})

/** Inputs by target; all of them together are what one run of the tests promises. */
const runsEach = Math.ceil(200_000 / targets.length)
/** Inputs are short: whatever takes longer hangs, or grows with the square of something. */
const slowMsMax = 500

test.each(targets)(
  'whatever is done to $name, it is read or refused with a code',
  ({ samples, read, codes }) => {
    let refused = 0
    let slowest = 0
    const tryOne = (bytes: Uint8Array): void => {
      // A busy machine may stop anybody for a while, but hardly three times.
      for (let left = 3, ms = slowMsMax; ms >= slowMsMax && left > 0; left--) {
        const started = performance.now()
        try {
          read(bytes)
        } catch (thrown) {
          if (!(thrown instanceof StreamError) || !codes.includes(thrown.code)) throw thrown
          refused += 1
        }
        ms = performance.now() - started
        slowest = left === 1 ? ms : slowest
      }
    }
    for (const sample of samples) tryOne(sample)
    fc.assert(
      fc.property(fc.constantFrom(...samples), spoils, (sample, how) => {
        tryOne(how.reduce(spoilt, sample))
      }),
      { numRuns: runsEach, seed: 20_261_121 },
    )
    expect(slowest).toBeLessThan(slowMsMax)
    // A reader that takes everything, or nothing, was not tried.
    if (codes.length > 0) expect(refused).toBeGreaterThan(runsEach / 100)
    expect(refused).toBeLessThan(runsEach)
  },
  120_000,
)

test('deep nesting is refused, not followed to the end of the stack', () => {
  for (const depth of [100, 10_000, 200_000]) {
    const json = encoder.encode(`{"l":${'['.repeat(depth)}${']'.repeat(depth)}}\n`)
    decodeAll(
      jsonDecoder({ columns: schema, mode: 'PERMISSIVE', corruptColumn: '_corrupt_record' }),
      json,
    )
    const refusals = [
      () => parseExpression(`${'('.repeat(depth)}1${')'.repeat(depth)}`),
      () => parseExpression(`${'NOT '.repeat(depth)}a`),
      () => parseExpression(`${'-'.repeat(depth)}a`),
      () => parseSchema(`a ${'ARRAY<'.repeat(depth)}INT${'>'.repeat(depth)}`),
    ]
    for (const attempt of refusals) {
      try {
        attempt()
      } catch (thrown) {
        expect(thrown).toBeInstanceOf(StreamError)
      }
    }
  }
})
