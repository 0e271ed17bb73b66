export { from_avro, schema_of_avro, to_avro } from './dataframe/functions-avro.ts'
