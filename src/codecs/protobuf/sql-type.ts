import {
  binaryType,
  booleanType,
  type DataType,
  doubleType,
  type Field,
  floatType,
  intType,
  longType,
  stringType,
  timestampType,
} from '../../batch/schema.ts'
import { StreamError, unreachable } from '../../core/error.ts'
import { type ProtoField, type ProtoMessage, type ProtoType, timestampName } from './schema.ts'

/** How messages become columns. */
export interface ProtoColumns {
  /** INT instead of the names. */
  readonly enumsAsNumbers: boolean
  /** How often a message may stand inside of itself, from 1; absent = one that does is refused. */
  readonly depthMax?: number
}

/** A message as the struct that it becomes: those of its fields that are columns, in their order. */
export interface StructShape {
  readonly message: ProtoMessage
  readonly fields: readonly FieldShape[]
}

export interface FieldShape {
  readonly field: ProtoField
  readonly value: ValueShape
  /** Of a map. */
  readonly key?: ValueShape
}

/** A value by itself, without being one of a list. */
export interface ValueShape {
  readonly type: ProtoType
  readonly sql: DataType
  /** Of messages that become structs. */
  readonly struct?: StructShape
}

/**
 * The columns that a message becomes, as Spark has them: enums are their names, `google.protobuf.Timestamp`
 * is TIMESTAMP, unsigned numbers take the type of their size. A message inside of itself is left out from
 * the given depth on.
 * @throws StreamError `SCHEMA_TEXT_INVALID` for a message that contains itself, without a depth
 */
export function structShapeOf(message: ProtoMessage, columns: ProtoColumns): StructShape {
  return structOf(message, columns, [message.name])
}

export function sqlTypeOfStruct({ fields }: StructShape): DataType {
  return { kind: 'struct', fields: fields.map(columnOf) }
}

function columnOf({ field, key, value }: FieldShape): Field {
  const { name, label } = field
  if (key !== undefined) {
    const type: DataType = { kind: 'map', key: key.sql, value: value.sql, valueContainsNull: false }
    return { name, type, nullable: false }
  }
  if (label !== 'repeated') return { name, type: value.sql, nullable: label !== 'required' }
  return { name, type: { kind: 'array', element: value.sql, containsNull: false }, nullable: false }
}

/** `around` are the names of the messages that it stands in, itself the last. */
function structOf(
  message: ProtoMessage,
  columns: ProtoColumns,
  around: readonly string[],
): StructShape {
  const fields = message.fields.flatMap((field): readonly FieldShape[] => {
    const { type } = field
    if (type.kind !== 'map') {
      const value = valueShape(type, columns, around)
      return value === undefined ? [] : [{ field, value }]
    }
    const key = valueShape(type.key, columns, around)
    const value = valueShape(type.value, columns, around)
    return key === undefined || value === undefined ? [] : [{ field, key, value }]
  })
  return { message, fields }
}

/** `undefined` for a message that is left out. */
function valueShape(
  type: ProtoType,
  columns: ProtoColumns,
  around: readonly string[],
): ValueShape | undefined {
  switch (type.kind) {
    case 'enum':
      return { type, sql: columns.enumsAsNumbers ? intType : stringType }
    case 'map':
      throw new StreamError('INTERNAL', { what: 'a map is no single value' })
    case 'message': {
      const { message } = type
      if (message.name === timestampName) return { type, sql: timestampType }
      const depth = around.filter((name) => name === message.name).length
      if (depth > 0 && isTooDeep(message, depth, columns)) return undefined
      const struct = structOf(message, columns, [...around, message.name])
      return { type, sql: sqlTypeOfStruct(struct), struct }
    }
    default:
      return { type, sql: scalarType(type.kind) }
  }
}

function isTooDeep({ name }: ProtoMessage, depth: number, { depthMax }: ProtoColumns): boolean {
  if (depthMax !== undefined) return depth >= depthMax
  throw new StreamError('SCHEMA_TEXT_INVALID', {
    kind: 'Protobuf',
    name,
    why: 'the message contains itself; the option recursive.fields.max.depth says how deep it is read',
  })
}

function scalarType(kind: Exclude<ProtoType['kind'], 'enum' | 'map' | 'message'>): DataType {
  switch (kind) {
    case 'int32':
    case 'sint32':
    case 'uint32':
    case 'fixed32':
    case 'sfixed32':
      return intType
    case 'int64':
    case 'sint64':
    case 'uint64':
    case 'fixed64':
    case 'sfixed64':
      return longType
    case 'double':
      return doubleType
    case 'float':
      return floatType
    case 'bool':
      return booleanType
    case 'string':
      return stringType
    case 'bytes':
      return binaryType
    default:
      return unreachable(kind)
  }
}
