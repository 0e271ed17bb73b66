import type { DataType } from '../batch/schema.ts'

/** The type with nothing inside that is NOT NULL, for values that may lack anything. */
export function nullableInside(type: DataType): DataType {
  switch (type.kind) {
    case 'struct': {
      const fields = type.fields.map(({ name, type: inner }) => ({
        name,
        type: nullableInside(inner),
        nullable: true,
      }))
      return { kind: 'struct', fields }
    }
    case 'array':
      return { kind: 'array', element: nullableInside(type.element), containsNull: true }
    case 'map':
      return { ...type, value: nullableInside(type.value), valueContainsNull: true }
    default:
      return type
  }
}
