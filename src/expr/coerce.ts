import { type DataType, doubleType, isIntegral, isNumeric, sameType } from '../batch/schema.ts'

type Decimal = Extract<DataType, { kind: 'decimal' }>

const maxPrecision = 38
/** Digits after the point that a result keeps at least when its precision has to be cut (Spark's rule). */
const minKeptScale = 6

/** A decimal type within 38 digits that gives up fraction before integer digits. */
export function adjustedDecimal(precision: number, scale: number): Decimal {
  if (precision <= maxPrecision) return { kind: 'decimal', precision, scale }
  const integerDigits = precision - scale
  const kept = Math.max(maxPrecision - integerDigits, Math.min(scale, minKeptScale))
  return { kind: 'decimal', precision: maxPrecision, scale: kept }
}

/** The decimal that holds every value of an integral type; a decimal is itself. */
export function decimalOf(type: DataType): Decimal | undefined {
  switch (type.kind) {
    case 'decimal':
      return type
    case 'byte':
      return { kind: 'decimal', precision: 3, scale: 0 }
    case 'short':
      return { kind: 'decimal', precision: 5, scale: 0 }
    case 'int':
      return { kind: 'decimal', precision: 10, scale: 0 }
    case 'long':
      return { kind: 'decimal', precision: 20, scale: 0 }
    default:
      return undefined
  }
}

/** The smallest decimal for an integer literal, so that `price * 2` does not widen as if 2 were any INT. */
export function decimalOfLiteral(value: number | bigint): Decimal {
  const digits = String(value).replace('-', '').length
  return { kind: 'decimal', precision: digits, scale: 0 }
}

function widerDecimal(left: Decimal, right: Decimal): Decimal {
  const scale = Math.max(left.scale, right.scale)
  const range = Math.max(left.precision - left.scale, right.precision - right.scale)
  const excess = range + scale - maxPrecision
  return excess <= 0
    ? { kind: 'decimal', precision: range + scale, scale }
    : { kind: 'decimal', precision: maxPrecision, scale: Math.max(0, scale - excess) }
}

const integralOrder = ['byte', 'short', 'int', 'long']

function commonNumeric(left: DataType, right: DataType): DataType {
  if (isIntegral(left) && isIntegral(right)) {
    return integralOrder.indexOf(left.kind) >= integralOrder.indexOf(right.kind) ? left : right
  }
  if (left.kind === 'float' && right.kind === 'float') return left
  const leftDecimal = decimalOf(left)
  const rightDecimal = decimalOf(right)
  // FLOAT is skipped for mixed types, as it would lose digits of INT and LONG.
  if (leftDecimal === undefined || rightDecimal === undefined) return doubleType
  return widerDecimal(leftDecimal, rightDecimal)
}

/** Text next to a typed value takes the other's type; the ANSI rule that makes `'1' = 1` compare numbers. */
function promotedFromText(other: DataType): DataType | undefined {
  if (isIntegral(other)) return { kind: 'long' }
  if (isNumeric(other)) return doubleType
  return ['date', 'timestamp', 'boolean', 'binary'].includes(other.kind) ? other : undefined
}

/** The least type that both can become, by Spark's ANSI rules; `undefined` if there is none. */
export function commonType(left: DataType, right: DataType): DataType | undefined {
  if (left.kind === 'void') return right
  if (right.kind === 'void') return left
  if (sameType(left, right)) return left
  if (isNumeric(left) && isNumeric(right)) return commonNumeric(left, right)
  if (left.kind === 'string') return promotedFromText(right)
  if (right.kind === 'string') return promotedFromText(left)
  if (left.kind === 'date' && right.kind === 'timestamp') return right
  if (left.kind === 'timestamp' && right.kind === 'date') return left
  return commonNested(left, right)
}

function commonNested(left: DataType, right: DataType): DataType | undefined {
  if (left.kind === 'array' && right.kind === 'array') {
    const element = commonType(left.element, right.element)
    if (element === undefined) return undefined
    return { kind: 'array', element, containsNull: left.containsNull || right.containsNull }
  }
  if (left.kind === 'map' && right.kind === 'map') {
    const key = commonType(left.key, right.key)
    const value = commonType(left.value, right.value)
    if (key === undefined || value === undefined) return undefined
    const valueContainsNull = left.valueContainsNull || right.valueContainsNull
    return { kind: 'map', key, value, valueContainsNull }
  }
  if (left.kind !== 'struct' || right.kind !== 'struct') return undefined
  if (left.fields.length !== right.fields.length) return undefined
  const fields = left.fields.map((field, index) => {
    const other = right.fields[index]
    if (other === undefined || other.name.toLowerCase() !== field.name.toLowerCase()) {
      return undefined
    }
    const type = commonType(field.type, other.type)
    return type && { name: field.name, type, nullable: field.nullable || other.nullable }
  })
  const found = fields.filter((field) => field !== undefined)
  return found.length === fields.length ? { kind: 'struct', fields: found } : undefined
}

/** The common type of a list; `undefined` if there is none, void for an empty list. */
export function commonTypeOf(types: readonly DataType[]): DataType | undefined {
  let common: DataType | undefined = { kind: 'void' }
  for (const type of types) {
    common = common && commonType(common, type)
  }
  return common
}

/** True when an argument of type `from` may stand where `to` is declared, with a cast put in between. */
export function isImplicitlyCastable(from: DataType, to: DataType): boolean {
  if (from.kind === 'void' || sameType(from, to)) return true
  if (from.kind === 'string') return !['array', 'map', 'struct', 'void'].includes(to.kind)
  if (to.kind === 'string') return !['array', 'map', 'struct'].includes(from.kind)
  if (from.kind === 'date') return to.kind === 'timestamp'
  if (from.kind === 'timestamp') return to.kind === 'date'
  if (isNumeric(from) && isNumeric(to)) return widens(from, to)
  if (from.kind === 'array' && to.kind === 'array') {
    return isImplicitlyCastable(from.element, to.element)
  }
  if (from.kind === 'map' && to.kind === 'map') {
    return isImplicitlyCastable(from.key, to.key) && isImplicitlyCastable(from.value, to.value)
  }
  if (from.kind === 'struct' && to.kind === 'struct' && from.fields.length === to.fields.length) {
    return from.fields.every((field, index) => {
      const target = to.fields[index]
      return target !== undefined && isImplicitlyCastable(field.type, target.type)
    })
  }
  return false
}

function widens(from: DataType, to: DataType): boolean {
  if (to.kind === 'double') return true
  if (to.kind === 'float') return from.kind !== 'double'
  const source = decimalOf(from)
  const target = decimalOf(to)
  if (source === undefined || target === undefined) return false
  if (to.kind !== 'decimal') {
    return isIntegral(from) && integralOrder.indexOf(from.kind) <= integralOrder.indexOf(to.kind)
  }
  const integerDigits = target.precision - target.scale
  return integerDigits >= source.precision - source.scale && target.scale >= source.scale
}
