import type { Value } from '../../batch/value.ts'
import { Malformed } from '../malformed.ts'
import { defaultOf, namedDefault } from './default-value.ts'
import type { FieldShape, StructShape, ValueShape } from './sql-type.ts'

/** How fields that the bytes do not have are read. */
export interface ProtoReading {
  /** Fields that do not tell whether they were set are their defaults rather than NULL. */
  readonly emitsDefaults: boolean
}

/** Makes the values of a message of what came in; see `decode.ts`. */
type Finish = (found: unknown) => Value

/** @throws Malformed (later) when a field is missing that must be there */
export function finisherOf(shape: StructShape, reading: ProtoReading): Finish {
  const finishes = shape.fields.map((each) => fieldFinisher(each, reading))
  return (found) => {
    // In place: nobody else has it, and there is one for each message of each row.
    const slots: unknown[] = Array.isArray(found) ? found : []
    for (let slot = 0; slot < finishes.length; slot++) {
      slots[slot] = (finishes[slot] as Finish)(slots[slot])
    }
    return slots as Value[]
  }
}

function fieldFinisher(each: FieldShape, reading: ProtoReading): Finish {
  const { field, key, value } = each
  const one = valueFinisher(value, reading)
  if (key !== undefined) {
    return (found) => {
      const map: ReadonlyMap<Value, unknown> = found instanceof Map ? found : new Map()
      return { entries: [...map].map(([name, item]) => [name, one(item)]) }
    }
  }
  switch (field.label) {
    case 'repeated':
      if (value.struct === undefined) return (found) => (Array.isArray(found) ? found : [])
      return (found) => (Array.isArray(found) ? found.map(one) : [])
    case 'required':
      return (found) => {
        if (found === null) throw new Malformed(`the required field ${field.name} is not there`)
        return one(found)
      }
    default:
      return singularFinisher(each, one, reading)
  }
}

/** A field that does not tell whether it was set has its default, set or not. */
function singularFinisher(
  { field, value }: FieldShape,
  one: Finish,
  reading: ProtoReading,
): Finish {
  const initial = defaultOf(value)
  const missing =
    namedDefault(field, value) ?? (reading.emitsDefaults && !field.hasPresence ? initial : null)
  if (field.hasPresence || reading.emitsDefaults) {
    return (found) => (found === null ? missing : one(found))
  }
  const isDefault: (found: unknown) => boolean =
    initial instanceof Uint8Array
      ? (found) => found instanceof Uint8Array && found.length === 0
      : (found) => Object.is(found, initial)
  return (found) => (found === null || isDefault(found) ? missing : one(found))
}

function valueFinisher({ struct }: ValueShape, reading: ProtoReading): Finish {
  // What is no struct came in as a value.
  if (struct === undefined) return (found) => found as Value
  return finisherOf(struct, reading)
}
