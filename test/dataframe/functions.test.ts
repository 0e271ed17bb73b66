import { expect, test } from 'vitest'
import * as avro from '../../src/avro.ts'
import { aggregateNamed } from '../../src/expr/aggregate-names.ts'
import { findFunction, scalarFunctions } from '../../src/expr/functions.ts'
import * as functions from '../../src/functions.ts'
import * as protobuf from '../../src/protobuf.ts'
import { oracleLaunch } from './oracle-launch.ts'

/** What is more than a call of the catalogue by its own name. */
const ownWords = new Set([
  ...['asc', 'desc', 'col', 'column', 'expr', 'lit', 'udf', 'when', 'window', 'session_window'],
  ...['udaf', 'count_distinct', 'countDistinct', 'sum_distinct', 'sumDistinct'],
  ...['explode', 'explode_outer', 'posexplode', 'posexplode_outer', 'row_number'],
  ...['current_date', 'current_timestamp', 'now', 'named_struct', 'struct'],
  // Refused with the reason.
  'monotonically_increasing_id',
  // With one argument it is another function than with two.
  'log',
])

/** Rows of the catalogue that users write as methods of a column, or that only plans call. */
const notFunctions = new Set([
  ...['+', '-', '*', '/', '%', 'div', '&', '|', '^', '=', '!=', '<', '<=', '>', '>=', 'and', 'or'],
  ...['in', 'timestamp_add_interval', 'date_add_interval', 'duration_micros', 'space'],
])

const calls = Object.entries(functions).flatMap(([name, call]) =>
  typeof call === 'function' && !ownWords.has(name) ? [[name, call] as const] : [],
)

test.each(calls)('%s calls the function of that name', (name, call) => {
  const { expression } = Reflect.apply(call, undefined, ['a', 'b', 'c'])
  const called = expression.kind === 'call' ? expression.name : expression.kind
  expect(findFunction(called) ?? aggregateNamed(called)).toBeDefined()
  expect(findFunction(called) ?? aggregateNamed(called)).toEqual(
    findFunction(name) ?? aggregateNamed(name),
  )
})

test('every function of the catalogue can be imported', () => {
  const exported = { ...functions, ...avro, ...protobuf }
  const missing = scalarFunctions
    .filter(({ names }) => !names.some((name) => name in exported || notFunctions.has(name)))
    .map(({ names }) => names[0])
  expect(missing).toEqual([])
  expect(calls.length).toBeGreaterThan(100)
})

const rows = oracleLaunch().frame(
  's STRING, n INT, x DOUBLE, at TIMESTAMP, day DATE, list ARRAY<INT>, m MAP<STRING, INT>',
  [
    {
      s: 'ab c',
      n: 4,
      x: 2.25,
      at: new Date('2024-05-01T10:07:30Z'),
      day: '2024-05-01',
      list: [3, 1, 3],
      m: new Map([['k', 7]]),
    },
  ],
)
const f = functions
const answers: readonly (readonly [string, functions.Column, unknown])[] = [
  ['substring', f.substring('s', 1, 2), 'ab'],
  ['substr to the end', f.substr('s', 2), 'b c'],
  ['lpad', f.lpad('s', 6, '-'), '--ab c'],
  ['split', f.split('s', ' '), ['ab', 'c']],
  ['split with a limit', f.split(f.lit('a-b-c'), '-', 2), ['a', 'b-c']],
  ['concat_ws', f.concat_ws('/', 's', f.lit(null), f.lit('z')), 'ab c/z'],
  ['regexp_extract', f.regexp_extract('s', '(\\w+) (\\w)', 2), 'c'],
  ['regexp_replace', f.regexp_replace('s', '[a-c]', 'x'), 'xx x'],
  ['replace', f.replace('s', f.lit('ab'), f.lit('d')), 'd c'],
  ['locate', f.locate('c', 's'), 4],
  ['instr', f.instr('s', 'c'), 4],
  ['translate', f.translate('s', 'ab', 'xy'), 'xy c'],
  ['split_part', f.split_part('s', ' ', 2), 'c'],
  ['pow with a number', f.pow('n', 2), 16],
  ['round', f.round('x', 1), 2.3],
  ['log of a base', f.log(2, 'n'), 2],
  ['log', f.log(f.lit(1)), 0],
  ['pmod', f.pmod(f.lit(-1), 'n'), 3],
  ['greatest', f.greatest('n', f.lit(9)), 9],
  ['coalesce', f.coalesce(f.lit(null), 'n'), 4],
  ['date_format', f.date_format('at', 'yyyy-MM-dd HH:mm'), '2024-05-01 10:07'],
  ['date_trunc', f.date_trunc('hour', 'at'), new Date('2024-05-01T10:00:00Z')],
  ['date_add', f.date_add('day', 3), '2024-05-04'],
  ['datediff', f.datediff(f.lit('2024-05-03').cast('date'), 'day'), 2],
  ['to_date', f.to_date(f.lit('01.02.2024'), 'dd.MM.yyyy'), '2024-02-01'],
  ['unix_millis', f.unix_millis('at'), 1_714_558_050_000n],
  ['hour', f.hour('at'), 10],
  ['element_at', f.element_at('list', -1), 3],
  ['getItem', f.col('list').getItem(0), 3],
  ['getItem of a map', f.col('m').getItem('k'), 7],
  ['size', f.size('list'), 3],
  ['array_contains', f.array_contains('list', 1), true],
  ['array', f.array('n', f.lit(5)), [4, 5]],
  ['create_map', f.create_map(f.lit('a'), 'n'), new Map([['a', 4]])],
  ['struct', f.struct('n', f.col('s').alias('t')), { n: 4, t: 'ab c' }],
  ['named_struct', f.named_struct(f.lit('k'), 'n'), { k: 4 }],
  ['when', f.when(f.col('n').gt(3), 'big').otherwise('small'), 'big'],
  ['isin', f.col('n').isin(1, [2, 4]), true],
  ['isin of nothing', f.col('n').isin([]), false],
  ['between', f.col('n').between(4, 5), true],
  ['eqNullSafe', f.lit(null).eqNullSafe(f.col('n')), false],
  ['bitwiseXOR', f.col('n').bitwiseOR(1).bitwiseXOR(4).bitwiseAND(3), 1],
  ['like', f.col('s').like('a%'), true],
  ['tryCast', f.col('s').tryCast('int'), null],
  ['getField', f.struct('n').getField('n'), 4],
  ['md5', f.md5(f.lit('abc')), '900150983cd24fb0d6963f7d28e17f72'],
  ['current_timestamp', f.current_timestamp(), new Date('1970-01-01T00:00:01Z')],
  ['expr', f.expr('n * 2 + 1'), 9],
]

test.each(answers)('%s has the right value', async (_name, column, expected) => {
  expect(await rows.select(column.alias('v')).collect()).toEqual([{ v: expected }])
})
