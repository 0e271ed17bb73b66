import { rescale } from '../batch/decimal-text.ts'
import {
  binaryType,
  type DataType,
  doubleType,
  intType,
  isIntegral,
  longType,
  stringType,
} from '../batch/schema.ts'
import { wholeIn } from './arithmetic.ts'
import { adjustedDecimal } from './coerce.ts'
import { checkedDecimal } from './decimal.ts'
import { applyWants, type ScalarFunction, strict } from './signature.ts'
import { bigintOf, bytesOf, numberOf, textOf } from './value-of.ts'

/** Roots, powers, logarithms, angles, rounding, and bases of numbers. */
export const mathFunctions: readonly ScalarFunction[] = [
  real('sqrt', Math.sqrt, 'Math.sqrt'),
  real('cbrt', Math.cbrt, 'Math.cbrt'),
  real('exp', Math.exp, 'Math.exp'),
  real('expm1', Math.expm1, 'Math.expm1'),
  real('sin', Math.sin, 'Math.sin'),
  real('cos', Math.cos, 'Math.cos'),
  real('tan', Math.tan, 'Math.tan'),
  real('asin', Math.asin, 'Math.asin'),
  real('acos', Math.acos, 'Math.acos'),
  real('atan', Math.atan, 'Math.atan'),
  real('sinh', Math.sinh, 'Math.sinh'),
  real('cosh', Math.cosh, 'Math.cosh'),
  real('tanh', Math.tanh, 'Math.tanh'),
  real('degrees', (x) => (x * 180) / Math.PI),
  real('radians', (x) => (x * Math.PI) / 180),
  real('signum sign', Math.sign, 'Math.sign'),
  real('rint', roundHalfEven),
  logarithm('ln', Math.log, 0),
  logarithm('log10', Math.log10, 0),
  logarithm('log2', Math.log2, 0),
  logarithm('log1p', Math.log1p, -1),
  strict(
    'log',
    [doubleType, doubleType],
    doubleType,
    ([a = null, b], { args }) => {
      if (args.length === 1) return numberOf(a) <= 0 ? null : Math.log(numberOf(a))
      const value = numberOf(b)
      return numberOf(a) <= 0 || value <= 0 ? null : Math.log(value) / Math.log(numberOf(a))
    },
    { optional: 1, nullable: true },
  ),
  strict(
    'pow power',
    [doubleType, doubleType],
    doubleType,
    ([a, b]) => power(numberOf(a), numberOf(b)),
    {
      emit: ([a, b], _, emitter) => `${emitter.constant(power)}(${a}, ${b})`,
    },
  ),
  strict('atan2', [doubleType, doubleType], doubleType, ([a, b]) =>
    Math.atan2(numberOf(a), numberOf(b)),
  ),
  strict('hypot', [doubleType, doubleType], doubleType, ([a, b]) =>
    Math.hypot(numberOf(a), numberOf(b)),
  ),
  strict('e', [], doubleType, () => Math.E),
  strict('pi', [], doubleType, () => Math.PI),
  whole('floor', Math.floor, (value, unit) => {
    const rest = value % unit
    return rest < 0n ? value / unit - 1n : value / unit
  }),
  whole('ceil ceiling', Math.ceil, (value, unit) => {
    const rest = value % unit
    return rest > 0n ? value / unit + 1n : value / unit
  }),
  rounding('round', false),
  rounding('bround', true),
  strict('bin', [longType], stringType, ([value]) =>
    BigInt.asUintN(64, bigintOf(value)).toString(2),
  ),
  {
    ...strict('hex', ['any'], stringType, ([value = null]) => {
      if (typeof value === 'bigint') return BigInt.asUintN(64, value).toString(16).toUpperCase()
      const bytes = typeof value === 'string' ? new TextEncoder().encode(value) : bytesOf(value)
      return hexText(bytes).toUpperCase()
    }),
    typing: (args) => {
      const [given] = args
      const want = given !== undefined && isIntegral(given.type) ? longType : given?.type
      const types = applyWants(
        [want?.kind === 'string' ? stringType : want?.kind === 'long' ? longType : binaryType],
        args,
      )
      if ('expected' in types) return types
      return { args: types.types, result: stringType, nullable: given?.nullable === true }
    },
  },
  strict('unhex', [stringType], binaryType, ([value]) => unhex(textOf(value)), { nullable: true }),
  strict(
    'conv',
    [stringType, intType, intType],
    stringType,
    ([value, from, to]) => convert(textOf(value), numberOf(from), numberOf(to)),
    { nullable: true },
  ),
  strict(
    'factorial',
    [intType],
    longType,
    ([value]) => {
      const n = numberOf(value)
      if (n < 0 || n > 20) return null
      let product = 1n
      for (let factor = 2n; factor <= BigInt(n); factor++) product *= factor
      return product
    },
    { nullable: true },
  ),
]

