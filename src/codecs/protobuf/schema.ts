/** A file of Protobuf definitions with its names resolved. */
export interface ProtoFile {
  /** The path that others import it by. */
  readonly path: string
  /** Those at the top, in the order in which they stand. */
  readonly messages: readonly ProtoMessage[]
  readonly imports: readonly string[]
  /** The same as bytes, if it came as such. */
  readonly descriptor?: Uint8Array
}

/** A message. Messages may contain themselves, so nothing walks them without care. */
export interface ProtoMessage {
  /** With its package. */
  readonly name: string
  readonly fields: readonly ProtoField[]
  /** Those inside of it, in the order in which they stand, without the entries of maps. */
  readonly messages: readonly ProtoMessage[]
}

export interface ProtoField {
  readonly name: string
  readonly number: number
  readonly type: ProtoType
  readonly label: 'singular' | 'required' | 'repeated'
  /** Whether the bytes tell a field that is not set from one that has its default. */
  readonly hasPresence: boolean
  /** Of a list of numbers: it is written as one part, without a tag for each. */
  readonly isPacked: boolean
  /** The other fields of a oneof are unset by this one; its name. */
  readonly oneof?: string
  /** As text, of the older syntax only. */
  readonly defaultText?: string
}

export type ProtoType =
  | { readonly kind: ProtoScalar }
  | { readonly kind: 'enum'; readonly enumeration: ProtoEnum }
  /** `isGroup`: between two tags instead of behind a length. */
  | { readonly kind: 'message'; readonly message: ProtoMessage; readonly isGroup: boolean }
  | { readonly kind: 'map'; readonly key: ProtoType; readonly value: ProtoType }

export type ProtoScalar =
  | 'double'
  | 'float'
  | 'int32'
  | 'int64'
  | 'uint32'
  | 'uint64'
  | 'sint32'
  | 'sint64'
  | 'fixed32'
  | 'fixed64'
  | 'sfixed32'
  | 'sfixed64'
  | 'bool'
  | 'string'
  | 'bytes'

export interface ProtoEnum {
  readonly name: string
  /** Several names may have one number; the first counts. */
  readonly values: readonly { readonly name: string; readonly number: number }[]
  /** Numbers without a name are left out rather than given out. */
  readonly isClosed: boolean
}

export const timestampName = 'google.protobuf.Timestamp'

/** True for types whose lists may be written as one part. */
export function isPackable({ kind }: ProtoType): boolean {
  return !['string', 'bytes', 'message', 'map'].includes(kind)
}

/** Every message of a file, those inside of others too. */
export function allMessages(messages: readonly ProtoMessage[]): readonly ProtoMessage[] {
  return messages.flatMap((message) => [message, ...allMessages(message.messages)])
}
