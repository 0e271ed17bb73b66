import type { DataType, Field, Schema } from './schema.ts'

/** The type without the methods that a `StructType` carries. */
export function plainType(type: DataType): DataType {
  switch (type.kind) {
    case 'struct':
      return { kind: 'struct', fields: plainFields(type.fields) }
    case 'array':
      return { ...type, element: plainType(type.element) }
    case 'map':
      return { ...type, key: plainType(type.key), value: plainType(type.value) }
    default:
      return type
  }
}

export function plainFields(fields: readonly Field[]): Schema {
  return fields.map(({ name, type, nullable }) => ({ name, type: plainType(type), nullable }))
}
