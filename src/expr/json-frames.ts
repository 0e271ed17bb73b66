import type { Value } from '../batch/value.ts'
import { Malformed } from '../codecs/malformed.ts'
import { frameBytes, framed, framedId } from '../codecs/registry/frame.ts'
import { idOf } from '../codecs/registry/questions.ts'
import { registrationOf, registryOf } from '../codecs/registry/registry.ts'
import { StreamError } from '../core/error.ts'
import { madeOnce } from './constant-arguments.ts'
import { constantValues, optionsOf } from './option-arguments.ts'
import type { Argument } from './signature.ts'
import { textOf } from './value-of.ts'

/** The text of a schema for JSON, which `to_json` registers; nothing checks that the values keep to it. */
const schemaOption = 'jsonschema'

/** True when options, known beforehand, say that values have the frame of a registry. */
export function areFramed(options: readonly Argument[]): boolean {
  const values = constantValues(options)
  return values !== undefined && registryOf(optionsOf(values)) !== undefined
}

const decoder = new TextDecoder()
const encoder = new TextEncoder()

/**
 * The JSON of a value, which is bytes where it is framed. What the frame says is not looked up: JSON has the
 * names of its fields in it.
 */
export function jsonTextOf(given: Value | undefined): {
  readonly text: string
  readonly isWhole: boolean
} {
  if (!(given instanceof Uint8Array)) return { text: textOf(given), isWhole: true }
  try {
    framedId(given)
  } catch (thrown) {
    if (!(thrown instanceof Malformed)) throw thrown
    return { text: decoder.decode(given), isWhole: false }
  }
  return { text: decoder.decode(given.subarray(frameBytes)), isWhole: true }
}

/** JSON text behind the frame that options ask for; NULL where the registry has to be asked first. */
export function jsonInFrame(text: string, options: readonly Value[]): Value {
  const frame = framerOf(options, undefined)
  return frame === undefined ? text : frame(text)
}

const framerOf = madeOnce((constants): ((text: string) => Value) | undefined => {
  const options = optionsOf(constants)
  if (registryOf(options) === undefined) return undefined
  const schema = options.get(schemaOption)
  if (schema === undefined) {
    throw new StreamError('CONFIG_INVALID', {
      option: 'jsonSchema',
      value: 'left out',
      expected: 'the schema for JSON that is registered',
    })
  }
  const registration = registrationOf(options, { kind: 'JSON', text: schema })
  let id: number | undefined
  return (text) => {
    id ??= registration === undefined ? undefined : idOf(registration)
    return id === undefined ? null : framed(id, encoder.encode(text))
  }
})
