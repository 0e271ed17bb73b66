import type { Value } from '../../batch/value.ts'
import { StreamError, unreachable } from '../../core/error.ts'
import type { ByteInput } from '../byte-input.ts'
import { Malformed } from '../malformed.ts'
import { NoDefault, valueOfDefault } from './fallback.ts'
import { differInScale, timestampOf, valueOfBytes } from './meaning.ts'
import {
  type AvroEnum,
  type AvroRecord,
  type AvroSchema,
  type AvroUnion,
  avroName,
  bareName,
} from './schema.ts'
import { branchOf, forEachItem, skipperOf } from './skip.ts'
import { placeInUnion } from './union-value.ts'

/** Reads one value that begins at the input. */
export type ReadAvro = (input: ByteInput) => Value

/** Two schemas that do not go together; the message says where and why. */
class Unresolvable extends Error {}

/**
 * Reads what was written with one schema as the values of another, by Avro's rules of resolution. As in
 * Avro's own library for Java, names of records are compared only to choose the branch of a union.
 * @throws StreamError `SCHEMAS_INCOMPATIBLE`
 */
export function avroReader(writer: AvroSchema, reader: AvroSchema): ReadAvro {
  try {
    return resolved(writer, reader)
  } catch (cause) {
    if (!(cause instanceof Unresolvable || cause instanceof NoDefault)) throw cause
    const details = { writer: avroName(writer), reader: avroName(reader), why: cause.message }
    throw new StreamError('SCHEMAS_INCOMPATIBLE', details, { cause })
  }
}

function resolved(writer: AvroSchema, reader: AvroSchema): ReadAvro {
  if (writer.kind === 'union') return fromUnion(writer, reader)
  if (reader.kind === 'union') return intoUnion(writer, reader)
  switch (reader.kind) {
    case 'null':
      return writer.kind === 'null' ? () => null : mismatch(writer, reader)
    case 'boolean':
      return writer.kind === 'boolean' ? (input) => input.boolean() : mismatch(writer, reader)
    case 'int':
      return writer.kind === 'int' ? (input) => input.zigzagInt() : mismatch(writer, reader)
    case 'long':
      return longReader(writer, reader)
    case 'float':
    case 'double':
      return floatReader(writer, reader)
    case 'string':
    case 'bytes':
      return bytesReader(writer, reader)
    case 'fixed':
      return fixedReader(writer, reader)
    case 'enum':
      return enumReader(writer, reader)
    case 'array':
      return arrayReader(writer, reader)
    case 'map':
      return mapReader(writer, reader)
    case 'record':
      return recordReader(writer, reader)
    default:
      return unreachable(reader)
  }
}

type Kind<K extends AvroSchema['kind']> = Extract<AvroSchema, { readonly kind: K }>

/** A branch that cannot be read ends the row that is of it, not those of the others. */
function fromUnion(writer: AvroUnion, reader: AvroSchema): ReadAvro {
  const outcomes = writer.branches.map((branch) => attempt(branch, reader))
  const ofValues = outcomes.filter((_, index) => writer.branches[index]?.kind !== 'null')
  const judged = ofValues.length === 0 ? outcomes : ofValues
  const [failure] = judged
  if (failure instanceof Unresolvable && judged.every((each) => each instanceof Unresolvable)) {
    throw failure
  }
  const branches = outcomes.map((outcome): ReadAvro => {
    if (!(outcome instanceof Unresolvable)) return outcome
    return () => {
      throw new Malformed(outcome.message)
    }
  })
  return (input) => branchOf(branches, input.zigzagInt())(input)
}

function attempt(writer: AvroSchema, reader: AvroSchema): ReadAvro | Unresolvable {
  try {
    return resolved(writer, reader)
  } catch (thrown) {
    if (thrown instanceof Unresolvable) return thrown
    throw thrown
  }
}

/** The branch of the same name goes first, then one of the same kind, then any that the value can become. */
function intoUnion(writer: AvroSchema, reader: AvroUnion): ReadAvro {
  const ranked = reader.branches
    .map((branch, index) => ({ branch, index, rank: rankOf(writer, branch) }))
    .toSorted((left, right) => left.rank - right.rank)
  for (const { branch, index } of ranked) {
    const read = attempt(writer, branch)
    if (read instanceof Unresolvable) continue
    const place = placeInUnion(reader, index)
    return (input) => place(read(input))
  }
  return mismatch(writer, reader)
}

function rankOf(writer: AvroSchema, reader: AvroSchema): number {
  if (writer.kind !== reader.kind) return 3
  if (!('name' in writer) || !('name' in reader)) return 0
  if (writer.name === reader.name) return 0
  return hasSameName(writer, reader) ? 1 : 2
}

function hasSameName(
  writer: { readonly name: string },
  reader: { readonly name: string; readonly aliases: readonly string[] },
): boolean {
  const names = [reader.name, ...reader.aliases]
  return names.some((name) => bareName(name) === bareName(writer.name))
}

