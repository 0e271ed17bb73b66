import { closest } from '../../core/closest.ts'
import { StreamError } from '../../core/error.ts'
import { readDescriptorSet } from './descriptor.ts'
import { parseProtoText } from './proto-text.ts'
import { allMessages, type ProtoFile, type ProtoMessage } from './schema.ts'

/** The bytes of a descriptor set, or the text of a .proto file. */
export type ProtoSource = Uint8Array | string

/** A message and the file it is in. */
export interface FoundMessage {
  readonly message: ProtoMessage
  readonly file: ProtoFile
}

/**
 * The message of a name, with or without its package.
 * @throws StreamError `SCHEMA_TEXT_INVALID`, `PACKAGE_MISSING`
 */
export function findMessage(source: ProtoSource, name: string): FoundMessage {
  const files = typeof source === 'string' ? parseProtoText(source) : readDescriptorSet(source)
  const all = files.flatMap((file) =>
    allMessages(file.messages).map((message) => ({ message, file })),
  )
  const exact = all.filter(({ message }) => message.name === name)
  const bare = all.filter(({ message }) => message.name.endsWith(`.${name}`))
  const found = exact.length > 0 ? exact : bare
  const [first] = found
  const names = all.map(({ message }) => message.name)
  if (first === undefined) {
    const why = `there is no message of that name; the nearest is ${closest(name, names)}`
    throw new StreamError('SCHEMA_TEXT_INVALID', { kind: 'Protobuf', name, why })
  }
  if (found.length > 1) {
    const why = `it may be ${found.map(({ message }) => message.name).join(' or ')}`
    throw new StreamError('SCHEMA_TEXT_INVALID', { kind: 'Protobuf', name, why })
  }
  return first
}
