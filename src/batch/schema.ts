import { unreachable } from '../core/error.ts'

/** A SQL type, named as Spark names it. Plain data. */
export type DataType =
  | {
      readonly kind:
        | 'boolean'
        | 'byte'
        | 'short'
        | 'int'
        | 'long'
        | 'float'
        | 'double'
        | 'string'
        | 'binary'
        | 'date'
        | 'timestamp'
        | 'void'
    }
  | { readonly kind: 'decimal'; readonly precision: number; readonly scale: number }
  | { readonly kind: 'struct'; readonly fields: readonly Field[] }
  | { readonly kind: 'array'; readonly element: DataType; readonly containsNull: boolean }
  | {
      readonly kind: 'map'
      readonly key: DataType
      readonly value: DataType
      readonly valueContainsNull: boolean
    }

export interface Field {
  readonly name: string
  readonly type: DataType
  readonly nullable: boolean
}

/** Columns in order. Names are compared without letter case, as in Spark. */
export type Schema = readonly Field[]

export const booleanType = { kind: 'boolean' } as const satisfies DataType
export const byteType = { kind: 'byte' } as const satisfies DataType
export const shortType = { kind: 'short' } as const satisfies DataType
export const intType = { kind: 'int' } as const satisfies DataType
export const longType = { kind: 'long' } as const satisfies DataType
export const floatType = { kind: 'float' } as const satisfies DataType
export const doubleType = { kind: 'double' } as const satisfies DataType
export const stringType = { kind: 'string' } as const satisfies DataType
export const binaryType = { kind: 'binary' } as const satisfies DataType
export const dateType = { kind: 'date' } as const satisfies DataType
export const timestampType = { kind: 'timestamp' } as const satisfies DataType
export const voidType = { kind: 'void' } as const satisfies DataType

/** The type of `window(…)`: a half-open interval of event time. */
export const windowType: DataType = {
  kind: 'struct',
  fields: [
    { name: 'start', type: timestampType, nullable: false },
    { name: 'end', type: timestampType, nullable: false },
  ],
}

/** True when values of both types are interchangeable; nullability inside does not count. */
export function sameType(left: DataType, right: DataType): boolean {
  switch (left.kind) {
    case 'decimal':
      return (
        right.kind === 'decimal' && left.precision === right.precision && left.scale === right.scale
      )
    case 'array':
      return right.kind === 'array' && sameType(left.element, right.element)
    case 'map':
      return (
        right.kind === 'map' && sameType(left.key, right.key) && sameType(left.value, right.value)
      )
    case 'struct':
      return (
        right.kind === 'struct' &&
        left.fields.length === right.fields.length &&
        left.fields.every((field, index) => {
          const other = right.fields[index]
          return (
            other !== undefined && field.name === other.name && sameType(field.type, other.type)
          )
        })
      )
    default:
      return left.kind === right.kind
  }
}

/** The type as DDL text, lower case as `printSchema` shows it and as `cast` reads it. */
export function typeText(type: DataType): string {
  switch (type.kind) {
    case 'boolean':
    case 'float':
    case 'double':
    case 'string':
    case 'binary':
    case 'date':
    case 'timestamp':
    case 'void':
    case 'int':
      return type.kind
    case 'byte':
      return 'tinyint'
    case 'short':
      return 'smallint'
    case 'long':
      return 'bigint'
    case 'decimal':
      return `decimal(${type.precision},${type.scale})`
    case 'array':
      return `array<${typeText(type.element)}>`
    case 'map':
      return `map<${typeText(type.key)},${typeText(type.value)}>`
    case 'struct':
      return `struct<${type.fields.map((f) => `${f.name}:${typeText(f.type)}`).join(',')}>`
    default:
      return unreachable(type)
  }
}

/** The schema as one line of DDL. */
export function schemaText(schema: Schema): string {
  return schema
    .map((f) => `${f.name} ${typeDdl(f.type)}${f.nullable ? '' : ' NOT NULL'}`)
    .join(', ')
}

/** The type as DDL: names of types in capitals, those of fields as they are. */
export function typeDdl(type: DataType): string {
  switch (type.kind) {
    case 'array':
      return `ARRAY<${typeDdl(type.element)}>`
    case 'map':
      return `MAP<${typeDdl(type.key)}, ${typeDdl(type.value)}>`
    case 'struct':
      return `STRUCT<${type.fields.map((f) => `${f.name}: ${typeDdl(f.type)}`).join(', ')}>`
    default:
      return typeText(type).toUpperCase()
  }
}

export function isNumeric(type: DataType): boolean {
  return isIntegral(type) || ['float', 'double', 'decimal'].includes(type.kind)
}

/** True for types whose values have equality and an order: all but maps, and what holds them (Spark's rule). */
export function isComparable(type: DataType): boolean {
  switch (type.kind) {
    case 'map':
      return false
    case 'array':
      return isComparable(type.element)
    case 'struct':
      return type.fields.every((field) => isComparable(field.type))
    default:
      return true
  }
}

export function isIntegral(type: DataType): boolean {
  return ['byte', 'short', 'int', 'long'].includes(type.kind)
}
