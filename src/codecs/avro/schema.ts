/** A schema of Avro with its names resolved. Records may contain themselves, so nothing walks it without care. */
export type AvroSchema =
  | AvroSimple
  | AvroFixed
  | AvroEnum
  | { readonly kind: 'array'; readonly items: AvroSchema }
  | { readonly kind: 'map'; readonly values: AvroSchema }
  | AvroUnion
  | AvroRecord

export type AvroPrimitive =
  | 'null'
  | 'boolean'
  | 'int'
  | 'long'
  | 'float'
  | 'double'
  | 'bytes'
  | 'string'

/** A primitive type, each of its own kind. */
type AvroSimple = {
  [Kind in AvroPrimitive]: { readonly kind: Kind; readonly logical?: AvroLogical }
}[AvroPrimitive]

/** What the numbers or bytes of a type mean; those that columns have a type for. */
export type AvroLogical =
  | { readonly kind: 'date' }
  | { readonly kind: 'timestamp'; readonly unit: 'millis' | 'micros' }
  | { readonly kind: 'decimal'; readonly precision: number; readonly scale: number }

interface Named {
  /** With its namespace. */
  readonly name: string
  /** With their namespaces. */
  readonly aliases: readonly string[]
}

export interface AvroFixed extends Named {
  readonly kind: 'fixed'
  readonly size: number
  readonly logical?: AvroLogical
}

export interface AvroEnum extends Named {
  readonly kind: 'enum'
  readonly symbols: readonly string[]
  /** Read in place of symbols that it does not have. */
  readonly fallback?: string
}

export interface AvroUnion {
  readonly kind: 'union'
  readonly branches: readonly AvroSchema[]
}

export interface AvroRecord extends Named {
  readonly kind: 'record'
  readonly fields: readonly AvroField[]
}

export interface AvroField {
  readonly name: string
  readonly aliases: readonly string[]
  readonly schema: AvroSchema
  /** JSON as the schema has it; absent when there is none, as NULL is one. */
  readonly fallback?: { readonly json: unknown }
}

/** What a schema is called in messages. */
export function avroName(schema: AvroSchema): string {
  switch (schema.kind) {
    case 'record':
    case 'enum':
    case 'fixed':
      return `the Avro ${schema.kind} ${schema.name}`
    case 'union':
      return `an Avro union of ${schema.branches.map(({ kind }) => kind).join(', ')}`
    default:
      return `Avro ${schema.kind}`
  }
}

/** A name without its namespace. */
export function bareName(name: string): string {
  return name.slice(name.lastIndexOf('.') + 1)
}

/** The branches of a union that are not null. */
export function valueBranches({ branches }: AvroUnion): readonly AvroSchema[] {
  return branches.filter(({ kind }) => kind !== 'null')
}
