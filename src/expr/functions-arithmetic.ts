import {
  type DataType,
  doubleType,
  intType,
  isIntegral,
  longType,
  typeText,
} from '../batch/schema.ts'
import { StreamError } from '../core/error.ts'
import { type ArithmeticOperator, arithmetic, wholeIn } from './arithmetic.ts'
import { adjustedDecimal, commonType, decimalOf, decimalOfLiteral } from './coerce.ts'
import type { DecimalType } from './decimal.ts'
import {
  type Argument,
  type Emitter,
  type Mismatch,
  type ScalarFunction,
  type Signature,
  strict,
} from './signature.ts'
import { bigintOf, numberOf } from './value-of.ts'

const two = { least: 2, most: 2 }

/** `+ - * / % div pmod`, their `try_` forms, signs and bits. */
export const arithmeticFunctions: readonly ScalarFunction[] = [
  binary('+', ['+', 'add']),
  binary('-', ['-', 'subtract']),
  binary('*', ['*', 'multiply']),
  binary('/', ['/', 'divide']),
  binary('%', ['%', 'mod']),
  binary('div', ['div']),
  binary('pmod', ['pmod']),
  tryForm(binary('+', ['try_add'])),
  tryForm(binary('-', ['try_subtract'])),
  tryForm(binary('*', ['try_multiply'])),
  tryForm(binary('/', ['try_divide'])),
  tryForm(binary('%', ['try_mod'])),
  strict(
    'negative',
    ['numeric'],
    sameAsFirst,
    ([value = null], types) => {
      const { result } = types
      if (result.kind === 'decimal') return -bigintOf(value)
      if (!isIntegral(result)) return -numberOf(value)
      const exact = result.kind === 'long' ? bigintOf(value) : BigInt(numberOf(value))
      return wholeIn(result, -exact, 'negative')
    },
    { emit: emitNegative },
  ),
  strict('positive', ['numeric'], sameAsFirst, ([value = null]) => value, {
    emit: ([value]) => value,
  }),
  strict(
    'abs',
    ['numeric'],
    sameAsFirst,
    ([value = null], types) => {
      const { result } = types
      if (result.kind === 'decimal') return absolute(bigintOf(value))
      if (!isIntegral(result)) return Math.abs(numberOf(value))
      const exact = result.kind === 'long' ? bigintOf(value) : BigInt(numberOf(value))
      return wholeIn(result, absolute(exact), 'abs')
    },
    {
      emit: ([value = ''], types, emitter) =>
        emitWhole(`Math.abs(${value})`, types.result, emitter),
    },
  ),
  bitwise('&', (a, b) => a & b),
  bitwise('|', (a, b) => a | b),
  bitwise('^', (a, b) => a ^ b),
  strict('~ bitwise_not', ['integral'], sameAsFirst, ([value = null], types) =>
    types.result.kind === 'long' ? ~bigintOf(value) : ~numberOf(value),
  ),
  strict('shiftleft <<', [longType, intType], longType, ([value = null, bits = null]) =>
    BigInt.asIntN(64, bigintOf(value) << BigInt(numberOf(bits) & 63)),
  ),
  strict(
    'shiftright >>',
    [longType, intType],
    longType,
    ([value = null, bits = null]) => bigintOf(value) >> BigInt(numberOf(bits) & 63),
  ),
]

function absolute(value: bigint): bigint {
  return value < 0n ? -value : value
}

function sameAsFirst(types: readonly DataType[]): DataType {
  return types[0] ?? doubleType
}

function binary(operator: ArithmeticOperator, names: readonly string[]): ScalarFunction {
  return {
    names,
    strict: true,
    arity: two,
    typing: (args) => arithmeticTyping(operator, args),
    evaluate: (args, types) => arithmetic(operator, args, types),
    emit: (args, types, emitter) =>
      emitArithmetic(operator, args, types.args, types.result, emitter),
  }
}

/** NULL instead of overflow and division by zero. */
function tryForm(form: ScalarFunction): ScalarFunction {
  const { names, strict: isStrict, arity, typing, evaluate } = form
  return {
    names,
    strict: isStrict,
    arity,
    typing: (args) => {
      const signature = typing(args)
      return 'expected' in signature ? signature : { ...signature, nullable: true }
    },
    evaluate(args, types) {
      try {
        return evaluate(args, types)
      } catch (thrown) {
        const { code } = thrown instanceof StreamError ? thrown : { code: undefined }
        if (code === 'ARITHMETIC_OVERFLOW' || code === 'DIVIDE_BY_ZERO') return null
        throw thrown
      }
    },
  }
}

