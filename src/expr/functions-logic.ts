import { compareText, compareValues, equalValues } from '../batch/compare.ts'
import { booleanType, type DataType, doubleType, isComparable, typeText } from '../batch/schema.ts'
import type { Value } from '../batch/value.ts'
import {
  type Argument,
  type Emitter,
  type Mismatch,
  type ScalarFunction,
  type Signature,
  sameTypes,
  strict,
} from './signature.ts'
import { booleanOf, numberOf } from './value-of.ts'

export type Comparison = '=' | '!=' | '<' | '<=' | '>' | '>='

const two = { least: 2, most: 2 }
const variadic = (least: number) => ({ least, most: Number.POSITIVE_INFINITY })

/** Comparisons, three-valued logic, tests for NULL and choices between values. */
export const logicFunctions: readonly ScalarFunction[] = [
  comparison(['=', '==', 'eq'], '='),
  comparison(['!=', '<>', 'neq'], '!='),
  comparison(['<', 'lt'], '<'),
  comparison(['<=', 'le', 'leq'], '<='),
  comparison(['>', 'gt'], '>'),
  comparison(['>=', 'ge', 'geq'], '>='),
  {
    names: ['<=>', 'equal_null', 'eqnullsafe'],
    strict: false,
    arity: two,
    typing: (args) => notNull(comparable(args)),
    evaluate: ([left = null, right = null], types) =>
      equalValues(types.args[0] ?? types.result, left, right),
  },
  {
    names: ['and'],
    strict: false,
    arity: variadic(2),
    typing: booleans,
    evaluate: (args) => fold(args, false),
    lazy: (args) => lazyFold(args, false),
  },
  {
    names: ['or'],
    strict: false,
    arity: variadic(2),
    typing: booleans,
    evaluate: (args) => fold(args, true),
    lazy: (args) => lazyFold(args, true),
  },
  strict('not !', [booleanType], booleanType, ([value]) => !booleanOf(value), {
    emit: ([value]) => `!${value}`,
  }),
  nullTest(['isnull', 'is_null'], (value) => value === null),
  nullTest(['isnotnull', 'is_not_null'], (value) => value !== null),
  {
    names: ['coalesce', 'ifnull', 'nvl'],
    strict: false,
    arity: variadic(1),
    typing: (args) => {
      const signature = sameTypes((common) => common)(args)
      if ('expected' in signature) return signature
      return { ...signature, nullable: args.every((argument) => argument.nullable) }
    },
    evaluate: (args) => args.find((value) => value !== null) ?? null,
    lazy(args) {
      for (const evaluate of args) {
        const value = evaluate()
        if (value !== null) return value
      }
      return null
    },
  },
  {
    names: ['in'],
    strict: false,
    arity: variadic(1),
    typing: comparable,
    evaluate: evaluateIn,
  },
  extreme('greatest', 1),
  extreme('least', -1),
  {
    names: ['isnan'],
    strict: false,
    arity: { least: 1, most: 1 },
    typing: () => ({ args: [doubleType], result: booleanType, nullable: false }),
    evaluate: ([value = null]) => value !== null && Number.isNaN(numberOf(value)),
  },
  {
    names: ['nanvl'],
    strict: false,
    arity: two,
    typing: (args) => ({
      args: [doubleType, doubleType],
      result: doubleType,
      nullable: args.some((argument) => argument.nullable),
    }),
    evaluate: ([value = null, other = null]) =>
      value !== null && Number.isNaN(numberOf(value)) ? other : value,
  },
]

function comparison(names: readonly string[], operator: Comparison): ScalarFunction {
  return {
    names,
    strict: true,
    arity: two,
    typing: comparable,
    evaluate: ([left = null, right = null], types) =>
      holds(operator, compareValues(types.args[0] ?? types.result, left, right)),
    emit: ([left = '', right = ''], types, emitter) =>
      emitComparison(operator, left, right, types.args[0] ?? types.result, emitter),
  }
}

/** What a comparison says of the order of its sides. */
export function holds(operator: Comparison, order: number): boolean {
  switch (operator) {
    case '=':
      return order === 0
    case '!=':
      return order !== 0
    case '<':
      return order < 0
    case '<=':
      return order <= 0
    case '>':
      return order > 0
    default:
      return order >= 0
  }
}

function comparable(args: readonly Argument[]): Signature | Mismatch {
  const signature = sameTypes(() => booleanType)(args)
  if ('expected' in signature) return signature
  const [type] = signature.args
  return type !== undefined && !isComparable(type)
    ? { expected: 'comparable values', actual: typeText(type).toUpperCase(), suggestion: 'string' }
    : signature
}

function notNull(signature: Signature | Mismatch): Signature | Mismatch {
  return 'expected' in signature ? signature : { ...signature, nullable: false }
}

