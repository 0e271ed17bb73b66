import { binaryType, intType, stringType } from '../batch/schema.ts'
import type { Value } from '../batch/value.ts'
import { type ProtoDecoder, protoDecoder, protoEncoder } from '../codecs/protobuf/codec.ts'
import { registrationOptions, registryOf, registryOptions } from '../codecs/registry/registry.ts'
import { StreamError } from '../core/error.ts'
import { asksFrom, readOr } from './codec-calls.ts'
import { madeOnce } from './constant-arguments.ts'
import { nullableInside } from './nullable-inside.ts'
import {
  checkOptions,
  constantValues,
  flagOf,
  isStrictMode,
  optionsOf,
  optionTypes,
  wrongArgument,
} from './option-arguments.ts'
import type { Argument, CallTypes, Mismatch, ScalarFunction, Signature } from './signature.ts'
import { bytesOf, textOf } from './value-of.ts'

const unlimited = Number.POSITIVE_INFINITY
const depthOption = 'recursive.fields.max.depth'
const defaultsOption = 'emit.default.values'
const enumsOption = 'enums.as.ints'

/**
 * Messages of Protobuf inside of columns: `from_protobuf(bytes, name, definitions, options)` and
 * `to_protobuf(struct, name, definitions, options)`. Definitions are a descriptor set or the text of a .proto file.
 */
export const protobufFunctions: readonly ScalarFunction[] = [
  {
    names: ['from_protobuf'],
    strict: true,
    arity: { least: 3, most: unlimited },
    typing: readerTyping,
    evaluate: ([bytes, ...constants]) => {
      const { isStrict, decoder, schema } = decoderOf(constants, undefined)
      return readOr({ isStrict, schema }, bytesOf(bytes), decoder.read)
    },
    asks: asksFrom(3),
  },
  {
    names: ['to_protobuf'],
    strict: true,
    arity: { least: 3, most: unlimited },
    typing: writerTyping,
    evaluate: ([value = null, ...constants], { args: [type] }: CallTypes) =>
      encoderOf(constants, type)(value),
    asks: asksFrom(3),
  },
]

interface Reading {
  readonly isStrict: boolean
  readonly decoder: ProtoDecoder
  /** What it is called in messages. */
  readonly schema: string
}

const decoderOf = madeOnce(([name = null, source = null, ...rest]): Reading => {
  const options = optionsOf(rest)
  const names = ['mode', depthOption, defaultsOption, enumsOption, ...registryOptions]
  checkOptions('from_protobuf', options, names)
  const message = textOf(name)
  const depthMax = depthOf(options)
  return {
    isStrict: isStrictMode(options.get('mode') ?? 'FAILFAST'),
    decoder: protoDecoder(sourceOf(source), message, {
      enumsAsNumbers: flagOf(options, enumsOption),
      emitsDefaults: flagOf(options, defaultsOption),
      registry: registryOf(options),
      ...(depthMax === undefined ? {} : { depthMax }),
    }),
    schema: `the Protobuf message ${message}`,
  }
})

const encoderOf = madeOnce(([name = null, source = null, ...rest], type) => {
  const options = optionsOf(rest)
  checkOptions('to_protobuf', options, registrationOptions)
  return protoEncoder(type ?? intType, sourceOf(source), textOf(name), options)
})

function sourceOf(source: Value): Uint8Array | string {
  return source instanceof Uint8Array ? source : textOf(source)
}

/** Spark's bounds; −1 is its word for none. */
function depthOf(options: ReadonlyMap<string, string>): number | undefined {
  const text = options.get(depthOption) ?? '-1'
  if (text === '-1' || text === '0') return undefined
  if (/^([1-9]|10)$/.test(text)) return Number(text)
  throw new StreamError('CONFIG_INVALID', {
    option: depthOption,
    value: text,
    expected: 'a whole number from 1 to 10',
  })
}

/** The type comes from the definitions, which have to be known beforehand. */
function readerTyping(args: readonly Argument[]): Signature | Mismatch {
  const [bytes, name, source, ...options] = args
  if (bytes === undefined || !['binary', 'void'].includes(bytes.type.kind)) {
    return wrongArgument('BINARY', bytes, 'binary')
  }
  const constants = constantsOf(name, source, options)
  if ('expected' in constants) return constants
  const { isStrict, decoder } = decoderOf(constants.values, undefined)
  return {
    args: [binaryType, ...constants.types],
    // Spark's rule: a mode that gives NULL for bad rows makes everything nullable.
    result: isStrict ? decoder.type : nullableInside(decoder.type),
    nullable: !isStrict || bytes.nullable,
  }
}

function writerTyping(args: readonly Argument[]): Signature | Mismatch {
  const [value, name, source, ...options] = args
  if (value?.type.kind !== 'struct') return wrongArgument('STRUCT', value, 'struct<a:int>')
  const constants = constantsOf(name, source, options)
  if ('expected' in constants) return constants
  encoderOf(constants.values, value.type)
  return {
    args: [value.type, ...constants.types],
    result: binaryType,
    nullable: value.nullable,
  }
}

/** The arguments that say what is read or written, and their types. */
function constantsOf(
  name: Argument | undefined,
  source: Argument | undefined,
  options: readonly Argument[],
): { readonly values: readonly Value[]; readonly types: Signature['args'] } | Mismatch {
  if (typeof name?.literal !== 'string') {
    return wrongArgument('the name of a message in a literal', name)
  }
  const definitions = source?.literal
  if (source === undefined || definitions === undefined || definitions === null) {
    return wrongArgument('a descriptor set or a .proto text in a literal', source)
  }
  const isText = typeof definitions === 'string'
  if (!isText && !(definitions instanceof Uint8Array)) {
    return wrongArgument('a descriptor set or a .proto text in a literal', source)
  }
  const rest = optionTypes(options)
  if ('expected' in rest) return rest
  const values = constantValues([name, source, ...options])
  if (values === undefined) return wrongArgument('options as constants', options[0])
  return {
    values,
    types: [stringType, isText ? stringType : binaryType, ...rest.types],
  }
}
