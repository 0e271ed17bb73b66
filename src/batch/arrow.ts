import {
  Field as ArrowField,
  Schema as ArrowSchema,
  type DataType as ArrowType,
  Binary,
  Bool,
  type Data,
  DateDay,
  Decimal,
  Float32,
  Float64,
  Int8,
  Int16,
  Int32,
  Int64,
  List,
  Map_,
  makeData,
  Null,
  RecordBatch,
  Struct,
  TimestampMicrosecond,
  Utf8,
} from 'apache-arrow'
import { unreachable } from '../core/error.ts'
import type { Batch, Column } from './batch.ts'
import { columnOf } from './build.ts'
import { packRows } from './pack.ts'
import type { DataType, Field, Schema } from './schema.ts'

/**
 * The live rows of a batch as an Arrow record batch, for user code and Arrow IPC; never between
 * operators. Columns whose layout is Arrow's own are shared, others (longs and times held as doubles,
 * dictionaries) are converted.
 */
export function toArrow(batch: Batch): RecordBatch {
  const dense = batch.selection === undefined ? batch : packRows(batch)
  const { schema, rowCount } = dense
  const children = schema.map((field, index) =>
    arrowData(field.type, dense.columns[index] ?? { layout: 'void' }, rowCount),
  )
  const type = new Struct(schema.map(arrowField))
  const data = makeData({ type, length: rowCount, nullCount: 0, children })
  return new RecordBatch(arrowSchema(schema), data)
}

/** The Arrow schema of a schema: LONG is Int64, TIMESTAMP is microseconds in UTC. */
export function arrowSchema(schema: Schema): ArrowSchema {
  return new ArrowSchema(schema.map(arrowField))
}

function arrowField({ name, type, nullable }: Field): ArrowField {
  return new ArrowField(name, arrowType(type), nullable)
}

function arrowType(type: DataType): ArrowType {
  switch (type.kind) {
    case 'boolean':
      return new Bool()
    case 'byte':
      return new Int8()
    case 'short':
      return new Int16()
    case 'int':
      return new Int32()
    case 'long':
      return new Int64()
    case 'float':
      return new Float32()
    case 'double':
      return new Float64()
    case 'decimal':
      return new Decimal(type.scale, type.precision, 128)
    case 'string':
      return new Utf8()
    case 'binary':
      return new Binary()
    case 'date':
      return new DateDay()
    case 'timestamp':
      return new TimestampMicrosecond('UTC')
    case 'void':
      return new Null()
    case 'array':
      return new List(arrowField({ name: 'item', type: type.element, nullable: true }))
    case 'struct':
      return new Struct(type.fields.map(arrowField))
    case 'map':
      return new Map_(mapEntries(type))
    default:
      return unreachable(type)
  }
}

function mapEntries(
  type: Extract<DataType, { kind: 'map' }>,
): ArrowField<Struct<{ key: ArrowType; value: ArrowType }>> {
  const fields = [
    arrowField({ name: 'key', type: type.key, nullable: false }),
    arrowField({ name: 'value', type: type.value, nullable: true }),
  ]
  return new ArrowField('entries', new Struct<{ key: ArrowType; value: ArrowType }>(fields), false)
}

/** `length` rows of a column under their Arrow type. */
function arrowData(type: DataType, column: Column, length: number): Data {
  if (column.layout === 'void') return nullData(type, length)
  const nulls = column.validity === undefined ? { nullCount: 0 } : { nullBitmap: column.validity }
  const base = { type: arrowType(type), length, ...nulls }
  switch (column.layout) {
    case 'bits':
    case 'i8':
    case 'i16':
    case 'i32':
    case 'f32':
    case 'i64':
      return made({ ...base, data: column.values })
    case 'f64': {
      const data = type.kind === 'double' ? column.values : wideIntegers(column.values, type)
      return made({ ...base, data })
    }
    case 'i128':
      return made({
        ...base,
        data: new Int32Array(column.values.buffer, column.values.byteOffset, length * 4),
      })
    case 'bytes':
      return made({ ...base, valueOffsets: column.offsets, data: column.data })
    case 'dictionary':
      return arrowData(type, plainText(column, length), length)
    case 'list': {
      const element = type.kind === 'array' ? type.element : type
      const child = arrowData(element, column.child, column.offsets[length] ?? 0)
      return made({ ...base, valueOffsets: column.offsets, child })
    }
    case 'map':
      return mapData(base, type, column, length)
    case 'struct': {
      const fields = type.kind === 'struct' ? type.fields : []
      const children = fields.map((field, index) =>
        arrowData(field.type, column.children[index] ?? { layout: 'void' }, length),
      )
      return made({ ...base, children })
    }
    default:
      return unreachable(column)
  }
}

/** `makeData` wants one static type; here the type is known only at run time and was made with the data. */
function made(properties: object): Data {
  return makeData(properties as unknown as Parameters<typeof makeData>[0])
}

function mapData(
  base: object,
  type: DataType,
  column: Extract<Column, { layout: 'map' }>,
  length: number,
): Data {
  if (type.kind !== 'map') throw new TypeError(`a map column cannot hold ${type.kind}`)
  const entryCount = column.offsets[length] ?? 0
  const entries = makeData({
    type: mapEntries(type).type,
    length: entryCount,
    nullCount: 0,
    children: [
      arrowData(type.key, column.keys, entryCount),
      arrowData(type.value, column.values, entryCount),
    ],
  })
  return made({ ...base, valueOffsets: column.offsets, child: entries })
}

/** Longs and times as 64 bits, decimals as 128. */
function wideIntegers(values: Float64Array, type: DataType): BigInt64Array | Int32Array {
  if (type.kind !== 'decimal') return BigInt64Array.from(values, BigInt)
  const limbs = new BigInt64Array(values.length * 2)
  values.forEach((value, row) => {
    const exact = BigInt(value)
    limbs[row * 2] = exact
    limbs[row * 2 + 1] = exact < 0n ? -1n : 0n
  })
  return new Int32Array(limbs.buffer)
}

function plainText(column: Extract<Column, { layout: 'dictionary' }>, length: number): Column {
  const codes = column.codes.subarray(0, length)
  const schema: Schema = [{ name: 'text', type: { kind: 'string' }, nullable: true }]
  const columns = [column.dictionary]
  const [text] = packRows({ schema, rowCount: length, columns }, codes).columns
  const { validity } = column
  return text === undefined || text.layout === 'void' || validity === undefined
    ? (text ?? { layout: 'void' })
    : { ...text, validity }
}

function nullData(type: DataType, length: number): Data {
  if (type.kind === 'void') return makeData({ type: new Null(), length })
  return arrowData(type, columnOf(type, new Array<null>(length).fill(null)), length)
}
