import { compareNullable, equalValues } from '../batch/compare.ts'
import {
  booleanType,
  type DataType,
  intType,
  isIntegral,
  stringType,
  typeText,
} from '../batch/schema.ts'
import type { Value } from '../batch/value.ts'
import { StreamError } from '../core/error.ts'
import { commonType, commonTypeOf } from './coerce.ts'
import {
  type Argument,
  type Mismatch,
  noCommonType,
  type ScalarFunction,
  type Signature,
  strict,
} from './signature.ts'
import { listOf, mapOf, numberOf, textOf } from './value-of.ts'

const unlimited = Number.POSITIVE_INFINITY

/** Arrays, maps and structs. `struct` itself is typed by the resolver, which knows the names. */
export const collectionFunctions: readonly ScalarFunction[] = [
  {
    names: ['struct'],
    strict: false,
    arity: { least: 1, most: unlimited },
    typing: (args) => ({
      args: args.map(({ type }) => type),
      result: {
        kind: 'struct',
        fields: args.map(({ type, nullable }, index) => ({
          name: `col${index + 1}`,
          type,
          nullable,
        })),
      },
      nullable: false,
    }),
    evaluate: (args) => [...args],
  },
  {
    names: ['array'],
    strict: false,
    arity: { least: 0, most: unlimited },
    typing: (args) => {
      const element = commonTypeOf(args.map(({ type }) => type))
      if (element === undefined) return noCommonType(args)
      const containsNull = args.some(({ nullable }) => nullable)
      return {
        args: args.map(() => element),
        result: { kind: 'array', element, containsNull },
        nullable: false,
      }
    },
    evaluate: (args) => [...args],
  },
  {
    names: ['map', 'create_map'],
    strict: false,
    arity: { least: 0, most: unlimited },
    typing: typeOfMap,
    evaluate: (args, { args: [keyType = stringType] }) => ({
      entries: pairs(args).map(([key, value], index, all) => {
        const again = all.findIndex(([other]) => equalValues(keyType, other, key)) !== index
        if (key === null || again) throw badKey(key)
        return [key, value] as const
      }),
    }),
  },
  strict('size cardinality', ['collection'], intType, ([value = null]) =>
    Array.isArray(value) ? value.length : mapOf(value).entries.length,
  ),
  strict('array_size', ['array'], intType, ([value]) => listOf(value).length),
  {
    names: ['array_contains'],
    strict: true,
    arity: { least: 2, most: 2 },
    typing: ([list, item]) => {
      if (list?.type.kind !== 'array') return wrong('ARRAY', list)
      const element = commonType(list.type.element, item?.type ?? list.type.element)
      if (element === undefined) return wrong(typeText(list.type.element).toUpperCase(), item)
      return {
        args: [{ ...list.type, element }, element],
        result: booleanType,
        nullable: list.nullable || list.type.containsNull,
      }
    },
    evaluate: ([list, item = null], { args: [, element = stringType] }) => {
      const items = listOf(list)
      if (items.some((each) => each !== null && equalValues(element, each, item))) return true
      return items.includes(null) ? null : false
    },
  },
  itemOf('element_at', 1, true),
  itemOf('try_element_at', 1, false),
  itemOf('get', 0, false),
  strict('map_keys', ['map'], keysType, ([map]) => mapOf(map).entries.map(([key]) => key)),
  strict('map_values', ['map'], valuesType, ([map]) => mapOf(map).entries.map(([, item]) => item)),
  strict(
    'array_distinct',
    ['array'],
    ([type]) => type ?? stringType,
    ([list], types) => {
      const element = elementOf(types.args[0])
      const seen: Value[] = []
      for (const item of listOf(list)) {
        if (!seen.some((other) => equalValues(element, other, item))) seen.push(item)
      }
      return seen
    },
  ),
  strict(
    'sort_array array_sort',
    ['array', booleanType],
    ([type]) => type ?? stringType,
    ([list, ascending = true], types) => {
      const element = elementOf(types.args[0])
      const sign = ascending === false ? -1 : 1
      return [...listOf(list)].sort((a, b) => sign * compareNullable(element, a, b))
    },
    { optional: 1 },
  ),
  strict(
    'slice',
    ['array', intType, intType],
    ([type]) => type ?? stringType,
    ([list, start, length]) => {
      const items = listOf(list)
      if (start === 0 || numberOf(length) < 0) throw badSlice(numberOf(start), numberOf(length))
      const from = numberOf(start) > 0 ? numberOf(start) - 1 : items.length + numberOf(start)
      return from < 0 ? [] : items.slice(from, from + numberOf(length))
    },
  ),
  strict(
    'array_join',
    [{ kind: 'array', element: stringType, containsNull: true }, stringType, stringType],
    stringType,
    ([list, separator, missing]) =>
      listOf(list)
        .map((item) => item ?? missing ?? null)
        .filter((item) => item !== null)
        .map((item) => textOf(item))
        .join(textOf(separator)),
    { optional: 1 },
  ),
]

