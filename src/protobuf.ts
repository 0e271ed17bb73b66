export { from_protobuf, to_protobuf } from './dataframe/functions-protobuf.ts'
