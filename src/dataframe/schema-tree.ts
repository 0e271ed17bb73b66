import { type DataType, type Schema, typeText } from '../batch/schema.ts'

/** The schema as the tree that Spark's `printSchema` shows. */
export function schemaTree(schema: Schema): string {
  return `root\n${fieldsTree(schema, ' |--')}`
}

function fieldsTree(schema: Schema, prefix: string): string {
  return schema
    .map(({ name, type, nullable }) => {
      const line = `${prefix} ${name}: ${typeName(type)} (nullable = ${nullable})\n`
      return line + childrenTree(type, prefix)
    })
    .join('')
}

function childrenTree(type: DataType, prefix: string): string {
  const deeper = ` |   ${prefix}`
  switch (type.kind) {
    case 'struct':
      return fieldsTree(type.fields, deeper)
    case 'array':
      return (
        `${deeper} element: ${typeName(type.element)} (containsNull = ${type.containsNull})\n` +
        childrenTree(type.element, deeper)
      )
    case 'map':
      return (
        `${deeper} key: ${typeName(type.key)}\n` +
        childrenTree(type.key, deeper) +
        `${deeper} value: ${typeName(type.value)} (valueContainsNull = ${type.valueContainsNull})\n` +
        childrenTree(type.value, deeper)
      )
    default:
      return ''
  }
}

/** The names that Spark uses in trees; elsewhere it says bigint for long. */
function typeName(type: DataType): string {
  switch (type.kind) {
    case 'int':
      return 'integer'
    case 'decimal':
      return typeText(type)
    default:
      return type.kind
  }
}
