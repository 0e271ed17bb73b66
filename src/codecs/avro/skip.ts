import { unreachable } from '../../core/error.ts'
import type { ByteInput } from '../byte-input.ts'
import { Malformed } from '../malformed.ts'
import type { AvroSchema } from './schema.ts'

export type SkipAvro = (input: ByteInput) => void

/** Passes over a value that nobody reads. Records may contain themselves: each is prepared once. */
export function skipperOf(schema: AvroSchema, known = new Map<AvroSchema, SkipAvro>()): SkipAvro {
  switch (schema.kind) {
    case 'null':
      return () => {}
    case 'boolean':
      return (input) => void input.boolean()
    case 'int':
    case 'enum':
      return (input) => void input.zigzagInt()
    case 'long':
      return (input) => void input.zigzagLong()
    case 'float':
      return (input) => input.skip(4)
    case 'double':
      return (input) => input.skip(8)
    case 'bytes':
    case 'string':
      return (input) => input.skip(input.zigzagInteger())
    case 'fixed':
      return (input) => input.skip(schema.size)
    case 'array': {
      const skip = skipperOf(schema.items, known)
      return (input) => forEachItem(input, () => skip(input))
    }
    case 'map': {
      const skip = skipperOf(schema.values, known)
      return (input) =>
        forEachItem(input, () => {
          input.skip(input.zigzagInteger())
          skip(input)
        })
    }
    case 'union': {
      const branches = schema.branches.map((branch) => skipperOf(branch, known))
      return (input) => branchOf(branches, input.zigzagInt())(input)
    }
    case 'record':
      return recordSkipper(schema, known)
    default:
      return unreachable(schema)
  }
}

function recordSkipper(
  record: Extract<AvroSchema, { readonly kind: 'record' }>,
  known: Map<AvroSchema, SkipAvro>,
): SkipAvro {
  const made = known.get(record)
  if (made !== undefined) return made
  const fields: SkipAvro[] = []
  const skip: SkipAvro = (input) => {
    for (const field of fields) field(input)
  }
  known.set(record, skip)
  for (const { schema } of record.fields) fields.push(skipperOf(schema, known))
  return skip
}

/** Calls for each item of an array or map, which come in blocks until an empty one. */
export function forEachItem(input: ByteInput, call: () => void): void {
  for (let count = input.zigzagInteger(); count !== 0; count = input.zigzagInteger()) {
    // A negative count has the length of the block behind it, for readers that pass over it whole.
    if (count < 0) input.zigzagInteger()
    for (let left = Math.abs(count); left > 0; left--) {
      input.item()
      call()
    }
  }
}

/** What belongs to the branch of a union that a value says it is of. */
export function branchOf<T>(branches: readonly T[], index: number): T {
  const branch = branches[index]
  if (branch === undefined) {
    throw new Malformed(`a union of ${branches.length} types has no type ${index}`)
  }
  return branch
}
