import type { Batch } from '../../batch/batch.ts'
import { rowsOf } from '../../batch/read.ts'
import type { Schema } from '../../batch/schema.ts'
import type { Value } from '../../batch/value.ts'
import { valueText } from '../../expr/cast.ts'
import { characterCount, sliceCharacters } from '../../expr/text.ts'

/** How Spark's `show` and console sink lay out rows. */
export interface TableOptions {
  /** Rows to show; a line below says when there are more. */
  readonly rowLimit: number
  /** Longest text of a cell, in characters; 0 = whole, which also aligns to the left. */
  readonly truncate: number
}

/** Rows as Spark's table, with a line feed at the end. */
export function tableText(
  schema: Schema,
  batches: readonly Batch[],
  { rowLimit, truncate }: TableOptions,
): string {
  const rows = batches.flatMap(rowsOf)
  const shown = rows.slice(0, rowLimit)
  const header = schema.map((field) => shortened(field.name, truncate))
  const cells = shown.map((row) =>
    schema.map((field, index) => shortened(cellText(row[index] ?? null, field.type), truncate)),
  )
  const widths = header.map((_, index) =>
    Math.max(3, ...[header, ...cells].map((line) => characterCount(line[index] ?? ''))),
  )
  const rule = `+${widths.map((width) => '-'.repeat(width)).join('+')}+\n`
  const line = (texts: readonly string[]): string =>
    `|${texts.map((text, index) => padded(text, widths[index] ?? 0, truncate > 0)).join('|')}|\n`
  const table = `${rule}${line(header)}${rule}${cells.map(line).join('')}${rule}`
  if (rows.length <= rowLimit) return table
  return `${table}only showing top ${rowLimit} ${rowLimit === 1 ? 'row' : 'rows'}\n`
}

function cellText(value: Value, type: Schema[number]['type']): string {
  if (value === null) return 'NULL'
  if (value instanceof Uint8Array) {
    return `[${[...value].map((byte) => byte.toString(16).toUpperCase().padStart(2, '0')).join(' ')}]`
  }
  // A control character would break the lines of the table.
  return valueText(value, type).replace(/[\b\f\n\r\t\v]/g, (found) =>
    JSON.stringify(found).slice(1, -1),
  )
}

function shortened(text: string, truncate: number): string {
  if (truncate <= 0 || characterCount(text) <= truncate) return text
  return truncate < 4
    ? sliceCharacters(text, 0, truncate)
    : `${sliceCharacters(text, 0, truncate - 3)}...`
}

function padded(text: string, width: number, right: boolean): string {
  const space = ' '.repeat(Math.max(0, width - characterCount(text)))
  return right ? space + text : text + space
}
