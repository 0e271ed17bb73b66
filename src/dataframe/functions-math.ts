import { type Column, type ColumnOrName, callOf, nameOf } from './column.ts'
import { ofColumn, ofTwo, withValues } from './functions-core.ts'
import { literal } from './literal.ts'

/** A column, the name of one, or a number. */
type Operand = ColumnOrName | number

const operand = (given: Operand) => (typeof given === 'number' ? literal(given) : nameOf(given))

const ofOperands =
  (name: string) =>
  (left: Operand, right: Operand): Column =>
    callOf(name, operand(left), operand(right))

/** Without sign. */
export const abs = ofColumn('abs')
/** With the opposite sign. */
export const negative = ofColumn('negative')
/** −1, 0 or 1. */
export const signum = ofColumn('signum')
/** The square root. */
export const sqrt = ofColumn('sqrt')
/** The cube root. */
export const cbrt = ofColumn('cbrt')
/** e to the power. */
export const exp = ofColumn('exp')
/** The natural logarithm; NULL where there is none. */
export const ln = ofColumn('ln')
/** The logarithm to base 10. */
export const log10 = ofColumn('log10')
/** The logarithm to base 2. */
export const log2 = ofColumn('log2')
/** The logarithm to a base; with one argument the natural one. */
export function log(base: Operand, value?: Operand): Column {
  return value === undefined
    ? callOf('ln', operand(base))
    : callOf('log', operand(base), operand(value))
}
/** The first to the power of the second. */
export const pow = ofOperands('pow')
/** The same as `pow`. */
export const power = ofOperands('pow')
/** The remainder that is never negative for a positive divisor. */
export const pmod = ofOperands('pmod')
/** The hypotenuse. */
export const hypot = ofOperands('hypot')
/** The angle of a point. */
export const atan2 = ofOperands('atan2')
/** The next whole number below. */
export const floor = ofColumn('floor')
/** The next whole number above. */
export const ceil = ofColumn('ceil')
/** The same as `ceil`. */
export const ceiling = ofColumn('ceil')
/** Rounded half up to `scale` digits behind the point. */
export const round = withValues<[scale?: number]>('round')
/** Rounded half to even to `scale` digits behind the point. */
export const bround = withValues<[scale?: number]>('bround')
/** The nearest whole number as DOUBLE, half to even. */
export const rint = ofColumn('rint')
/** Sine. */
export const sin = ofColumn('sin')
/** Cosine. */
export const cos = ofColumn('cos')
/** Tangent. */
export const tan = ofColumn('tan')
/** Inverse sine. */
export const asin = ofColumn('asin')
/** Inverse cosine. */
export const acos = ofColumn('acos')
/** Inverse tangent. */
export const atan = ofColumn('atan')
/** Radians as degrees. */
export const degrees = ofColumn('degrees')
/** Degrees as radians. */
export const radians = ofColumn('radians')
/** Binary digits of a whole number. */
export const bin = ofColumn('bin')
/** Hexadecimal digits of a whole number, a text or bytes. */
export const hex = ofColumn('hex')
/** Bytes of hexadecimal digits. */
export const unhex = ofColumn('unhex')
/** A number in another base. */
export const conv = withValues<[fromBase: number, toBase: number]>('conv')
/** Bits moved up. */
export const shiftleft = withValues<[bits: number]>('shiftleft')
/** Bits moved down, keeping the sign. */
export const shiftright = withValues<[bits: number]>('shiftright')
/** Every bit turned round. */
export const bitwise_not = ofColumn('bitwise_not')
/** Sum, NULL on overflow. */
export const try_add = ofTwo('try_add')
/** Difference, NULL on overflow. */
export const try_subtract = ofTwo('try_subtract')
/** Product, NULL on overflow. */
export const try_multiply = ofTwo('try_multiply')
/** Quotient, NULL on division by zero. */
export const try_divide = ofTwo('try_divide')
/** Remainder, NULL on division by zero. */
export const try_mod = ofTwo('try_mod')
/** The number itself. */
export const positive = ofColumn('positive')
/** The same as `signum`. */
export const sign = ofColumn('signum')
/** e to the power, less 1; exact near 0. */
export const expm1 = ofColumn('expm1')
/** The natural logarithm of 1 plus the value; exact near 0. */
export const log1p = ofColumn('log1p')
/** Hyperbolic sine. */
export const sinh = ofColumn('sinh')
/** Hyperbolic cosine. */
export const cosh = ofColumn('cosh')
/** Hyperbolic tangent. */
export const tanh = ofColumn('tanh')
/** The product of all whole numbers up to the value, 0 to 20; NULL beyond. */
export const factorial = ofColumn('factorial')
/** Euler's number. */
export const e = (): Column => callOf('e')
/** The ratio of circumference and diameter. */
export const pi = (): Column => callOf('pi')
