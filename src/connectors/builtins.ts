import { memorySource } from './memory/source.ts'
import { createRegistry, type Registry } from './registry.ts'
import { rowsSource } from './rows/source.ts'

/** A registry of every format that comes with the package. */
export function builtinRegistry(): Registry {
  return createRegistry([memorySource, rowsSource], [])
}