function longReader(writer: AvroSchema, reader: Kind<'long'>): ReadAvro {
  const { logical } = reader
  if (writer.kind !== 'int' && writer.kind !== 'long') return mismatch(writer, reader)
  if (logical?.kind === 'timestamp') return (input) => timestampOf(input.zigzagInteger(), logical)
  return writer.kind === 'int'
    ? (input) => BigInt(input.zigzagInt())
    : (input) => input.zigzagLong()
}

function floatReader(writer: AvroSchema, reader: Kind<'float' | 'double'>): ReadAvro {
  const isFloat = reader.kind === 'float'
  switch (writer.kind) {
    case 'int':
      return isFloat ? (input) => Math.fround(input.zigzagInt()) : (input) => input.zigzagInt()
    case 'long':
      return isFloat
        ? (input) => Math.fround(Number(input.zigzagLong()))
        : (input) => Number(input.zigzagLong())
    case 'float':
      return (input) => input.float()
    case 'double':
      return isFloat ? mismatch(writer, reader) : (input) => input.double()
    default:
      return mismatch(writer, reader)
  }
}

function bytesReader(writer: AvroSchema, reader: Kind<'string' | 'bytes'>): ReadAvro {
  if (writer.kind !== 'string' && writer.kind !== 'bytes') return mismatch(writer, reader)
  if (reader.kind === 'string') return (input) => input.text(input.zigzagInteger())
  if (differInScale(writer, reader)) return mismatch(writer, reader, 'the scales differ')
  const { logical } = reader
  return (input) => valueOfBytes(input.bytes(input.zigzagInteger()), logical)
}

function fixedReader(writer: AvroSchema, reader: Kind<'fixed'>): ReadAvro {
  if (writer.kind !== 'fixed' || !hasSameName(writer, reader)) return mismatch(writer, reader)
  const { size, logical } = reader
  if (writer.size !== size) return mismatch(writer, reader, 'the sizes differ')
  if (differInScale(writer, reader)) return mismatch(writer, reader, 'the scales differ')
  return (input) => valueOfBytes(input.bytes(size), logical)
}

function enumReader(writer: AvroSchema, reader: AvroEnum): ReadAvro {
  if (writer.kind !== 'enum' || !hasSameName(writer, reader)) return mismatch(writer, reader)
  const texts = writer.symbols.map((symbol) =>
    reader.symbols.includes(symbol) ? symbol : reader.fallback,
  )
  return (input) => {
    const index = input.zigzagInt()
    const text = texts[index]
    if (text !== undefined) return text
    const symbol = writer.symbols[index] ?? `number ${index}`
    throw new Malformed(`the enum ${reader.name} has no symbol ${symbol}`)
  }
}

function arrayReader(writer: AvroSchema, reader: Kind<'array'>): ReadAvro {
  if (writer.kind !== 'array') return mismatch(writer, reader)
  const read = resolved(writer.items, reader.items)
  return (input) => {
    const items: Value[] = []
    forEachItem(input, () => items.push(read(input)))
    return items
  }
}

function mapReader(writer: AvroSchema, reader: Kind<'map'>): ReadAvro {
  if (writer.kind !== 'map') return mismatch(writer, reader)
  const read = resolved(writer.values, reader.values)
  return (input) => {
    // The last of several values of one key counts.
    const entries = new Map<string, Value>()
    forEachItem(input, () => {
      const key = input.text(input.zigzagInteger())
      entries.set(key, read(input))
    })
    return { entries: [...entries] }
  }
}

/** Where the value of a field goes; nowhere (−1) if nobody reads it. */
interface FieldStep {
  readonly slot: number
  readonly read: ReadAvro
}

function recordReader(writer: AvroSchema, reader: AvroRecord): ReadAvro {
  if (writer.kind !== 'record') return mismatch(writer, reader)
  const slotOf = new Map<string, number>()
  const initial: Value[] = reader.fields.map((field, slot) => {
    const { name, aliases, schema, fallback } = field
    const found = [name, ...aliases].find((each) => hasField(writer, each))
    if (found !== undefined) {
      slotOf.set(found, slot)
      return null
    }
    if (fallback !== undefined) return valueOfDefault(schema, fallback.json)
    throw new Unresolvable(`${avroName(writer)} has no field ${name}, which has no default`)
  })
  const steps = writer.fields.map(({ name, schema }): FieldStep => {
    const slot = slotOf.get(name)
    const field = slot === undefined ? undefined : reader.fields[slot]
    if (slot !== undefined && field !== undefined) {
      return { slot, read: resolved(schema, field.schema) }
    }
    const skip = skipperOf(schema)
    const read = (input: ByteInput): null => {
      skip(input)
      return null
    }
    return { slot: -1, read }
  })
  return (input) => {
    const values = initial.slice()
    for (const { slot, read } of steps) {
      const value = read(input)
      if (slot >= 0) values[slot] = value
    }
    return values
  }
}

function hasField({ fields }: AvroRecord, name: string): boolean {
  return fields.some((field) => field.name === name)
}

function mismatch(writer: AvroSchema, reader: AvroSchema, why?: string): never {
  throw new Unresolvable(
    `${avroName(writer)} cannot become ${avroName(reader)}${why === undefined ? '' : `, as ${why}`}`,
  )
}
