import type { Column } from '../../batch/batch.ts'
import { columnOf } from '../../batch/build.ts'
import type { DataType, Schema } from '../../batch/schema.ts'
import type { Value } from '../../batch/value.ts'
import { StreamError } from '../../core/error.ts'
import { castValue } from '../../expr/cast.ts'

/** The folder name of NULL; Hive's. */
const nullName = '__HIVE_DEFAULT_PARTITION__'

/** `key=value`, with everything escaped that a name of a folder must not have. */
export function partitionFolder(name: string, text: string | null): string {
  return `${escapeName(name)}=${text === null || text === '' ? nullName : escapeName(text)}`
}

/** The values that the `key=value` folders of a path give, by lower-case key. */
export function partitionTexts(path: string): ReadonlyMap<string, string | null> {
  const found = new Map<string, string | null>()
  for (const folder of path.split('/').slice(0, -1)) {
    const cut = folder.indexOf('=')
    if (cut <= 0) continue
    const text = folder.slice(cut + 1)
    found.set(
      unescapeName(folder.slice(0, cut)).toLowerCase(),
      text === nullName ? null : unescapeName(text),
    )
  }
  return found
}

/** A column that has the same value in every row, given as the text of a folder's name. */
export function partitionColumn(type: DataType, text: string | null, rowCount: number): Column {
  const value: Value =
    text === null ? null : castValue(text, { from: { kind: 'string' }, to: type })
  return columnOf(type, new Array<Value>(rowCount).fill(value))
}

/**
 * The positions in `schema` of the columns to divide by.
 * @throws StreamError `CONFIG_INVALID` for names that are no column, or when no column would be left
 */
export function partitionPositions(schema: Schema, names: readonly string[]): readonly number[] {
  const found = names.map((name) => {
    const index = schema.findIndex((field) => field.name.toLowerCase() === name.toLowerCase())
    if (index >= 0) return index
    throw new StreamError('COLUMN_NOT_FOUND', {
      column: name,
      available: schema.map((field) => field.name).join(', '),
      closest: schema[0]?.name ?? '',
    })
  })
  if (found.length === 0 || found.length < schema.length) return found
  throw new StreamError('CONFIG_INVALID', {
    option: 'partitionBy',
    value: names.join(', '),
    expected: 'at least one column that is not in it',
  })
}

function escapeName(text: string): string {
  return [...text].map((char) => (isForbidden(char) ? hex(char) : char)).join('')
}

function isForbidden(char: string): boolean {
  return char < ' ' || '"#%\'*/:=?\\\u007F{}[]^'.includes(char)
}

function hex(char: string): string {
  return `%${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`
}

function unescapeName(name: string): string {
  return name.replace(/%([0-9A-Fa-f]{2})/g, (_, code: string) =>
    String.fromCharCode(Number.parseInt(code, 16)),
  )
}
