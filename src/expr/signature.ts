import {
  type DataType,
  doubleType,
  isIntegral,
  isNumeric,
  stringType,
  typeText,
} from '../batch/schema.ts'
import type { Value } from '../batch/value.ts'
import { commonTypeOf, isImplicitlyCastable } from './coerce.ts'

/** What typing rules see of an argument. `literal` is present when its value is known beforehand. */
export interface Argument {
  readonly type: DataType
  readonly nullable: boolean
  readonly literal?: Value
}

/** The types a call has once its arguments were cast. */
export interface CallTypes {
  readonly args: readonly DataType[]
  readonly result: DataType
}

export interface Signature extends CallTypes {
  readonly nullable: boolean
}

/** Why a call does not type-check; `suggestion` is a type to cast to. */
export interface Mismatch {
  readonly expected: string
  readonly actual: string
  readonly suggestion: string
}

/** What a code generator may do besides returning an expression. */
export interface Emitter {
  /** A name for a value that the generated code closes over; user data never enters the code text. */
  constant(value: unknown): string
  /** A fresh local holding the value of a JavaScript expression. */
  local(code: string): string
  /** Gives this batch to the interpreter if the condition holds: overflow, errors, values beyond 2^53. */
  bailIf(condition: string): void
  /** The value of an argument that is a literal. */
  literal(index: number): Value | undefined
}

/**
 * A row of the catalogue.
 *
 * `strict` functions are NULL as soon as an argument is; the others see NULLs. `lazy` functions
 * evaluate their arguments themselves, left to right, and may leave some out. `emit` writes the
 * same as JavaScript over unboxed arguments (LONG and DECIMAL as safe integers), or declines with
 * `undefined`; it must agree with `evaluate` or bail.
 */
export interface ScalarFunction {
  /** The first is the canonical one; all lower case. */
  readonly names: readonly string[]
  readonly typing: (args: readonly Argument[]) => Signature | Mismatch
  readonly strict: boolean
  readonly evaluate: (args: readonly Value[], types: CallTypes) => Value
  readonly lazy?: (args: readonly (() => Value)[], types: CallTypes) => Value
  readonly emit?: (
    args: readonly string[],
    types: CallTypes,
    emitter: Emitter,
  ) => string | undefined
  /**
   * Whether a call may ask a schema registry. Then it may stand only in steps that wait for the answer, and
   * its value counts only if `runAsking` says so.
   */
  readonly asks?: (args: readonly Argument[]) => boolean
  /** Arguments it takes, for the error of a wrong count. */
  readonly arity: Arity
}

export interface Arity {
  readonly least: number
  readonly most: number
}

/** What an argument has to be: a type it is cast to, or a family. */
export type Want =
  | DataType
  | 'any'
  | 'numeric'
  | 'integral'
  /** Binary stays, everything else becomes text. */
  | 'text'
  | 'array'
  | 'map'
  | 'struct'
  /** An array or a map. */
  | 'collection'

export interface StrictOptions {
  /** How many of the last arguments may be left out. */
  readonly optional?: number
  /** The last `Want` repeats. */
  readonly variadic?: boolean
  /** NULL is possible though no argument is. */
  readonly nullable?: boolean
  readonly emit?: ScalarFunction['emit']
}

type Result = DataType | ((args: readonly DataType[]) => DataType)

/** A function of fixed argument types that is NULL when an argument is. Names are separated by spaces. */
export function strict(
  names: string,
  wants: readonly Want[],
  result: Result,
  evaluate: ScalarFunction['evaluate'],
  options: StrictOptions = {},
): ScalarFunction {
  const { optional = 0, variadic = false, nullable = false, emit } = options
  return {
    names: names.split(' '),
    strict: true,
    evaluate,
    arity: {
      least: wants.length - optional,
      most: variadic ? Number.POSITIVE_INFINITY : wants.length,
    },
    typing: (args) => {
      const types = applyWants(wants, args)
      if ('expected' in types) return types
      return {
        args: types.types,
        result: typeof result === 'function' ? result(types.types) : result,
        nullable: nullable || args.some((argument) => argument.nullable),
      }
    },
    ...(emit === undefined ? {} : { emit }),
  }
}

/** The types that arguments become, or the first that does not fit. */
export function applyWants(
  wants: readonly Want[],
  args: readonly Argument[],
): { readonly types: readonly DataType[] } | Mismatch {
  const types: DataType[] = []
  for (let index = 0; index < args.length; index++) {
    const want = wants[Math.min(index, wants.length - 1)] ?? 'any'
    const given = args[index]?.type ?? { kind: 'void' }
    const type = applyWant(want, given)
    if (type === undefined) return wanted(want, given)
    types.push(type)
  }
  return { types }
}

function applyWant(want: Want, given: DataType): DataType | undefined {
  switch (want) {
    case 'any':
      return given
    case 'numeric':
      if (isNumeric(given)) return given
      return given.kind === 'string' || given.kind === 'void' ? doubleType : undefined
    case 'integral':
      if (isIntegral(given)) return given
      return given.kind === 'string' || given.kind === 'void' ? { kind: 'long' } : undefined
    case 'text':
      if (given.kind === 'binary') return given
      return isImplicitlyCastable(given, stringType) ? stringType : undefined
    case 'collection':
      return given.kind === 'array' || given.kind === 'map' ? given : undefined
    case 'array':
    case 'map':
    case 'struct':
      return given.kind === want ? given : undefined
    default:
      return isImplicitlyCastable(given, want) ? want : undefined
  }
}

function wanted(want: Want, given: DataType): Mismatch {
  const expected = typeof want === 'string' ? want : typeText(want)
  const suggestions: Readonly<Record<string, string>> = {
    numeric: 'double',
    integral: 'bigint',
    text: 'string',
    collection: 'array<string>',
  }
  const families: Readonly<Record<string, string>> = {
    text: 'STRING or BINARY',
    collection: 'ARRAY or MAP',
  }
  return {
    expected: families[expected] ?? expected.toUpperCase(),
    actual: typeText(given).toUpperCase(),
    suggestion: suggestions[expected] ?? expected,
  }
}

/** A typing rule under which all arguments become their common type. */
export function sameTypes(result: (common: DataType) => DataType): ScalarFunction['typing'] {
  return (args) => {
    const common = commonTypeOf(args.map((argument) => argument.type))
    if (common === undefined) return noCommonType(args)
    return {
      args: args.map(() => common),
      result: result(common),
      nullable: args.some((argument) => argument.nullable),
    }
  }
}

export function noCommonType(args: readonly Argument[]): Mismatch {
  const [first] = args
  return {
    expected: 'arguments of one type',
    actual: args.map((argument) => typeText(argument.type).toUpperCase()).join(' and '),
    suggestion: first === undefined ? 'string' : typeText(first.type),
  }
}
