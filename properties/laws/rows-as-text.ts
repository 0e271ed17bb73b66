import type { Batch } from '../../src/batch/batch.ts'
import { rowsOf } from '../../src/batch/read.ts'
import type { Value } from '../../src/batch/value.ts'

/** The live rows, each as a text that is equal for equal values and differs for others. */
export function rowsAsText(batch: Batch): readonly string[] {
  return rowsOf(batch).map((row) => row.map(valueAsText).join(' | '))
}

function valueAsText(value: Value): string {
  if (typeof value === 'bigint') return `${value}n`
  if (Object.is(value, -0)) return '-0'
  if (value instanceof Uint8Array) return `bytes ${[...value].join(' ')}`
  if (value === null || typeof value !== 'object') {
    return typeof value === 'string' ? JSON.stringify(value) : String(value)
  }
  if ('entries' in value && !Array.isArray(value)) {
    const { entries } = value as { readonly entries: readonly (readonly [Value, Value])[] }
    return `{${entries.map(([key, item]) => `${valueAsText(key)}: ${valueAsText(item)}`).join(', ')}}`
  }
  return `[${(value as readonly Value[]).map(valueAsText).join(', ')}]`
}

/** Fails with both lists when they are not equal. */
export function mustEqual(
  what: string,
  actual: readonly string[],
  expected: readonly string[],
): void {
  const isEqual =
    actual.length === expected.length && actual.every((text, index) => text === expected[index])
  if (isEqual) return
  throw new Error(`${what}\n  expected: ${listed(expected)}\n  actual:   ${listed(actual)}`)
}

function listed(texts: readonly string[]): string {
  const shown = texts.slice(0, 20).join('; ')
  return `${texts.length} rows: ${shown}${texts.length > 20 ? ' …' : ''}`
}
