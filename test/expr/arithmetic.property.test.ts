import fc from 'fast-check'
import { expect, test } from 'vitest'
import { batchOf } from '../../src/batch/build.ts'
import { valueAt } from '../../src/batch/read.ts'
import { type DataType, longType, type Schema } from '../../src/batch/schema.ts'
import type { Value } from '../../src/batch/value.ts'
import { StreamError } from '../../src/core/error.ts'
import { compileStage } from '../../src/expr/compile.ts'
import { noContext } from '../../src/expr/expression.ts'
import { parseExpression } from '../../src/expr/parse.ts'
import { expressionText } from '../../src/expr/print.ts'
import { resolveExpression } from '../../src/expr/resolve.ts'
import { resolvedSql } from './sql.ts'

interface Answer {
  readonly type: DataType
  readonly value: Value | string
}

/** What a compiled stage says of `left operator right`: a value, or the code of the error. */
function computed(operator: string, schema: Schema, row: readonly Value[]): Answer {
  const column = resolveExpression(parseExpression(`a ${operator} b`), { schema })
  const stage = compileStage({ columns: [column] }, schema)
  try {
    const [result] = stage.run(batchOf(schema, [row]), noContext).columns
    const value = result === undefined ? 'no column' : valueAt(result, column.type, 0)
    return { type: column.type, value }
  } catch (error) {
    return { type: column.type, value: error instanceof StreamError ? error.code : String(error) }
  }
}

const near = (center: bigint) => fc.bigInt({ min: center - 3n, max: center + 3n })
const max = 2n ** 63n - 1n
const longs = fc.oneof(
  fc.bigInt({ min: -max - 1n, max }),
  fc.bigInt({ min: -9n, max: 9n }),
  near(2n ** 53n),
  near(-(2n ** 53n)),
  fc.bigInt({ min: -(2n ** 33n), max: 2n ** 33n }),
  fc.constantFrom(max, -max - 1n),
)

const longSchema: Schema = ['a', 'b'].map((name) => ({ name, type: longType, nullable: false }))

/** Integer arithmetic as every book has it. */
function exact(operator: string, a: bigint, b: bigint): bigint | undefined {
  switch (operator) {
    case '+':
      return a + b
    case '-':
      return a - b
    case '*':
      return a * b
    case 'div':
      return b === 0n ? undefined : a / b
    default:
      return b === 0n ? undefined : a % b
  }
}

test('LONG arithmetic is exact to 2^63 and raises beyond it', () => {
  const operators = fc.constantFrom('+', '-', '*', 'div', '%')
  fc.assert(
    fc.property(operators, longs, longs, (operator, a, b) => {
      const wanted = exact(operator, a, b)
      const fits = wanted !== undefined && BigInt.asIntN(64, wanted) === wanted
      const expected =
        wanted === undefined ? 'DIVIDE_BY_ZERO' : fits ? wanted : 'ARITHMETIC_OVERFLOW'
      expect(computed(operator, longSchema, [a, b]).value).toBe(expected)
    }),
    { numRuns: 2000 },
  )
})

interface Decimal {
  readonly precision: number
  readonly scale: number
  readonly unscaled: bigint
}

/** A decimal of any precision up to 38, often with few digits. */
const decimals: fc.Arbitrary<Decimal> = fc
  .record({ precision: fc.integer({ min: 1, max: 38 }), part: fc.nat({ max: 100 }) })
  .chain(({ precision, part }) => {
    const most = 10n ** BigInt(precision) - 1n
    const scale = Math.floor((precision * part) / 100)
    const unscaled = fc.oneof(
      fc.bigInt({ min: -most, max: most }),
      fc.bigInt({ min: most < 99n ? -most : -99n, max: most < 99n ? most : 99n }),
    )
    return fc.record({ precision: fc.constant(precision), scale: fc.constant(scale), unscaled })
  })

/** A fraction of integers, rounded half away from zero to `scale` digits. */
function rounded(numerator: bigint, denominator: bigint, scale: number): bigint {
  const scaled = numerator * 10n ** BigInt(scale)
  const isNegative = scaled < 0n !== denominator < 0n
  const [n, d] = [scaled < 0n ? -scaled : scaled, denominator < 0n ? -denominator : denominator]
  const up = n / d + ((n % d) * 2n >= d ? 1n : 0n)
  return isNegative ? -up : up
}

