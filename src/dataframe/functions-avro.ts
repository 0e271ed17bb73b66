import { type CallOptions, optionsOf } from './call-options.ts'
import { type Column, type ColumnOrName, callOf, nameOf } from './column.ts'
import { literal } from './literal.ts'

/**
 * Reads values of Avro as columns, by Spark's types: records are structs, enums STRING, fixed BINARY, unions
 * with null nullable, other unions structs of `member0`, `member1` and so on.
 *
 * A value that is none of the schema ends the query; with `mode` PERMISSIVE it is NULL. `avroSchema` is the
 * schema that values are read as, if it is another than the one they were written with. With
 * `schema.registry.url` each value begins with the id of the schema that it was written with: the registry is
 * asked for it once, and `jsonFormatSchema` is the one that it is read as. The other options of a registry are
 * `schema.registry.basic.auth.user.info` (`user:password`, never shown) and `schema.registry.timeout.ms`
 * (10,000).
 *
 * @param data - BINARY
 * @param jsonFormatSchema - a schema of Avro as JSON
 * @throws StreamError `SCHEMA_TEXT_INVALID`; in the query `DECODE_FAILED`, `SCHEMAS_INCOMPATIBLE`,
 * `SCHEMA_ID_UNKNOWN`, `SCHEMA_REGISTRY_UNREACHABLE`, `SCHEMA_REGISTRY_DENIED`
 *
 * @example
 * ```ts
 * import { Session } from 'millrace'
 * import { from_avro, to_avro } from 'millrace/avro'
 * import { struct } from 'millrace/functions'
 *
 * const spark = Session.builder.getOrCreate()
 * const schema = JSON.stringify({
 *   type: 'record',
 *   name: 'Order',
 *   fields: [
 *     { name: 'id', type: 'long' },
 *     { name: 'note', type: ['null', 'string'], default: null },
 *   ],
 * })
 * const orders = spark.createDataFrame([{ id: 7n, note: 'urgent' }], 'id LONG, note STRING')
 * const bytes = orders.select(to_avro(struct('id', 'note'), schema).alias('value'))
 * const read = bytes.select(from_avro('value', schema).alias('order')).select('order.*')
 * console.log(await read.collect())
 * await spark.stop()
 * ```
 */
export function from_avro(
  data: ColumnOrName,
  jsonFormatSchema: string,
  options: CallOptions = {},
): Column {
  return callOf('from_avro', nameOf(data), literal(jsonFormatSchema), ...optionsOf(options))
}

/**
 * Writes values as Avro: the fields of structs by name, without letter case. NULL stays NULL.
 *
 * With `schema.registry.url` and `subject` the schema is registered when the first value is written, and each
 * value begins with its id; with `auto.register.schemas` false it has to be there already. Spark writes a
 * column that may be NULL as a union with null; here only what lies inside is one, if no schema is given.
 *
 * @param jsonFormatSchema - default: the schema made of the type of the column, as Spark makes it
 * @throws StreamError `SCHEMA_TEXT_INVALID`, `SCHEMAS_INCOMPATIBLE`; in the query `ENCODE_FAILED`,
 * `SCHEMA_REGISTRY_REFUSED`, `SCHEMA_REGISTRY_UNREACHABLE`, `SCHEMA_REGISTRY_DENIED`
 *
 * @example
 * ```ts
 * import { Session } from 'millrace'
 * import { from_avro, to_avro } from 'millrace/avro'
 *
 * const spark = Session.builder.getOrCreate()
 * const numbers = spark.createDataFrame([{ n: 1 }, { n: 2 }], 'n INT')
 * const bytes = numbers.select(to_avro('n', '"int"').alias('value'))
 * console.log(await bytes.select(from_avro('value', '"int"').alias('n')).collect())
 * await spark.stop()
 * ```
 */
export function to_avro(
  data: ColumnOrName,
  jsonFormatSchema?: string,
  options: CallOptions = {},
): Column {
  const rest = optionsOf(options)
  if (jsonFormatSchema === undefined && rest.length === 0) return callOf('to_avro', nameOf(data))
  return callOf('to_avro', nameOf(data), literal(jsonFormatSchema ?? ''), ...rest)
}

/**
 * The type that a schema of Avro becomes, as DDL text.
 *
 * @throws StreamError `SCHEMA_TEXT_INVALID`
 *
 * @example
 * ```ts
 * import { Session } from 'millrace'
 * import { schema_of_avro } from 'millrace/avro'
 *
 * const spark = Session.builder.getOrCreate()
 * const one = spark.createDataFrame([{ n: 1 }], 'n INT')
 * const schema = '{"type":"array","items":"long"}'
 * console.log(await one.select(schema_of_avro(schema).alias('type')).collect())
 * await spark.stop()
 * ```
 */
export function schema_of_avro(jsonFormatSchema: string): Column {
  return callOf('schema_of_avro', literal(jsonFormatSchema))
}
