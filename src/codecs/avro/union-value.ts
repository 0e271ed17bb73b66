import type { Value } from '../../batch/value.ts'
import { type AvroUnion, valueBranches } from './schema.ts'
import { numbersOf } from './sql-type.ts'

/** What the value of a branch is as a value of its union; see `sqlTypeOfAvro`. */
export function placeInUnion(union: AvroUnion, index: number): (value: Value) => Value {
  const branch = union.branches[index]
  const values = valueBranches(union)
  const widest = numbersOf(union)
  if (widest?.kind === 'long' && branch?.kind === 'int') return (value) => BigInt(Number(value))
  if (widest !== undefined || values.length < 2 || branch?.kind === 'null') return (value) => value
  const slot = branch === undefined ? -1 : values.indexOf(branch)
  const empty = values.map((): Value => null)
  return (value) => {
    const members = empty.slice()
    members[slot] = value
    return members
  }
}
