import type { Value } from '../../batch/value.ts'
import { Malformed } from '../malformed.ts'
import type { AvroLogical, AvroSchema } from './schema.ts'

/** Raw numbers and bytes of Avro as the values of the columns they become. */

type Timestamp = Extract<AvroLogical, { readonly kind: 'timestamp' }>
type Decimal = Extract<AvroLogical, { readonly kind: 'decimal' }>

export function timestampOf(value: number, { unit }: Timestamp): number {
  const micros = unit === 'millis' ? value * 1000 : value
  if (Number.isSafeInteger(micros)) return micros
  throw new Malformed(`the time ${value} in ${unit} is not within the years 1684 to 2255`)
}

/** The number that bytes are in two's complement, the highest byte first. */
export function decimalOf(bytes: Uint8Array, { precision }: Decimal): bigint {
  let value = 0n
  for (const byte of bytes) value = (value << 8n) | BigInt(byte)
  value = BigInt.asIntN(bytes.length * 8, value)
  if ((value < 0n ? -value : value) < 10n ** BigInt(precision)) return value
  throw new Malformed(`the decimal ${value} has over ${precision} digits`)
}

/** Bytes that may stand for a decimal. */
export function valueOfBytes(bytes: Uint8Array, logical: AvroLogical | undefined): Value {
  return logical?.kind === 'decimal' ? decimalOf(bytes, logical) : bytes
}

/** True when the digits after the point are not the same: every value would be off by a power of ten. */
export function differInScale(writer: AvroSchema, reader: AvroSchema): boolean {
  const [left, right] = [scaleOf(writer), scaleOf(reader)]
  return left !== undefined && right !== undefined && left !== right
}

function scaleOf(schema: AvroSchema): number | undefined {
  const logical = 'logical' in schema ? schema.logical : undefined
  return logical?.kind === 'decimal' ? logical.scale : undefined
}
