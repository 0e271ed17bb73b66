import { reasonOf, StreamError } from '../../core/error.ts'
import type { NamedSchema } from '../registry/registry.ts'
import type { AvroField, AvroLogical, AvroPrimitive, AvroRecord, AvroSchema } from './schema.ts'

const primitives: ReadonlySet<string> = new Set([
  'null',
  'boolean',
  'int',
  'long',
  'float',
  'double',
  'bytes',
  'string',
] satisfies readonly AvroPrimitive[])

/** Where a name stands: those known so far, the namespace it is in, and how deep that is. */
interface Scope {
  readonly names: Map<string, AvroSchema>
  readonly namespace: string
  readonly level: number
}

/** Types of columns go no deeper either. */
const levelsMax = 200

/**
 * Reads a schema of Avro from JSON; `references` are others that it names, each behind those it names itself.
 * @throws StreamError `SCHEMA_TEXT_INVALID`
 */
export function parseAvroSchema(text: string, references: readonly NamedSchema[] = []): AvroSchema {
  const scope = { names: new Map<string, AvroSchema>(), namespace: '', level: 0 }
  try {
    for (const reference of references) schemaFrom(JSON.parse(reference.text), scope)
    return schemaFrom(JSON.parse(text), scope)
  } catch (cause) {
    const name = text.length > 80 ? `${text.slice(0, 80)}…` : text
    const why = reasonOf(cause)
    throw new StreamError('SCHEMA_TEXT_INVALID', { kind: 'Avro', name, why }, { cause })
  }
}

function schemaFrom(json: unknown, around: Scope): AvroSchema {
  const scope = { ...around, level: around.level + 1 }
  if (scope.level > levelsMax) throw new Error(`it is over ${levelsMax} levels deep`)
  if (typeof json === 'string') return named(json, scope)
  if (Array.isArray(json)) return unionFrom(json, scope)
  if (!isObject(json)) throw new Error(`${JSON.stringify(json)} is no type`)
  const { type } = json
  if (typeof type !== 'string') return schemaFrom(type, scope)
  switch (type) {
    case 'record':
    case 'error':
      return recordFrom(json, scope)
    case 'enum':
      return enumFrom(json, scope)
    case 'fixed':
      return fixedFrom(json, scope)
    case 'array':
      return { kind: 'array', items: schemaFrom(json['items'], scope) }
    case 'map':
      return { kind: 'map', values: schemaFrom(json['values'], scope) }
    default:
      return withLogical(named(type, scope), json)
  }
}

/** A primitive type, or one that was defined before. */
function named(name: string, { names, namespace }: Scope): AvroSchema {
  if (isPrimitive(name)) return { kind: name }
  const found = names.get(qualified(name, namespace)) ?? names.get(name)
  if (found === undefined) throw new Error(`there is no type ${name}`)
  return found
}

function isPrimitive(name: string): name is AvroPrimitive {
  return primitives.has(name)
}

function unionFrom(json: readonly unknown[], scope: Scope): AvroSchema {
  const branches = json.map((branch) => schemaFrom(branch, scope))
  if (branches.length === 0) throw new Error('a union has no types')
  if (branches.some(({ kind }) => kind === 'union')) throw new Error('a union is in a union')
  const kinds = branches.map((branch) => ('name' in branch ? branch.name : branch.kind))
  const twice = kinds.find((kind, index) => kinds.indexOf(kind) < index)
  if (twice !== undefined) throw new Error(`a union has ${twice} twice`)
  return { kind: 'union', branches }
}

type Attributes = Readonly<Record<string, unknown>>

function recordFrom(json: Attributes, scope: Scope): AvroSchema {
  const { name, inside, aliases } = nameFrom(json, scope)
  const fields: AvroField[] = []
  const record: AvroRecord = { kind: 'record', name, aliases, fields }
  // Before its fields, which may be of this very type.
  define(record, scope)
  const given = json['fields']
  if (!Array.isArray(given)) throw new Error(`the record ${name} has no list of fields`)
  for (const field of given) fields.push(fieldFrom(field, record, { ...scope, namespace: inside }))
  return record
}