/** Java's `Math.pow` is 1 for an exponent of 0 and NaN for NaN, as JavaScript's; 1 to the power of infinity is NaN in both. */
function power(base: number, exponent: number): number {
  return base ** exponent
}

function real(names: string, apply: (x: number) => number, native?: string): ScalarFunction {
  return strict(names, [doubleType], doubleType, ([value]) => apply(numberOf(value)), {
    ...(native === undefined ? {} : { emit: ([value]) => `${native}(${value})` }),
  })
}

/** Logarithms are NULL where they have no value (Spark and Hive). */
function logarithm(name: string, apply: (x: number) => number, least: number): ScalarFunction {
  return strict(
    name,
    [doubleType],
    doubleType,
    ([value]) => {
      const x = numberOf(value)
      return x <= least ? null : apply(x)
    },
    { nullable: true },
  )
}

function roundHalfEven(value: number): number {
  const floor = Math.floor(value)
  const fraction = value - floor
  if (fraction < 0.5) return floor
  if (fraction > 0.5) return floor + 1
  return floor % 2 === 0 ? floor : floor + 1
}

/** `floor` and `ceil`: LONG of doubles, a decimal without fraction of decimals. */
function whole(
  names: string,
  apply: (value: number) => number,
  divide: (value: bigint, unit: bigint) => bigint,
): ScalarFunction {
  const result = ([type = doubleType]: readonly DataType[]): DataType =>
    type.kind === 'decimal' ? adjustedDecimal(type.precision - type.scale + 1, 0) : longType
  return strict(
    names,
    ['numeric'],
    result,
    ([value = null], types) => {
      const [type = doubleType] = types.args
      if (type.kind === 'decimal') return divide(bigintOf(value), 10n ** BigInt(type.scale))
      if (type.kind === 'long') return value
      const rounded = apply(numberOf(value))
      // Like Java's conversion to long: NaN is 0 and the ends are cut off.
      if (Number.isNaN(rounded)) return 0n
      if (rounded >= 2 ** 63) return 2n ** 63n - 1n
      return rounded <= -(2 ** 63) ? -(2n ** 63n) : BigInt(rounded)
    },
    {
      emit: ([value], types, emitter) => {
        const [type = doubleType] = types.args
        if (type.kind === 'decimal') return undefined
        if (isIntegral(type)) return value
        const rounded = emitter.local(
          `${names.startsWith('floor') ? 'Math.floor' : 'Math.ceil'}(${value}) + 0`,
        )
        emitter.bailIf(`!(${rounded} >= -9007199254740991 && ${rounded} <= 9007199254740991)`)
        return rounded
      },
    },
  )
}