function arithmeticTyping(
  operator: ArithmeticOperator,
  args: readonly Argument[],
): Signature | Mismatch {
  const nullable = args.some((argument) => argument.nullable)
  const [left, right] = args.map((argument) => asNumber(argument.type))
  if (left === undefined || right === undefined) {
    const culprit = args.find((argument) => asNumber(argument.type) === undefined)
    return {
      expected: 'NUMERIC',
      actual: culprit === undefined ? 'nothing' : typeText(culprit.type).toUpperCase(),
      suggestion: 'double',
    }
  }
  const decimals = args.map((argument) => decimalOperand(argument))
  const [leftDecimal, rightDecimal] = decimals
  const isDecimal = left.kind === 'decimal' || right.kind === 'decimal'
  if (isDecimal && leftDecimal !== undefined && rightDecimal !== undefined) {
    const result =
      operator === 'div' ? longType : decimalResult(operator, leftDecimal, rightDecimal)
    return { args: [leftDecimal, rightDecimal], result, nullable }
  }
  if (operator === '/') return { args: [doubleType, doubleType], result: doubleType, nullable }
  const common = commonType(left, right) ?? doubleType
  const type = common.kind === 'string' || common.kind === 'void' ? doubleType : common
  if (operator !== 'div') return { args: [type, type], result: type, nullable }
  return isIntegral(type)
    ? { args: [longType, longType], result: longType, nullable }
    : { expected: 'INTEGRAL', actual: typeText(type).toUpperCase(), suggestion: 'bigint' }
}

/** NULL and text count as numbers here; text by what stands on the other side. */
function asNumber(type: DataType): DataType | undefined {
  return type.kind === 'string' || type.kind === 'void' || decimalOf(type) !== undefined
    ? type
    : type.kind === 'float' || type.kind === 'double'
      ? type
      : undefined
}

function decimalOperand({ type, literal }: Argument): DecimalType | undefined {
  const isWhole = typeof literal === 'number' || typeof literal === 'bigint'
  return isIntegral(type) && isWhole ? decimalOfLiteral(literal) : decimalOf(type)
}

/** Spark's precision and scale of a result, cut to 38 digits. */
function decimalResult(
  operator: Exclude<ArithmeticOperator, 'div'>,
  left: DecimalType,
  right: DecimalType,
): DecimalType {
  const scale = Math.max(left.scale, right.scale)
  const leftWhole = left.precision - left.scale
  const rightWhole = right.precision - right.scale
  switch (operator) {
    case '+':
    case '-':
      return adjustedDecimal(Math.max(leftWhole, rightWhole) + scale + 1, scale)
    case '*':
      return adjustedDecimal(left.precision + right.precision + 1, left.scale + right.scale)
    case '/': {
      const quotientScale = Math.max(6, left.scale + right.precision + 1)
      return adjustedDecimal(leftWhole + right.scale + quotientScale, quotientScale)
    }
    default:
      return adjustedDecimal(Math.min(leftWhole, rightWhole) + scale, scale)
  }
}

function bitwise(
  operator: '&' | '|' | '^',
  apply: (a: bigint, b: bigint) => bigint,
): ScalarFunction {
  return {
    names: [operator],
    strict: true,
    arity: two,
    typing: (args) => {
      const [left = longType, right = longType] = args.map((argument) => argument.type)
      const common = commonType(left, right) ?? left
      if (!isIntegral(common)) {
        return { expected: 'INTEGRAL', actual: typeText(common), suggestion: 'bigint' }
      }
      const nullable = args.some((argument) => argument.nullable)
      return { args: [common, common], result: common, nullable }
    },
    evaluate([left = null, right = null], types) {
      if (types.result.kind === 'long') return apply(bigintOf(left), bigintOf(right))
      return Number(apply(BigInt(numberOf(left)), BigInt(numberOf(right))))
    },
    emit: ([left, right], types) =>
      types.result.kind === 'long' ? undefined : `(${left} ${operator} ${right})`,
  }
}

