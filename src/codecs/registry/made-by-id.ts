import { StreamError } from '../../core/error.ts'
import { schemaOf } from './questions.ts'
import type { RegisteredSchema, Registry } from './registry.ts'

/** More schemas than this are not those of one topic. */
const keptMax = 500

type Made<T> = { readonly result: T } | { readonly failure: StreamError }

/**
 * Makes something of each schema of a registry once, also if that fails: a topic of such values would have it
 * tried for every one. Gives `undefined` where the registry has to be asked first.
 */
export function madeById<T>(
  registry: Registry,
  make: (schema: RegisteredSchema, id: number) => T,
): (id: number) => T | undefined {
  const kept = new Map<number, Made<T>>()
  return (id) => {
    let made = kept.get(id)
    if (made === undefined) {
      const schema = schemaOf(registry, id)
      if (schema === undefined) return undefined
      made = attempt(() => make(schema, id))
      if (kept.size >= keptMax) kept.clear()
      kept.set(id, made)
    }
    if ('failure' in made) throw made.failure
    return made.result
  }
}

function attempt<T>(make: () => T): Made<T> {
  try {
    return { result: make() }
  } catch (thrown) {
    if (thrown instanceof StreamError) return { failure: thrown }
    throw thrown
  }
}