function rounding(name: string, halfEven: boolean): ScalarFunction {
  const form = strict(
    name,
    ['numeric', intType],
    doubleType,
    ([value = null, digits], types) => {
      const scale = digits === undefined ? 0 : numberOf(digits)
      const [type = doubleType] = types.args
      const { result } = types
      if (type.kind === 'decimal' && result.kind === 'decimal') {
        const cut = roundAt(bigintOf(value), type.scale, Math.min(scale, type.scale), halfEven)
        return checkedDecimal(rescale(cut, type.scale, result.scale), result, name)
      }
      if (isIntegral(type)) {
        const exact = type.kind === 'long' ? bigintOf(value) : BigInt(numberOf(value))
        return wholeIn(result, scale >= 0 ? exact : roundAt(exact, 0, scale, halfEven), name)
      }
      const rounded = roundDouble(numberOf(value), scale, halfEven)
      return type.kind === 'float' ? Math.fround(rounded) : rounded
    },
    { optional: 1 },
  )
  return {
    ...form,
    typing: (args) => {
      const signature = form.typing(args)
      if ('expected' in signature) return signature
      const [type = doubleType] = signature.args
      const digits = args[1]?.literal
      const scale = args.length < 2 ? 0 : typeof digits === 'number' ? digits : 0
      return { ...signature, result: roundedType(type, scale) }
    },
  }
}

function roundedType(type: DataType, scale: number): DataType {
  if (type.kind !== 'decimal') return type
  const kept = Math.max(0, Math.min(scale, type.scale))
  return adjustedDecimal(type.precision - type.scale + 1 + kept, kept)
}

/** Rounds an unscaled value to `digits` after the point; the scale stays. */
function roundAt(value: bigint, scale: number, digits: number, halfEven: boolean): bigint {
  if (digits >= scale) return value
  // Far left of the first digit there is nothing to round up, and the unit would not fit in memory.
  if (scale - digits > String(value).length + 1) return 0n
  const unit = 10n ** BigInt(scale - digits)
  const rest = value % unit
  const down = value - rest
  const twice = (rest < 0n ? -rest : rest) * 2n
  const isOdd = (down / unit) % 2n !== 0n
  const away = twice > unit || (twice === unit && (!halfEven || isOdd))
  return away ? down + (value < 0n ? -unit : unit) : down
}

/** Rounds by the decimal digits that the double prints, so that 2.675 becomes 2.68 as in Spark. */
function roundDouble(value: number, digits: number, halfEven: boolean): number {
  if (!Number.isFinite(value)) return value
  const [mantissa = '0', power = '0'] = String(value).split('e')
  const [wholeDigits = '', fraction = ''] = mantissa.split('.')
  const scale = fraction.length - Number(power)
  if (digits >= scale) return value
  const unscaled = BigInt(wholeDigits.replace('-', '') + fraction)
  if (scale - digits > String(unscaled).length + 1) return 0
  const rounded = roundAt(unscaled, scale, digits, halfEven)
  const result = Number(`${rounded}e${-scale}`)
  return value < 0 ? 0 - result : result
}

/** Two lower-case digits per byte. */
export function hexText(bytes: Uint8Array): string {
  let text = ''
  for (const byte of bytes) text += byte.toString(16).padStart(2, '0')
  return text
}

function unhex(text: string): Uint8Array | null {
  if (!/^[0-9a-fA-F]*$/.test(text)) return null
  const even = text.length % 2 === 0 ? text : `0${text}`
  return Uint8Array.from(even.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16))
}

function convert(text: string, from: number, to: number): string | null {
  const base = Math.abs(to)
  if (from < 2 || from > 36 || base < 2 || base > 36) return null
  let value = 0n
  const trimmed = text.trim().toLowerCase()
  const isNegative = trimmed.startsWith('-')
  for (const digit of isNegative ? trimmed.slice(1) : trimmed) {
    const number = Number.parseInt(digit, from)
    if (Number.isNaN(number)) break
    value = value * BigInt(from) + BigInt(number)
  }
  const most = 2n ** 64n - 1n
  const bounded = value > most ? most : isNegative ? BigInt.asUintN(64, -value) : value
  const shown = to < 0 ? BigInt.asIntN(64, bounded) : bounded
  return shown.toString(base).toUpperCase()
}
