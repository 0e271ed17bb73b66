import type { DataType } from '../../src/batch/schema.ts'
import type { Value } from '../../src/batch/value.ts'
import { seededRandom } from '../../src/core/random.ts'

/** Choices that a seed decides; the same seed chooses the same. */
export interface Dice {
  /** A whole number from 0 to `count` − 1. */
  below(count: number): number
  chance(share: number): boolean
  pick<T>(from: readonly T[]): T
}

export function diceOf(seed: number): Dice {
  const random = seededRandom(seed)
  const below = (count: number): number => Math.floor(random.next() * count)
  return {
    below,
    chance: (share) => random.next() < share,
    pick(from) {
      const found = from[below(from.length)]
      if (found === undefined) throw new Error('nothing to pick from')
      return found
    },
  }
}

const texts = [
  ...[
    '',
    'a',
    'B',
    'abc',
    'Abc def',
    'é',
    'ß',
    '𝄞x',
    '\u0000',
    '\ufeffbom',
    '  pad ',
    '%',
    '_',
    '\\',
  ],
  ...['yyyy-MM-dd', 'yyyy-MM-dd HH:mm:ss', 'EEE', 'day', 'MONTH', 'hour', 'YEAR', 'WEEK', 'monday'],
  ...['UTC', 'Europe/Berlin', '+05:30', 'UTF-8', 'utf-16be', 'US-ASCII', 'a%', '%b%', '%c', 'a_c'],
  ...['(a)(b)?', '[a-z]+', '-', ',', 'a,b,,c', '[', '$1x', '2024-02-29', '2016-03-27 09:00:05.123'],
  ...[
    '12',
    '-7',
    '1.5',
    'NaN',
    '1e400',
    'true',
    'no',
    '9223372036854775808',
    'ff',
    'aGk=',
    '%41+b',
  ],
  ...['{"a":1,"b":"x"}', '{"a":', '$.a', '$.b[0]', 'a INT, b STRING', '1,x'],
]

const doubles = [
  ...[0, -0, 1, -1, 0.5, 2.5, -2.5, 1.005, 1e15, 1e20, -1e20, 2 ** 53, 2 ** 53 + 2, 9.2e18, 1e300],
  ...[Number.NaN, Infinity, -Infinity, Number.MIN_VALUE, Number.MAX_VALUE, -0.1, 3.7, -3.7, 1e-7],
]

const integers = [0, 1, -1, 2, 3, -2, 5, 7, 10, -10, 31, 100, 127, -128]

const safeLongs = [
  ...[9_007_199_254_740_991n, -9_007_199_254_740_991n, 4_611_686_019n, 1_700_000_000n],
  ...integers.map(BigInt),
]
const wideLongs = [
  ...[2n ** 53n, 2n ** 53n + 1n, -(2n ** 53n) - 1n, 2n ** 63n - 1n, -(2n ** 63n)],
  ...safeLongs,
]

const microsPerDay = 86_400_000_000
const times = [
  ...[0, -1, 1, 1_459_069_205_123_456, -microsPerDay, 951_782_400_000_000, 1_709_164_800_000_000],
  ...[8_640_000_000_000_000, -8_640_000_000_000_000],
  ...[Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER, 1_711_846_799_999_999],
]

/** How far values may go: `wide` lets longs and decimals leave 2^53. */
export interface Spread {
  readonly nulls: number
  readonly wide: boolean
}

/** A value of a type, the nasty ones well represented. */
export function randomValue(dice: Dice, type: DataType, spread: Spread): Value {
  if (dice.chance(spread.nulls)) return null
  switch (type.kind) {
    case 'boolean':
      return dice.chance(0.5)
    case 'byte':
      return dice.pick(integers)
    case 'short':
      return dice.pick([...integers, 32_767, -32_768])
    case 'int':
      return dice.pick([...integers, 2_147_483_647, -2_147_483_648, 2024, 256])
    case 'date':
      return dice.pick([
        ...integers,
        16_888,
        19_782,
        -719_162,
        2_932_896,
        2_147_483_647,
        -2_147_483_648,
      ])
    case 'timestamp':
      return dice.pick(times)
    case 'long':
      return dice.pick(spread.wide ? wideLongs : safeLongs)
    case 'decimal':
      return randomDecimal(dice, type.precision, spread.wide)
    case 'float':
      return Math.fround(dice.pick(doubles))
    case 'double':
      return dice.pick(doubles)
    case 'string':
      return dice.pick(texts)
    case 'binary':
      return new TextEncoder().encode(dice.pick(texts))
    case 'array':
      return Array.from({ length: dice.below(4) }, () =>
        randomValue(dice, type.element, { ...spread, nulls: type.containsNull ? 0.2 : 0 }),
      )
    case 'struct':
      return type.fields.map((field) =>
        randomValue(dice, field.type, { ...spread, nulls: field.nullable ? 0.2 : 0 }),
      )
    case 'map':
      return randomMap(dice, type, spread)
    default:
      return null
  }
}

function randomDecimal(dice: Dice, precision: number, wide: boolean): bigint {
  const most = 10n ** BigInt(wide ? precision : Math.min(precision, 15)) - 1n
  return dice.pick(
    [most, -most, 0n, 1n, -1n, 5n, -5n, 15n, 25n, -25n].filter((x) => x <= most && x >= -most),
  )
}

function randomMap(dice: Dice, type: Extract<DataType, { kind: 'map' }>, spread: Spread): Value {
  const entries = new Map<unknown, readonly [Value, Value]>()
  for (let count = dice.below(3); count > 0; count--) {
    const key = randomValue(dice, type.key, { nulls: 0, wide: false })
    entries.set(key, [key, randomValue(dice, type.value, { ...spread, nulls: 0.2 })])
  }
  return { entries: [...entries.values()] }
}
