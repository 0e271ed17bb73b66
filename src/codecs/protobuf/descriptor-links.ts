import type { RawMessage } from './raw-message.ts'
import {
  isPackable,
  type ProtoEnum,
  type ProtoField,
  type ProtoFile,
  type ProtoMessage,
  type ProtoScalar,
  type ProtoType,
} from './schema.ts'

// The numbers of the fields are those of google/protobuf/descriptor.proto.
const file = {
  path: 1,
  package: 2,
  imports: 3,
  messages: 4,
  enums: 5,
  options: 8,
  syntax: 12,
  edition: 14,
}
const message = { name: 1, fields: 2, messages: 3, enums: 4, options: 7 }
const field = {
  name: 1,
  number: 3,
  label: 4,
  type: 5,
  typeName: 6,
  defaultText: 7,
  options: 8,
  oneofIndex: 9,
  isOptional: 17,
}
const enumeration = { name: 1, values: 2, options: 3 }
const enumValue = { name: 1, number: 2 }
const messageOptions = { isMapEntry: 7, features: 12 }
const fieldOptions = { isPacked: 2, features: 21 }
const fileOptions = { features: 50 }
const enumOptions = { features: 7 }
const featureSet = { presence: 1, enums: 2, repeated: 3, messages: 5 }

const scalars: Readonly<Record<number, ProtoScalar>> = {
  1: 'double',
  2: 'float',
  3: 'int64',
  4: 'uint64',
  5: 'int32',
  6: 'fixed64',
  7: 'fixed32',
  8: 'bool',
  9: 'string',
  12: 'bytes',
  13: 'uint32',
  15: 'sfixed32',
  16: 'sfixed64',
  17: 'sint32',
  18: 'sint64',
}
const groupType = 10
const messageType = 11
const enumType = 14
const requiredLabel = 2
const repeatedLabel = 3

/** What of the rules of a file holds for its fields; the outer ones unless something inside says otherwise. */
interface Features {
  readonly presence: 'explicit' | 'implicit' | 'required'
  readonly isClosed: boolean
  readonly isPacked: boolean
  readonly isDelimited: boolean
}

/** The features of files before editions. */
const olderFeatures: Readonly<Record<'proto2' | 'proto3', Features>> = {
  proto2: { presence: 'explicit', isClosed: true, isPacked: false, isDelimited: false },
  proto3: { presence: 'implicit', isClosed: false, isPacked: true, isDelimited: false },
}
const editionFeatures: Features = {
  presence: 'explicit',
  isClosed: false,
  isPacked: true,
  isDelimited: false,
}

/** A message that others may name before its fields are known. */
interface OpenMessage extends ProtoMessage {
  readonly fields: ProtoField[]
  readonly messages: ProtoMessage[]
}

/** Makes definitions of raw descriptors: first all names, then the fields, which name them. */
export class DescriptorLinks {
  readonly #files: readonly RawMessage[]
  readonly #messages = new Map<string, OpenMessage>()
  readonly #enums = new Map<string, ProtoEnum>()
  readonly #mapEntries = new Map<string, ProtoType>()
  readonly #later: (() => void)[] = []

  constructor(files: readonly RawMessage[]) {
    this.#files = files
  }