function typeOfMap(args: readonly Argument[]): Signature | Mismatch {
  const keys = args.filter((_, index) => index % 2 === 0)
  const values = args.filter((_, index) => index % 2 === 1)
  const key = commonTypeOf(keys.map(({ type }) => type))
  const value = commonTypeOf(values.map(({ type }) => type))
  if (key === undefined || keys.length !== values.length) return noCommonType(args)
  if (value === undefined) return noCommonType(values)
  return {
    args: args.map((_, index) => (index % 2 === 0 ? key : value)),
    result: { kind: 'map', key, value, valueContainsNull: values.some(({ nullable }) => nullable) },
    nullable: false,
  }
}

function pairs(args: readonly Value[]): readonly (readonly [Value, Value])[] {
  return args.flatMap((key, index) =>
    index % 2 === 0 ? [[key, args[index + 1] ?? null] as const] : [],
  )
}

function badKey(key: Value): StreamError<'CAST_INVALID_INPUT'> {
  return new StreamError('CAST_INVALID_INPUT', {
    value: String(key),
    from: key === null ? 'NULL' : 'a key that is there already',
    to: 'MAP KEY',
  })
}

/** Positions count from 1, as in all of SQL. */
function badSlice(start: number, length: number): StreamError<'CAST_INVALID_INPUT'> {
  return new StreamError('CAST_INVALID_INPUT', {
    value: `${start}, ${length}`,
    from: 'start and length of a slice',
    to: 'positions from 1 and lengths from 0',
  })
}

/** An item of an array by position from `first`, or of a map by key. */
function itemOf(name: string, first: 0 | 1, raises: boolean): ScalarFunction {
  return {
    names: [name],
    strict: true,
    arity: { least: 2, most: 2 },
    typing: ([from, at]) => {
      if (from?.type.kind === 'map') {
        const { key, value } = from.type
        return { args: [from.type, key], result: value, nullable: true }
      }
      if (from?.type.kind !== 'array') return wrong('ARRAY or MAP', from)
      if (at === undefined || !isIntegral(at.type)) return wrong('INT', at)
      return { args: [from.type, { kind: 'long' }], result: from.type.element, nullable: true }
    },
    evaluate: ([from = null, at = null], { args: [type] }) => {
      if (type?.kind === 'map') {
        const found = mapOf(from).entries.find(([key]) => equalValues(type.key, key, at))
        return found?.[1] ?? null
      }
      const items = listOf(from)
      const position = Number(at)
      const index = position < 0 && first === 1 ? items.length + position : position - first
      if (index >= 0 && index < items.length) return items[index] ?? null
      if (!raises) return null
      throw new StreamError('CAST_INVALID_INPUT', {
        value: String(at),
        from: `a position in an array of ${items.length}`,
        to: 'an element',
      })
    },
  }
}

function wrong(expected: string, argument: Argument | undefined): Mismatch {
  const actual = argument === undefined ? 'nothing' : typeText(argument.type).toUpperCase()
  return { expected, actual, suggestion: 'array<string>' }
}

function elementOf(type: DataType | undefined): DataType {
  return type?.kind === 'array' ? type.element : stringType
}

function keysType([type]: readonly DataType[]): DataType {
  const element = type?.kind === 'map' ? type.key : stringType
  return { kind: 'array', element, containsNull: false }
}

function valuesType([type]: readonly DataType[]): DataType {
  const element = type?.kind === 'map' ? type.value : stringType
  return { kind: 'array', element, containsNull: true }
}