function fieldFrom(json: unknown, { name: record, fields }: AvroRecord, scope: Scope): AvroField {
  if (!isObject(json)) throw new Error(`a field of ${record} is ${JSON.stringify(json)}`)
  const name = textOf(json, 'name', `a field of ${record}`)
  if (fields.some((field) => field.name === name)) {
    throw new Error(`the record ${record} has the field ${name} twice`)
  }
  return {
    name,
    aliases: textsOf(json['aliases']),
    schema: schemaFrom(json['type'], scope),
    ...('default' in json ? { fallback: { json: json['default'] } } : {}),
  }
}

function enumFrom(json: Attributes, scope: Scope): AvroSchema {
  const { name, aliases } = nameFrom(json, scope)
  const symbols = textsOf(json['symbols'])
  if (symbols.length === 0) throw new Error(`the enum ${name} has no symbols`)
  const fallback = json['default']
  return define(
    {
      kind: 'enum',
      name,
      aliases,
      symbols,
      ...(typeof fallback === 'string' && symbols.includes(fallback) ? { fallback } : {}),
    },
    scope,
  )
}

function fixedFrom(json: Attributes, scope: Scope): AvroSchema {
  const { name, aliases } = nameFrom(json, scope)
  const size = json['size']
  if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0) {
    throw new Error(`the fixed ${name} has the size ${JSON.stringify(size)}`)
  }
  const logical = decimalOf(json)
  return define(
    { kind: 'fixed', name, aliases, size, ...(logical === undefined ? {} : { logical }) },
    scope,
  )
}

function define<Type extends Extract<AvroSchema, { readonly name: string }>>(
  type: Type,
  { names }: Scope,
): Type {
  if (names.has(type.name)) throw new Error(`the name ${type.name} is defined twice`)
  names.set(type.name, type)
  return type
}

/** The full name of a type, and the namespace of what is inside of it. */
function nameFrom(
  json: Attributes,
  scope: Scope,
): { readonly name: string; readonly inside: string; readonly aliases: readonly string[] } {
  const given = textOf(json, 'name', 'a type')
  const namespace = typeof json['namespace'] === 'string' ? json['namespace'] : scope.namespace
  const name = qualified(given, namespace)
  const inside = name.includes('.') ? name.slice(0, name.lastIndexOf('.')) : ''
  const aliases = textsOf(json['aliases']).map((alias) => qualified(alias, inside))
  return { name, inside, aliases }
}

function qualified(name: string, namespace: string): string {
  return name.includes('.') || namespace === '' ? name : `${namespace}.${name}`
}

/** The type with what its values mean, as far as that is known and fits; otherwise it is ignored, as Avro says. */
function withLogical(schema: AvroSchema, json: Attributes): AvroSchema {
  const logical = logicalOf(schema.kind, json)
  return logical === undefined ? schema : ({ ...schema, logical } as AvroSchema)
}

function logicalOf(kind: AvroSchema['kind'], json: Attributes): AvroLogical | undefined {
  const name = json['logicalType']
  if (kind === 'int') return name === 'date' ? { kind: 'date' } : undefined
  if (kind === 'bytes') return decimalOf(json)
  if (kind !== 'long') return undefined
  switch (name) {
    case 'timestamp-millis':
    case 'local-timestamp-millis':
      return { kind: 'timestamp', unit: 'millis' }
    case 'timestamp-micros':
    case 'local-timestamp-micros':
      return { kind: 'timestamp', unit: 'micros' }
    default:
      return undefined
  }
}

function decimalOf(json: Attributes): AvroLogical | undefined {
  const { logicalType, precision, scale = 0 } = json
  const isWhole = (value: unknown): value is number =>
    typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
  if (logicalType !== 'decimal' || !isWhole(precision) || !isWhole(scale)) return undefined
  return precision < 1 || scale > precision ? undefined : { kind: 'decimal', precision, scale }
}

function isObject(json: unknown): json is Attributes {
  return typeof json === 'object' && json !== null && !Array.isArray(json)
}

function textOf(json: Attributes, attribute: string, of: string): string {
  const text = json[attribute]
  if (typeof text === 'string' && text !== '') return text
  throw new Error(`${of} has no ${attribute}`)
}

function textsOf(json: unknown): readonly string[] {
  return Array.isArray(json) ? json.filter((each) => typeof each === 'string') : []
}
