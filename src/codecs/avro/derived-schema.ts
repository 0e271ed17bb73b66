import type { DataType } from '../../batch/schema.ts'
import { StreamError, unreachable } from '../../core/error.ts'

/** JSON of a schema, for writing. */
type SchemaJson = string | readonly SchemaJson[] | { readonly [attribute: string]: unknown }

/**
 * The schema that values of a type are written with when none is given, as Spark makes it: nullable values
 * are unions with null, the record at the top is called `topLevelRecord`.
 * @throws StreamError `DATATYPE_MISMATCH` for a map whose keys are no texts
 */
export function avroSchemaOf(type: DataType, nullable: boolean): string {
  return JSON.stringify(schemaFor(type, nullable, { record: 'topLevelRecord', namespace: '' }))
}

/** What a record that stands here is called. */
interface Place {
  readonly record: string
  readonly namespace: string
}

function schemaFor(type: DataType, nullable: boolean, place: Place): SchemaJson {
  const schema = valueSchema(type, place)
  return nullable && type.kind !== 'void' ? [schema, 'null'] : schema
}

function valueSchema(type: DataType, place: Place): SchemaJson {
  switch (type.kind) {
    case 'boolean':
    case 'int':
    case 'long':
    case 'float':
    case 'double':
    case 'string':
      return type.kind
    case 'byte':
    case 'short':
      return 'int'
    case 'void':
      return 'null'
    case 'binary':
      return 'bytes'
    case 'date':
      return { type: 'int', logicalType: 'date' }
    case 'timestamp':
      return { type: 'long', logicalType: 'timestamp-micros' }
    case 'decimal': {
      const { precision, scale } = type
      const name = `${fullName(place)}.fixed`
      const size = bytesForDigits(precision)
      return { type: 'fixed', name, size, logicalType: 'decimal', precision, scale }
    }
    case 'array':
      return { type: 'array', items: schemaFor(type.element, type.containsNull, place) }
    case 'map':
      if (type.key.kind !== 'string') throw unwritable(type.key)
      return { type: 'map', values: schemaFor(type.value, type.valueContainsNull, place) }
    case 'struct':
      return recordFor(type, place)
    default:
      return unreachable(type)
  }
}

const nameForm = /^[A-Za-z_][A-Za-z0-9_]*$/

function recordFor(type: Extract<DataType, { kind: 'struct' }>, place: Place): SchemaJson {
  const { record: name, namespace } = place
  const unusual = type.fields.find((field) => !nameForm.test(field.name))
  if (unusual !== undefined) {
    const why = 'a name in Avro has letters, digits and underscores only, and no digit first'
    throw new StreamError('SCHEMA_TEXT_INVALID', { kind: 'Avro', name: unusual.name, why })
  }
  const fields = type.fields.map((field) => ({
    name: field.name,
    type: schemaFor(field.type, field.nullable, {
      record: field.name,
      namespace: fullName(place),
    }),
  }))
  return { type: 'record', name, ...(namespace === '' ? {} : { namespace }), fields }
}

function fullName({ record, namespace }: Place): string {
  return namespace === '' ? record : `${namespace}.${record}`
}

/** The least bytes that hold every number of so many digits and a sign. */
function bytesForDigits(precision: number): number {
  let size = 1
  while (2n ** BigInt(8 * size - 1) < 10n ** BigInt(precision)) size += 1
  return size
}

function unwritable(key: DataType): StreamError<'DATATYPE_MISMATCH'> {
  return new StreamError('DATATYPE_MISMATCH', {
    expression: 'to_avro',
    expected: 'maps whose keys are STRING',
    actual: key.kind.toUpperCase(),
    suggestion: 'map<string,string>',
  })
}
