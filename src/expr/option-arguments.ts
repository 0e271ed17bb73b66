import { type DataType, stringType, typeText } from '../batch/schema.ts'
import type { Value } from '../batch/value.ts'
import { closest } from '../core/closest.ts'
import { StreamError } from '../core/error.ts'
import { isImplicitlyCastable } from './coerce.ts'
import type { Argument, Mismatch } from './signature.ts'
import { mapOf, textOf } from './value-of.ts'

const optionMap: DataType = {
  kind: 'map',
  key: stringType,
  value: stringType,
  valueContainsNull: true,
}

/** The types of the arguments that are options: one map, or texts in pairs. */
export function optionTypes(
  options: readonly Argument[],
): { readonly types: readonly DataType[] } | Mismatch {
  const [first] = options
  if (first?.type.kind === 'map' && options.length === 1) {
    return isImplicitlyCastable(first.type, optionMap)
      ? { types: [optionMap] }
      : wrongArgument('options as MAP<STRING,STRING>', first, 'map<string,string>')
  }
  const fits = options.every(({ type }) => isImplicitlyCastable(type, stringType))
  return fits && options.length % 2 === 0
    ? { types: options.map(() => stringType) }
    : wrongArgument('options as MAP<STRING,STRING>', first, 'map<string,string>')
}

export function wrongArgument(
  expected: string,
  actual: Argument | undefined,
  suggestion = 'string',
): Mismatch {
  const type = actual === undefined ? 'nothing' : typeText(actual.type).toUpperCase()
  return { expected, actual: type, suggestion }
}

/** Options of the last arguments of a call, by lower-case name; those that are NULL are not there. */
export function optionsOf(args: readonly Value[]): ReadonlyMap<string, string> {
  const [first = null] = args
  if (args.length === 0 || first === null) return new Map()
  const flat = typeof first === 'string' ? args : mapOf(first).entries.flat()
  const pairs = flat.flatMap((name, index) => {
    const value = flat[index + 1] ?? null
    return index % 2 === 0 && value !== null
      ? [[textOf(name).toLowerCase(), textOf(value)] as const]
      : []
  })
  return new Map(pairs)
}

/** The values of arguments that have to be known before any row is; `undefined` if one is not. */
export function constantValues(args: readonly Argument[]): readonly Value[] | undefined {
  const values = args.flatMap(({ literal }) => (literal === undefined ? [] : [literal]))
  return values.length === args.length ? values : undefined
}

/**
 * @throws StreamError `OPTION_UNKNOWN` for an option that is none of the names
 */
export function checkOptions(
  called: string,
  options: ReadonlyMap<string, string>,
  names: readonly string[],
): void {
  const known = new Set(names.map((name) => name.toLowerCase()))
  for (const option of options.keys()) {
    if (known.has(option)) continue
    throw new StreamError('OPTION_UNKNOWN', {
      format: called,
      option,
      closest: closest(option, names),
    })
  }
}

/**
 * Whether a row that cannot be read ends the query (FAILFAST) or becomes NULL (PERMISSIVE).
 * @throws StreamError `CONFIG_INVALID` for any other mode
 */
export function isStrictMode(mode: string): boolean {
  const known = mode.toUpperCase()
  if (known === 'PERMISSIVE' || known === 'FAILFAST') return known === 'FAILFAST'
  throw new StreamError('CONFIG_INVALID', {
    option: 'mode',
    value: mode,
    expected: 'PERMISSIVE or FAILFAST',
  })
}

/** @throws StreamError `CONFIG_INVALID` for what is neither true nor false */
export function flagOf(options: ReadonlyMap<string, string>, option: string): boolean {
  const value = options.get(option)?.toLowerCase() ?? 'false'
  if (value === 'true' || value === 'false') return value === 'true'
  throw new StreamError('CONFIG_INVALID', { option, value, expected: 'true or false' })
}
