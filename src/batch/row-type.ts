import type { EdgeRow } from './edge-row.ts'
import type { DataType, Field } from './schema.ts'

/**
 * The TypeScript type of a value of a SQL type in rows. A TIMESTAMP is a `Date`, or ISO text when it has
 * microseconds; `new Date(value)` takes both.
 */
export type EdgeValue<T> = T extends { readonly kind: 'boolean' }
  ? boolean
  : T extends { readonly kind: 'byte' | 'short' | 'int' | 'float' | 'double' }
    ? number
    : T extends { readonly kind: 'long' }
      ? bigint
      : T extends { readonly kind: 'string' | 'date' | 'decimal' }
        ? string
        : T extends { readonly kind: 'binary' }
          ? Uint8Array
          : T extends { readonly kind: 'timestamp' }
            ? Date | string
            : T extends { readonly kind: 'struct'; readonly fields: infer F }
              ? F extends readonly Field[]
                ? FieldsRow<F>
                : EdgeRow
              : T extends { readonly kind: 'array'; readonly element: infer E }
                ? readonly (EdgeValue<E> | null)[]
                : T extends { readonly kind: 'map'; readonly key: infer K; readonly value: infer V }
                  ? ReadonlyMap<EdgeValue<K>, EdgeValue<V> | null>
                  : unknown

/** The row of some fields; of any row when they are not known to the compiler. */
export type FieldsRow<F extends readonly Field[]> = number extends F['length']
  ? EdgeRow
  : { readonly [Name in F[number]['name']]: FieldValue<Extract<F[number], { name: Name }>> }

type FieldValue<F> = F extends { readonly type: infer T; readonly nullable: infer Nullable }
  ? Nullable extends false
    ? EdgeValue<T>
    : EdgeValue<T> | null
  : unknown

/** A field whose name, type and nullability the compiler knows. */
export interface TypedField<
  Name extends string = string,
  T extends DataType = DataType,
  Nullable extends boolean = boolean,
> extends Field {
  readonly name: Name
  readonly type: T
  readonly nullable: Nullable
}