const limits: Readonly<Record<string, readonly [number, number]>> = {
  byte: [-128, 127],
  short: [-32_768, 32_767],
  int: [-2_147_483_648, 2_147_483_647],
  long: [Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER],
}

/** A whole result, bailing where it leaves its type or 2^53; other numbers as they are. */
function emitWhole(code: string, type: DataType, emitter: Emitter): string {
  if (type.kind === 'float') return `Math.fround(${code})`
  if (type.kind === 'double') return code
  const [least, most] = limits[type.kind] ?? decimalLimits(type)
  const value = emitter.local(code)
  emitter.bailIf(`!(${value} >= ${least} && ${value} <= ${most})`)
  return value
}

function decimalLimits(type: DataType): readonly [number, number] {
  const digits = type.kind === 'decimal' ? type.precision : 0
  const most = digits >= 16 ? Number.MAX_SAFE_INTEGER : 10 ** digits - 1
  return [-most, most]
}

function emitNegative(
  [value = '']: readonly string[],
  types: { readonly result: DataType },
  emitter: Emitter,
): string {
  const { result } = types
  if (result.kind === 'double' || result.kind === 'float') return `(-${value})`
  return emitWhole(`0 - ${value}`, result, emitter)
}

function emitArithmetic(
  operator: ArithmeticOperator,
  [left = '', right = '']: readonly string[],
  [leftType, rightType]: readonly DataType[],
  result: DataType,
  emitter: Emitter,
): string | undefined {
  if (leftType?.kind === 'decimal') {
    return rightType?.kind === 'decimal'
      ? emitDecimal(operator, { left, right, leftType, rightType, result }, emitter)
      : undefined
  }
  if (operator === '+' || operator === '-' || operator === '*') {
    // Adding zero turns the −0 of a product of integers into 0.
    const plain = `(${left} ${operator} ${right})`
    const isWhole = isIntegral(result) && operator === '*'
    return emitWhole(isWhole ? `${plain} + 0` : plain, result, emitter)
  }
  emitter.bailIf(`${right} === 0`)
  switch (operator) {
    case '/':
      return emitWhole(`(${left} / ${right})`, result, emitter)
    case 'div':
      // No quotient of safe integers is so near below an integer that it rounds up to it.
      return emitter.local(`Math.trunc(${left} / ${right}) + 0`)
    case '%':
      return isIntegral(result)
        ? `(${left} % ${right} + 0)`
        : emitWhole(`(${left} % ${right})`, result, emitter)
    default: {
      // A negative divisor and sums near the limits are rare enough to be left to the interpreter.
      if (!isIntegral(result)) return undefined
      emitter.bailIf(`${right} < 0`)
      const rest = emitter.local(`${left} % ${right}`)
      return `(${rest} < 0 ? ${rest} + ${right} : ${rest} + 0)`
    }
  }
}

interface DecimalOperands {
  readonly left: string
  readonly right: string
  readonly leftType: DecimalType
  readonly rightType: DecimalType
  readonly result: DataType
}

function emitDecimal(
  operator: ArithmeticOperator,
  operands: DecimalOperands,
  emitter: Emitter,
): string | undefined {
  const { left, right, leftType, rightType, result } = operands
  if (result.kind !== 'decimal') return undefined
  if (operator === '*') {
    if (result.scale !== leftType.scale + rightType.scale) return undefined
    return emitWhole(`${left} * ${right} + 0`, result, emitter)
  }
  const scale = Math.max(leftType.scale, rightType.scale)
  if (result.scale !== scale || (operator !== '+' && operator !== '-')) return undefined
  const a = emitScaled(left, scale - leftType.scale, emitter)
  const b = emitScaled(right, scale - rightType.scale, emitter)
  return a === undefined || b === undefined
    ? undefined
    : emitWhole(`${a} ${operator} ${b}`, result, emitter)
}

/** Unscaled decimal with more digits after the point, bailing beyond 2^53. */
export function emitScaled(code: string, digits: number, emitter: Emitter): string | undefined {
  if (digits === 0) return code
  if (digits > 15) return undefined
  const scaled = emitter.local(`${code} * ${10 ** digits}`)
  emitter.bailIf(`!(${scaled} >= -9007199254740991 && ${scaled} <= 9007199254740991)`)
  return scaled
}
