import { type CallOptions, optionsOf } from './call-options.ts'
import { type Column, type ColumnOrName, callOf, nameOf } from './column.ts'
import { literal } from './literal.ts'

/**
 * Reads messages of Protobuf as structs, by Spark's types: enums are their names, `google.protobuf.Timestamp`
 * is TIMESTAMP, lists and maps that are not set are empty, other fields that are not set NULL.
 *
 * A value that is no such message ends the query; with `mode` PERMISSIVE it is NULL. `emit.default.values`
 * gives the defaults of fields that do not tell whether they were set, `enums.as.ints` the numbers of enums,
 * `recursive.fields.max.depth` (1 to 10) how often a message may stand inside of itself. With
 * `schema.registry.url` each value begins with the id of its schema and with which message of it it is, which
 * has to be this one; see `from_avro` for the other options of a registry. Spark reads
 * `google.protobuf.Duration` as an interval, which here is a struct of seconds and nanos.
 *
 * @param data - BINARY
 * @param messageName - with or without its package
 * @param definitions - a descriptor set, as `protoc --descriptor_set_out --include_imports` writes it, or the
 * text of a .proto file, which needs the package protobufjs; Spark takes the path of a descriptor set instead
 * @throws StreamError `SCHEMA_TEXT_INVALID`, `PACKAGE_MISSING`; in the query `DECODE_FAILED` and those of a
 * registry
 *
 * @example
 * ```ts
 * import { Session } from 'millrace'
 * import { from_protobuf, to_protobuf } from 'millrace/protobuf'
 * import { struct } from 'millrace/functions'
 *
 * const spark = Session.builder.getOrCreate()
 * const definitions = `
 *   syntax = "proto3";
 *   message Order { int64 id = 1; string note = 2; }
 * `
 * const orders = spark.createDataFrame([{ id: 7n, note: 'urgent' }], 'id LONG, note STRING')
 * const bytes = orders.select(to_protobuf(struct('id', 'note'), 'Order', definitions).alias('value'))
 * const read = bytes.select(from_protobuf('value', 'Order', definitions).alias('order'))
 * console.log(await read.select('order.*').collect())
 * await spark.stop()
 * ```
 */
export function from_protobuf(
  data: ColumnOrName,
  messageName: string,
  definitions: Uint8Array | string,
  options: CallOptions = {},
): Column {
  const constants = [literal(messageName), literal(definitions)]
  return callOf('from_protobuf', nameOf(data), ...constants, ...optionsOf(options))
}

/**
 * Writes structs as messages of Protobuf: fields by name, without letter case; NULL is a field that is not set.
 *
 * With `schema.registry.url` and `subject` the definitions are registered when the first value is written, and
 * each value begins with their id and with which message of them it is; with `auto.register.schemas` false
 * they have to be there already.
 *
 * @param definitions - a descriptor set or the text of a .proto file, as for `from_protobuf`
 * @throws StreamError `SCHEMA_TEXT_INVALID`, `SCHEMAS_INCOMPATIBLE`, `PACKAGE_MISSING`; in the query
 * `ENCODE_FAILED` and those of a registry
 *
 * @example
 * ```ts
 * import { Session } from 'millrace'
 * import { to_protobuf } from 'millrace/protobuf'
 * import { struct } from 'millrace/functions'
 *
 * const spark = Session.builder.getOrCreate()
 * const definitions = 'syntax = "proto3"; message Point { sint32 x = 1; sint32 y = 2; }'
 * const points = spark.createDataFrame([{ x: 3, y: -4 }], 'x INT, y INT')
 * const bytes = points.select(to_protobuf(struct('x', 'y'), 'Point', definitions).alias('value'))
 * console.log(await bytes.collect())
 * await spark.stop()
 * ```
 */
export function to_protobuf(
  data: ColumnOrName,
  messageName: string,
  definitions: Uint8Array | string,
  options: CallOptions = {},
): Column {
  const constants = [literal(messageName), literal(definitions)]
  return callOf('to_protobuf', nameOf(data), ...constants, ...optionsOf(options))
}
