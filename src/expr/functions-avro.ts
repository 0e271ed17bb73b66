import { binaryType, stringType, typeDdl } from '../batch/schema.ts'
import { type AvroDecoder, avroDecoder, avroEncoder } from '../codecs/avro/codec.ts'
import { parseAvroSchema } from '../codecs/avro/parse.ts'
import { avroName } from '../codecs/avro/schema.ts'
import { sqlTypeOfAvro } from '../codecs/avro/sql-type.ts'
import { registrationOptions, registryOf, registryOptions } from '../codecs/registry/registry.ts'
import { asksFrom, readOr } from './codec-calls.ts'
import { madeOnce } from './constant-arguments.ts'
import { nullableInside } from './nullable-inside.ts'
import {
  checkOptions,
  constantValues,
  isStrictMode,
  optionsOf,
  optionTypes,
  wrongArgument,
} from './option-arguments.ts'
import {
  type Argument,
  type CallTypes,
  type Mismatch,
  type ScalarFunction,
  type Signature,
  strict,
} from './signature.ts'
import { bytesOf, textOf } from './value-of.ts'

const unlimited = Number.POSITIVE_INFINITY
const evolvedOption = 'avroSchema'

/** Values of Avro inside of columns: `from_avro(bytes, schema, options)`, `to_avro(value, schema, options)`. */
export const avroFunctions: readonly ScalarFunction[] = [
  {
    names: ['from_avro'],
    strict: true,
    arity: { least: 2, most: unlimited },
    typing: readerTyping,
    evaluate: ([bytes, ...constants]) => {
      const { isStrict, decoder, schema } = decoderOf(constants, undefined)
      return readOr({ isStrict, schema }, bytesOf(bytes), decoder.read)
    },
    asks: asksFrom(2),
  },
  {
    names: ['to_avro'],
    strict: true,
    arity: { least: 1, most: unlimited },
    typing: writerTyping,
    evaluate: ([value = null, ...constants], { args: [type] }: CallTypes) =>
      encoderOf(constants, type)(value),
    asks: asksFrom(2),
  },
  strict('schema_of_avro', [stringType], stringType, ([schema]) =>
    typeDdl(sqlTypeOfAvro(parseAvroSchema(textOf(schema))).type),
  ),
]

interface Reading {
  readonly isStrict: boolean
  readonly decoder: AvroDecoder
  /** What it is called in messages. */
  readonly schema: string
}

const decoderOf = madeOnce(([schema = null, ...rest]): Reading => {
  const options = optionsOf(rest)
  checkOptions('from_avro', options, ['mode', evolvedOption, ...registryOptions])
  const text = textOf(schema)
  const evolved = options.get(evolvedOption.toLowerCase())
  return {
    isStrict: isStrictMode(options.get('mode') ?? 'FAILFAST'),
    decoder: avroDecoder(text, { evolved, registry: registryOf(options) }),
    schema: avroName(parseAvroSchema(evolved ?? text)),
  }
})

const encoderOf = madeOnce(([schema = null, ...rest], type) => {
  const options = optionsOf(rest)
  checkOptions('to_avro', options, registrationOptions)
  const text = schema === null ? '' : textOf(schema)
  return avroEncoder(type ?? stringType, text === '' ? undefined : text, options)
})

/** The type comes from the schema, which has to be known beforehand. */
function readerTyping(args: readonly Argument[]): Signature | Mismatch {
  const [bytes, schema, ...options] = args
  if (bytes === undefined || !['binary', 'void'].includes(bytes.type.kind)) {
    return wrongArgument('BINARY', bytes, 'binary')
  }
  if (typeof schema?.literal !== 'string') return noSchema(schema)
  const rest = optionTypes(options)
  if ('expected' in rest) return rest
  const constants = constantValues([schema, ...options])
  if (constants === undefined) return wrongArgument('options as constants', options[0])
  const { isStrict, decoder } = decoderOf(constants, undefined)
  const { type, nullable } = decoder.type
  return {
    args: [binaryType, stringType, ...rest.types],
    // Spark's rule: a mode that gives NULL for bad rows makes everything nullable.
    result: isStrict ? type : nullableInside(type),
    nullable: !isStrict || nullable || bytes.nullable,
  }
}

function writerTyping(args: readonly Argument[]): Signature | Mismatch {
  const [value, ...constants] = args
  if (value === undefined) return wrongArgument('a value', value)
  const [schema, ...options] = constants
  if (schema !== undefined && typeof schema.literal !== 'string') return noSchema(schema)
  const rest = optionTypes(options)
  if ('expected' in rest) return rest
  const values = constantValues(constants)
  if (values === undefined) return wrongArgument('options as constants', options[0])
  encoderOf(values, value.type)
  return {
    args: [value.type, ...(schema === undefined ? [] : [stringType]), ...rest.types],
    result: binaryType,
    nullable: value.nullable,
  }
}

function noSchema(schema: Argument | undefined): Mismatch {
  return wrongArgument('a schema of Avro as JSON in a literal', schema)
}