  files(): readonly ProtoFile[] {
    const files = this.#files.map((raw): ProtoFile => {
      const features = featuresOfFile(raw)
      const scope = raw.text(file.package) ?? ''
      this.#addEnums(raw.messages(file.enums), scope, features)
      const messages = this.#open(raw.messages(file.messages), scope, features)
      const path = raw.text(file.path) ?? ''
      return { path, messages, imports: raw.texts(file.imports), descriptor: raw.bytes }
    })
    // From the inside out, so that the entries of maps are there before the fields that are maps.
    for (const link of this.#later.reverse()) link()
    return files
  }

  /** The messages without the entries of maps. */
  #open(raws: readonly RawMessage[], scope: string, outer: Features): ProtoMessage[] {
    return raws.flatMap((raw) => {
      const name = joined(scope, raw.text(message.name) ?? '')
      const features = featuresIn(
        raw.message(message.options)?.message(messageOptions.features),
        outer,
      )
      const opened: OpenMessage = { name, fields: [], messages: [] }
      const isMapEntry = raw.message(message.options)?.number(messageOptions.isMapEntry) === 1
      if (!isMapEntry) this.#messages.set(name, opened)
      this.#later.push(() => this.#link(raw, opened, features, isMapEntry))
      this.#addEnums(raw.messages(message.enums), name, features)
      opened.messages.push(...this.#open(raw.messages(message.messages), name, features))
      return isMapEntry ? [] : [opened]
    })
  }

  #addEnums(raws: readonly RawMessage[], scope: string, outer: Features): void {
    for (const raw of raws) {
      const name = joined(scope, raw.text(enumeration.name) ?? '')
      const options = raw.message(enumeration.options)
      const { isClosed } = featuresIn(options?.message(enumOptions.features), outer)
      const values = raw.messages(enumeration.values).map((value) => ({
        name: value.text(enumValue.name) ?? '',
        number: value.number(enumValue.number) ?? 0,
      }))
      this.#enums.set(name, { name, values, isClosed })
    }
  }

  #link(raw: RawMessage, opened: OpenMessage, features: Features, isMapEntry: boolean): void {
    for (const each of raw.messages(message.fields)) {
      opened.fields.push(this.#field(each, opened.name, features))
    }
    const [key, value] = opened.fields
    if (!isMapEntry || key === undefined || value === undefined) return
    this.#mapEntries.set(opened.name, { kind: 'map', key: key.type, value: value.type })
  }

  #field(raw: RawMessage, owner: string, outer: Features): ProtoField {
    const options = raw.message(field.options)
    const own = featuresIn(options?.message(fieldOptions.features), outer)
    const packed = options?.number(fieldOptions.isPacked)
    const label = raw.number(field.label)
    const oneofIndex = raw.number(field.oneofIndex)
    const defaultText = raw.text(field.defaultText)
    const type = this.#type(raw, own.isDelimited)
    const isOptional = raw.number(field.isOptional) === 1
    const isRepeated = label === repeatedLabel
    const isRequired = label === requiredLabel || own.presence === 'required'
    const isPresent =
      own.presence !== 'implicit' || oneofIndex !== undefined || type.kind === 'message'
    return {
      name: raw.text(field.name) ?? '',
      number: raw.number(field.number) ?? 0,
      type,
      label: isRepeated ? 'repeated' : isRequired ? 'required' : 'singular',
      hasPresence: !isRepeated && isPresent,
      isPacked:
        isRepeated && isPackable(type) && (packed === undefined ? own.isPacked : packed === 1),
      // An optional field has a oneof of its own, which stands for nothing.
      ...(oneofIndex === undefined || isOptional ? {} : { oneof: `${owner} ${oneofIndex}` }),
      ...(defaultText === undefined ? {} : { defaultText }),
    }
  }

  #type(raw: RawMessage, isDelimited: boolean): ProtoType {
    const type = raw.number(field.type) ?? 0
    const scalar = scalars[type]
    if (scalar !== undefined) return { kind: scalar }
    // Compilers write full names, with a dot in front.
    const name = (raw.text(field.typeName) ?? '').replace(/^\./, '')
    const found = this.#enums.get(name)
    if (type === enumType && found !== undefined) return { kind: 'enum', enumeration: found }
    const map = this.#mapEntries.get(name)
    if (map !== undefined) return map
    const inner = this.#messages.get(name)
    if (inner === undefined || (type !== messageType && type !== groupType)) {
      throw new Error(`there is no type ${name}; write the set with --include_imports`)
    }
    return { kind: 'message', message: inner, isGroup: type === groupType || isDelimited }
  }
}

function joined(scope: string, name: string): string {
  return scope === '' ? name : `${scope}.${name}`
}

function featuresOfFile(raw: RawMessage): Features {
  const syntax = raw.text(file.syntax) ?? 'proto2'
  if (syntax === 'proto2' || syntax === 'proto3') return olderFeatures[syntax]
  return featuresIn(raw.message(file.options)?.message(fileOptions.features), editionFeatures)
}

function featuresIn(raw: RawMessage | undefined, outer: Features): Features {
  if (raw === undefined) return outer
  const presence = raw.number(featureSet.presence)
  const enums = raw.number(featureSet.enums)
  const repeated = raw.number(featureSet.repeated)
  const messages = raw.number(featureSet.messages)
  const presences = ['explicit', 'implicit', 'required'] as const
  return {
    presence: (presence === undefined ? undefined : presences[presence - 1]) ?? outer.presence,
    isClosed: enums === undefined ? outer.isClosed : enums === 2,
    isPacked: repeated === undefined ? outer.isPacked : repeated === 1,
    isDelimited: messages === undefined ? outer.isDelimited : messages === 2,
  }
}
