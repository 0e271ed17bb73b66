import { closest } from '../core/closest.ts'
import { StreamError } from '../core/error.ts'
import { arithmeticFunctions } from './functions-arithmetic.ts'
import { avroFunctions } from './functions-avro.ts'
import { collectionFunctions } from './functions-collection.ts'
import { hashFunctions } from './functions-hash.ts'
import { jsonFunctions } from './functions-json.ts'
import { logicFunctions } from './functions-logic.ts'
import { mathFunctions } from './functions-math.ts'
import { missingFunctions } from './functions-missing.ts'
import { protobufFunctions } from './functions-protobuf.ts'
import { stringFunctions } from './functions-string.ts'
import { timeFunctions } from './functions-time.ts'
import type { ScalarFunction } from './signature.ts'

/** The catalogue of scalar functions: one row per function, one family per file. */
export const scalarFunctions: readonly ScalarFunction[] = [
  ...arithmeticFunctions,
  ...avroFunctions,
  ...collectionFunctions,
  ...hashFunctions,
  ...jsonFunctions,
  ...logicFunctions,
  ...mathFunctions,
  ...protobufFunctions,
  ...stringFunctions,
  ...timeFunctions,
]

const byName = new Map(scalarFunctions.flatMap((row) => row.names.map((name) => [name, row])))

/** The function of a name, in any letter case; `undefined` if there is none. */
export function findFunction(name: string): ScalarFunction | undefined {
  return byName.get(name.toLowerCase())
}

/**
 * The function of a name that resolution has seen.
 * @throws StreamError `FUNCTION_NOT_FOUND` with the nearest name, `NOT_PROVIDED`
 */
export function functionNamed(name: string): ScalarFunction {
  const found = findFunction(name)
  if (found !== undefined) return found
  const fix = missingFunctions[name.toLowerCase()]
  if (fix !== undefined) throw new StreamError('NOT_PROVIDED', { what: name, fix })
  throw new StreamError('FUNCTION_NOT_FOUND', { name, closest: closest(name, [...byName.keys()]) })
}
