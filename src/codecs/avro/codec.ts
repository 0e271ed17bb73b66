import type { DataType } from '../../batch/schema.ts'
import type { Value } from '../../batch/value.ts'
import { StreamError } from '../../core/error.ts'
import { ByteInput } from '../byte-input.ts'
import { frameBytes, framed, framedId } from '../registry/frame.ts'
import { madeById } from '../registry/made-by-id.ts'
import { idOf } from '../registry/questions.ts'
import {
  type CodecOptions,
  type RegisteredSchema,
  type Registry,
  registrationOf,
} from '../registry/registry.ts'
import { avroReader } from './decode.ts'
import { avroSchemaOf } from './derived-schema.ts'
import { avroWriter } from './encode.ts'
import { parseAvroSchema } from './parse.ts'
import { type AvroSchema, avroName } from './schema.ts'
import { type SqlType, sqlTypeOfAvro } from './sql-type.ts'

/** Reads values of Avro, each from bytes of its own. */
export interface AvroDecoder {
  readonly type: SqlType
  /** NULL where a registry has to be asked first. @throws Malformed, StreamError */
  read(bytes: Uint8Array): Value
}

/**
 * A decoder for values that begin with what `text` describes; `evolved` is the schema they are read as, if it
 * is another one. With a registry each value names the schema that it was written with.
 * @throws StreamError `SCHEMA_TEXT_INVALID`, `SCHEMAS_INCOMPATIBLE`
 */
export function avroDecoder(
  text: string,
  {
    evolved,
    registry,
  }: { readonly evolved?: string | undefined; readonly registry?: Registry | undefined },
): AvroDecoder {
  const reader = parseAvroSchema(evolved ?? text)
  const type = sqlTypeOfAvro(reader)
  const input = new ByteInput()
  if (registry !== undefined) return { type, read: registeredReader(reader, registry, input) }
  const read = avroReader(evolved === undefined ? reader : parseAvroSchema(text), reader)
  return { type, read: (bytes) => read(input.begin(bytes)) }
}

function registeredReader(
  reader: AvroSchema,
  registry: Registry,
  input: ByteInput,
): AvroDecoder['read'] {
  const readerFor = madeById(registry, (schema, id) =>
    avroReader(writerOf(schema, id, reader), reader),
  )
  return (bytes) => {
    const read = readerFor(framedId(bytes))
    return read === undefined ? null : read(input.begin(bytes, frameBytes))
  }
}

function writerOf(
  { kind, text, references }: RegisteredSchema,
  id: number,
  reader: AvroSchema,
): AvroSchema {
  if (kind === 'AVRO') return parseAvroSchema(text, references)
  throw new StreamError('SCHEMAS_INCOMPATIBLE', {
    writer: `The schema with the id ${id}`,
    reader: avroName(reader),
    why: `it is of the type ${kind}`,
  })
}

/**
 * Writes values of a type with a schema, by default the one made of the type; NULL where a registry has to be
 * asked first.
 * @throws StreamError `SCHEMA_TEXT_INVALID`, `SCHEMAS_INCOMPATIBLE`, `CONFIG_INVALID`
 */
export function avroEncoder(
  type: DataType,
  text: string | undefined,
  options: CodecOptions,
): (value: Value) => Value {
  const written = text ?? avroSchemaOf(type, false)
  const write = avroWriter(type, parseAvroSchema(written))
  const registration = registrationOf(options, { kind: 'AVRO', text: written })
  if (registration === undefined) return write
  let id: number | undefined
  return (value) => {
    id ??= idOf(registration)
    return id === undefined ? null : framed(id, write(value))
  }
}
