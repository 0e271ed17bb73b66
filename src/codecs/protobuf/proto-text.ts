import { reasonOf, StreamError } from '../../core/error.ts'
import type { NamedSchema } from '../registry/registry.ts'
import {
  type LibraryField,
  type LibraryObject,
  type LibraryRoot,
  type LibraryScope,
  protobufLibrary,
} from './protobufjs.ts'
import {
  isPackable,
  type ProtoEnum,
  type ProtoField,
  type ProtoFile,
  type ProtoMessage,
  type ProtoScalar,
  type ProtoType,
} from './schema.ts'

const scalars: ReadonlySet<string> = new Set([
  'double',
  'float',
  'int32',
  'int64',
  'uint32',
  'uint64',
  'sint32',
  'sint64',
  'fixed32',
  'fixed64',
  'sfixed32',
  'sfixed64',
  'bool',
  'string',
  'bytes',
] satisfies readonly ProtoScalar[])

/**
 * Reads the text of a .proto file; `references` are the files that it imports, by their paths, each behind
 * those it imports itself. What comes with every compiler need not be among them.
 * @throws StreamError `SCHEMA_TEXT_INVALID`, `PACKAGE_MISSING`
 */
export function parseProtoText(
  text: string,
  references: readonly NamedSchema[] = [],
): readonly ProtoFile[] {
  const library = protobufLibrary()
  const root = new library.Root()
  const known = new Set<string>()
  try {
    const parsed = [...references, { name: '', text }].map((file) => {
      const before = new Set(namesIn(root))
      const { imports } = library.parse(file.text, root, { keepCase: true })
      const names = new Set(namesIn(root).filter((name) => !before.has(name)))
      for (const path of imports ?? []) addCommon(root, path, known)
      return { path: file.name, names, imports: imports ?? [] }
    })
    root.resolveAll()
    const messages = new Definitions().messagesIn(root)
    return parsed.map(({ path, names, imports }) => {
      const own = messages.filter(({ name }) => names.has(name))
      return { path, imports, messages: own }
    })
  } catch (cause) {
    if (cause instanceof StreamError) throw cause
    const name = text.length > 80 ? `${text.slice(0, 80)}…` : text
    const details = { kind: 'Protobuf', name, why: reasonOf(cause) }
    throw new StreamError('SCHEMA_TEXT_INVALID', details, { cause })
  }
}

/** Adds definitions of Google's that the library has. */
function addCommon(root: LibraryRoot, path: string, known: Set<string>): void {
  if (known.has(path)) return
  known.add(path)
  const nested = protobufLibrary().common.get(path)?.nested
  if (nested !== undefined) root.addJSON(nested)
}

/** The messages of a scope that stand at the top of some file. */
function topMessages(scope: LibraryScope): readonly LibraryObject[] {
  return scope.nestedArray.flatMap((object) => {
    if (object.fieldsArray !== undefined) return [object]
    return object.nestedArray === undefined ? [] : topMessages({ nestedArray: object.nestedArray })
  })
}

function namesIn(root: LibraryRoot): readonly string[] {
  return topMessages(root).map(nameOf)
}

function nameOf({ fullName }: LibraryObject): string {
  return fullName.replace(/^\./, '')
}

/** A message that others may name before its fields are known. */
interface OpenMessage extends ProtoMessage {
  readonly fields: ProtoField[]
  readonly messages: ProtoMessage[]
}

/** Makes definitions of those of the library, each once. */
class Definitions {
  readonly #messages = new Map<LibraryObject, ProtoMessage>()

  messagesIn(scope: LibraryScope): readonly ProtoMessage[] {
    return topMessages(scope).map((object) => this.#message(object))
  }

  #message(object: LibraryObject): ProtoMessage {
    const known = this.#messages.get(object)
    if (known !== undefined) return known
    const opened: OpenMessage = { name: nameOf(object), fields: [], messages: [] }
    this.#messages.set(object, opened)
    for (const inner of object.nestedArray ?? []) {
      if (inner.fieldsArray !== undefined) opened.messages.push(this.#message(inner))
    }
    for (const field of object.fieldsArray ?? []) opened.fields.push(this.#field(field, opened))
    return opened
  }

  #field(field: LibraryField, owner: ProtoMessage): ProtoField {
    const { name, id, repeated, map, required, partOf, options } = field
    const given = options?.['default']
    // An optional field has a oneof of its own, which stands for nothing.
    const isOptional = options?.['proto3_optional'] === true
    const type = map ? this.#mapType(field) : this.#type(field)
    return {
      name,
      number: id,
      type,
      label: repeated || map ? 'repeated' : required ? 'required' : 'singular',
      hasPresence: !repeated && !map && this.#isPresent(field),
      isPacked: repeated && isPackable(type) && field.packed,
      ...(partOf === null || isOptional ? {} : { oneof: `${owner.name} ${partOf.name}` }),
      ...(given === undefined || given === null ? {} : { defaultText: defaultText(type, given) }),
    }
  }

  /** Messages always tell whether they are set. */
  #isPresent({ hasPresence, resolvedType }: LibraryField): boolean {
    return Boolean(hasPresence) || resolvedType?.fieldsArray !== undefined
  }

  #mapType(field: LibraryField): ProtoType {
    const key = field.keyType ?? 'string'
    if (!isScalar(key)) throw new Error(`a map has keys of ${key}`)
    return { kind: 'map', key: { kind: key }, value: this.#type(field) }
  }

  #type({ type, resolvedType, delimited }: LibraryField): ProtoType {
    if (isScalar(type)) return { kind: type }
    if (resolvedType === null) throw new Error(`there is no type ${type}`)
    if (resolvedType.fieldsArray === undefined) {
      return { kind: 'enum', enumeration: enumOf(resolvedType) }
    }
    const isGroup = resolvedType.group === true || delimited === true
    return { kind: 'message', message: this.#message(resolvedType), isGroup }
  }
}

/** As descriptors have it: bytes are escaped as in C. */
function defaultText({ kind }: ProtoType, given: unknown): string {
  const text = String(given)
  if (kind !== 'bytes') return text
  return text.replace(/./gs, (one) => `\\${one.charCodeAt(0).toString(8).padStart(3, '0')}`)
}

function isScalar(name: string): name is ProtoScalar {
  return scalars.has(name)
}

function enumOf(object: LibraryObject): ProtoEnum {
  const values = Object.entries(object.values ?? {}).map(([name, number]) => ({ name, number }))
  return { name: nameOf(object), values, isClosed: object._features?.enum_type === 'CLOSED' }
}
