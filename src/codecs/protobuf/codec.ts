import type { DataType } from '../../batch/schema.ts'
import type { Value } from '../../batch/value.ts'
import { StreamError } from '../../core/error.ts'
import { Malformed } from '../malformed.ts'
import { frameBytes, framed, framedId } from '../registry/frame.ts'
import { madeById } from '../registry/made-by-id.ts'
import { idOf } from '../registry/questions.ts'
import {
  type CodecOptions,
  type RegisteredSchema,
  type Registry,
  registrationOf,
} from '../registry/registry.ts'
import { messageReader } from './decode.ts'
import { findMessage, type ProtoSource } from './definitions.ts'
import { messageWriter } from './encode.ts'
import type { ProtoReading } from './finish.ts'
import {
  indexesOf,
  type MessageIndexes,
  messageAt,
  messageIndexBytes,
  readMessageIndexes,
} from './message-indexes.ts'
import { parseProtoText } from './proto-text.ts'
import type { ProtoFile, ProtoMessage } from './schema.ts'
import { type ProtoColumns, sqlTypeOfStruct, structShapeOf } from './sql-type.ts'

/** Reads messages, each from bytes of its own. */
export interface ProtoDecoder {
  readonly type: DataType
  /** NULL where a registry has to be asked first. @throws Malformed, StreamError */
  read(bytes: Uint8Array): Value
}

export interface ProtoDecoding extends ProtoColumns, ProtoReading {
  readonly registry?: Registry | undefined
}

/**
 * A decoder for the messages of a name. Fields go by their numbers, so that it needs no schema of the writer;
 * with a registry that says which message of its file a value is.
 * @throws StreamError `SCHEMA_TEXT_INVALID`, `PACKAGE_MISSING`
 */
export function protoDecoder(
  source: ProtoSource,
  name: string,
  decoding: ProtoDecoding,
): ProtoDecoder {
  const { message } = findMessage(source, name)
  const shape = structShapeOf(message, decoding)
  const read = messageReader(shape, decoding)
  const type = sqlTypeOfStruct(shape)
  const { registry } = decoding
  if (registry === undefined) return { type, read: (bytes) => read(bytes, 0) }
  return { type, read: registeredReader(message, registry, read) }
}

function registeredReader(
  message: ProtoMessage,
  registry: Registry,
  read: (bytes: Uint8Array, at: number) => Value,
): ProtoDecoder['read'] {
  const fileFor = madeById(registry, (schema, id) => writersFile(schema, id, message))
  return (bytes) => {
    const file = fileFor(framedId(bytes))
    if (file === undefined) return null
    const { indexes, at } = readMessageIndexes(bytes, frameBytes)
    checkMessage(file.messages, indexes, message)
    return read(bytes, at)
  }
}

function writersFile(
  { kind, text, references }: RegisteredSchema,
  id: number,
  message: ProtoMessage,
): Pick<ProtoFile, 'messages'> {
  if (kind === 'PROTOBUF') return parseProtoText(text, references).at(-1) ?? { messages: [] }
  throw new StreamError('SCHEMAS_INCOMPATIBLE', {
    writer: `The schema with the id ${id}`,
    reader: `the Protobuf message ${message.name}`,
    why: `it is of the type ${kind}`,
  })
}

function checkMessage(
  messages: readonly ProtoMessage[],
  indexes: MessageIndexes,
  wanted: ProtoMessage,
): void {
  const found = messageAt(messages, indexes)
  if (found === undefined || found.name === wanted.name) return
  throw new Malformed(`it is a message ${found.name}, not ${wanted.name}`)
}

/**
 * Writes structs of a type as messages of a name; NULL where a registry has to be asked first.
 * @throws StreamError `SCHEMA_TEXT_INVALID`, `SCHEMAS_INCOMPATIBLE`, `CONFIG_INVALID`, `PACKAGE_MISSING`
 */
export function protoEncoder(
  type: DataType,
  source: ProtoSource,
  name: string,
  options: CodecOptions,
): (value: Value) => Value {
  const { message, file } = findMessage(source, name)
  const write = messageWriter(type, message)
  const text = typeof source === 'string' ? source : descriptorText(file)
  const registration = registrationOf(options, { kind: 'PROTOBUF', text })
  if (registration === undefined) return write
  if (typeof source !== 'string') checkImports(file)
  const indexes = messageIndexBytes(indexesOf(file.messages, message.name) ?? [0])
  let id: number | undefined
  return (value) => {
    id ??= idOf(registration)
    return id === undefined ? null : framed(id, indexes, write(value))
  }
}

/** Registries take the descriptor of a file in place of its text. */
function descriptorText({ descriptor = new Uint8Array() }: ProtoFile): string {
  return Buffer.from(descriptor).toString('base64')
}

/** What is registered by itself may import only what every registry has. */
function checkImports({ path, imports }: ProtoFile): void {
  const other = imports.find((each) => !each.startsWith('google/protobuf/'))
  if (other === undefined) return
  throw new StreamError('SCHEMA_TEXT_INVALID', {
    kind: 'Protobuf',
    name: path,
    why: `it imports ${other}, and only files without imports are registered`,
  })
}