function booleans(args: readonly Argument[]): Signature | Mismatch {
  const wrong = args.find(({ type }) => !['boolean', 'void', 'string'].includes(type.kind))
  if (wrong !== undefined) {
    const actual = typeText(wrong.type).toUpperCase()
    return { expected: 'BOOLEAN', actual, suggestion: 'boolean' }
  }
  return {
    args: args.map(() => booleanType),
    result: booleanType,
    nullable: args.some((argument) => argument.nullable),
  }
}

function fold(args: readonly Value[], decisive: boolean): Value {
  return lazyFold(
    args.map((value) => () => value),
    decisive,
  )
}

/** Kleene's logic: the decisive value wins even over NULL, and ends the evaluation. */
function lazyFold(args: readonly (() => Value)[], decisive: boolean): Value {
  let result: Value = !decisive
  for (const evaluate of args) {
    const value = evaluate()
    if (value === decisive) return decisive
    if (value === null) result = null
  }
  return result
}

function nullTest(names: readonly string[], test: (value: Value) => boolean): ScalarFunction {
  return {
    names,
    strict: false,
    arity: { least: 1, most: 1 },
    typing: (args) => ({
      args: args.map((argument) => argument.type),
      result: booleanType,
      nullable: false,
    }),
    evaluate: ([value = null]) => test(value),
  }
}

function evaluateIn(
  [value = null, ...list]: readonly Value[],
  types: { args: readonly DataType[] },
): Value {
  if (value === null) return null
  const type = types.args[0] ?? booleanType
  let result: Value = false
  for (const item of list) {
    if (item === null) result = null
    else if (compareValues(type, value, item) === 0) return true
  }
  return result
}

/** `greatest` and `least` skip NULLs. */
function extreme(name: string, sign: number): ScalarFunction {
  return {
    names: [name],
    strict: false,
    arity: variadic(2),
    typing: (args) => {
      const signature = sameTypes((common) => common)(args)
      if ('expected' in signature) return signature
      return { ...signature, nullable: args.every((argument) => argument.nullable) }
    },
    evaluate(args, types) {
      let best: Value = null
      for (const value of args) {
        if (value === null) continue
        if (best === null || compareValues(types.result, value, best) * sign > 0) best = value
      }
      return best
    },
  }
}

const scripts: Readonly<Record<Comparison, string>> = {
  '=': '===',
  '!=': '!==',
  '<': '<',
  '<=': '<=',
  '>': '>',
  '>=': '>=',
}

/** A comparison as JavaScript; `undefined` for types without a cheap one. */
export function emitComparison(
  operator: Comparison,
  left: string,
  right: string,
  type: DataType,
  emitter: Emitter,
): string | undefined {
  const plain = `(${left} ${scripts[operator]} ${right})`
  switch (type.kind) {
    case 'boolean':
    case 'byte':
    case 'short':
    case 'int':
    case 'long':
    case 'decimal':
    case 'date':
    case 'timestamp':
      return plain
    case 'string':
      if (operator === '=' || operator === '!=') return plain
      return `(${emitter.constant(compareText)}(${left}, ${right}) ${scripts[operator]} 0)`
    case 'float':
    case 'double':
      return emitDouble(operator, left, right, isNumber(emitter, 0), isNumber(emitter, 1))
    default:
      return undefined
  }
}

function isNumber(emitter: Emitter, index: number): boolean {
  const literal = emitter.literal(index)
  return typeof literal === 'number' && !Number.isNaN(literal)
}

/** NaN equals NaN and is above everything; a literal side that is no NaN saves the tests. */
function emitDouble(
  operator: Comparison,
  left: string,
  right: string,
  leftSure: boolean,
  rightSure: boolean,
): string {
  const bothNaN = `(${left} !== ${left} && ${right} !== ${right})`
  switch (operator) {
    case '=':
      return leftSure || rightSure
        ? `(${left} === ${right})`
        : `(${left} === ${right} || ${bothNaN})`
    case '!=':
      return leftSure || rightSure
        ? `(${left} !== ${right})`
        : `(${left} !== ${right} && !${bothNaN})`
    case '<':
      // `!(b <= a)` is a < b, or a NaN on some side; the right side must be it, and the left not.
      return rightSure ? `(${left} < ${right})` : `(!(${right} <= ${left}) && ${left} === ${left})`
    case '>=':
      return rightSure ? `!(${left} < ${right})` : `(${right} <= ${left} || ${left} !== ${left})`
    case '>':
      return leftSure ? `(${right} < ${left})` : `(!(${left} <= ${right}) && ${right} === ${right})`
    default:
      return leftSure ? `!(${right} < ${left})` : `(${left} <= ${right} || ${right} !== ${right})`
  }
}