/** The true result as a fraction, without any scale. */
function fraction(operator: string, a: Decimal, b: Decimal): readonly [bigint, bigint] {
  const [p, q] = [10n ** BigInt(a.scale), 10n ** BigInt(b.scale)]
  switch (operator) {
    case '+':
      return [a.unscaled * q + b.unscaled * p, p * q]
    case '-':
      return [a.unscaled * q - b.unscaled * p, p * q]
    case '*':
      return [a.unscaled * b.unscaled, p * q]
    case '/':
      return [a.unscaled * q, p * b.unscaled]
    default:
      return [(a.unscaled * q) % (b.unscaled * p), p * q]
  }
}

test('DECIMAL arithmetic is the true result rounded once to its type, or an overflow', () => {
  const operators = fc.constantFrom('+', '-', '*', '/', '%')
  fc.assert(
    fc.property(operators, decimals, decimals, (operator, a, b) => {
      const types = [a, b].map(({ precision, scale }) => ({
        kind: 'decimal' as const,
        precision,
        scale,
      }))
      const schema = types.map((type, index) => ({
        name: index === 0 ? 'a' : 'b',
        type,
        nullable: false,
      }))
      const { type, value } = computed(operator, schema, [a.unscaled, b.unscaled])
      if ((operator === '/' || operator === '%') && b.unscaled === 0n) {
        expect(value).toBe('DIVIDE_BY_ZERO')
        return
      }
      if (type.kind !== 'decimal') throw new Error('a decimal is expected')
      const [numerator, denominator] = fraction(operator, a, b)
      const wanted = rounded(numerator, denominator, type.scale)
      const size = wanted < 0n ? -wanted : wanted
      expect(value).toBe(size < 10n ** BigInt(type.precision) ? wanted : 'ARITHMETIC_OVERFLOW')
    }),
    { numRuns: 2000 },
  )
})

const schema: Schema = [
  { name: 'i', type: { kind: 'int' }, nullable: true },
  { name: 'd', type: { kind: 'double' }, nullable: true },
  { name: 's', type: { kind: 'string' }, nullable: true },
  { name: 'p', type: { kind: 'boolean' }, nullable: true },
]

const { number, condition, text } = fc.letrec<{ number: string; condition: string; text: string }>(
  (tie) => {
    const pair = fc.tuple(tie('number'), tie('number'))
    const conditions = fc.tuple(tie('condition'), tie('condition'))
    const sides = (operators: readonly string[], of: fc.Arbitrary<[string, string]>) =>
      fc
        .tuple(fc.constantFrom(...operators), of)
        .map(([operator, [left, right]]) => `${left} ${operator} ${right}`)
    return {
      number: fc.oneof(
        { maxDepth: 4, withCrossShrink: true },
        fc.constantFrom('i', 'd', '7', '-3', '2147483647'),
        sides(['+', '-', '*', '/', '%', 'DIV'], pair).map((inner) => `(${inner})`),
        sides(['+', '-', '*', '%', '&', '|', '^'], fc.tuple(fc.constant('i'), fc.constant('i'))),
        tie('number').map((inner) => `- ${inner}`),
        tie('number').map((inner) => `CAST(${inner} AS BIGINT)`),
        fc
          .tuple(tie('condition'), pair)
          .map(([w, [a, b]]) => `CASE WHEN ${w} THEN ${a} ELSE ${b} END`),
      ),
      condition: fc.oneof(
        { maxDepth: 4, withCrossShrink: true },
        fc.constantFrom('p', 'true', 'i IS NULL', 'd IS NOT NULL'),
        sides(['=', '<', '<=', '>', '>=', '<=>', '!='], pair),
        sides(['AND', 'OR'], conditions).map((inner) => `(${inner})`),
        tie('condition').map((inner) => `NOT ${inner}`),
        tie('text').map((inner) => `${inner} LIKE 'a%'`),
        pair.map(([a, b]) => `i IN (${a}, ${b})`),
      ),
      text: fc.oneof(
        { maxDepth: 3 },
        fc.constantFrom('s', "'it''s'", "''"),
        fc.tuple(tie('text'), tie('text')).map(([a, b]) => `${a} || ${b}`),
        tie('text').map((inner) => `upper(${inner})`),
      ),
    }
  },
)

test('an expression printed and read again prints the same', () => {
  fc.assert(
    fc.property(fc.oneof(number, condition, text), (sql) => {
      let first: string
      try {
        first = expressionText(resolvedSql(sql, schema))
      } catch (error) {
        // Bits of a DOUBLE and the like do not type; they say nothing here.
        fc.pre(!(error instanceof StreamError && error.code === 'DATATYPE_MISMATCH'))
        throw error
      }
      expect(expressionText(resolvedSql(first, schema)), sql).toBe(first)
    }),
    { numRuns: 1000 },
  )
})
