import { type Batch, liveRows, type RejectedRecord, rowNumbers } from '../../batch/batch.ts'
import { type LineDecoder, nullableSchema, withRejected } from '../../batch/line-decoder.ts'
import type { Field, Schema } from '../../batch/schema.ts'
import type { FileSystem } from '../../core/file-system.ts'
import { readSchema, type SourceContext } from '../registry.ts'
import type { FileFormat } from './formats.ts'
import type { FoundFile } from './list-files.ts'
import { partitionColumn, partitionTexts } from './partition-path.ts'
import { type PieceBuffers, pieceBuffers, readFile } from './read-file.ts'

/** Reads files one after another with one decoder. */
export interface FileRows {
  /** All rows of a file, or only those that are wanted, with the number of the others. */
  read(files: FileSystem, file: FoundFile, which: 'all' | 'wanted'): AsyncIterable<Batch>
}

/**
 * Batches with exactly the columns that the scan asks for. A column named by a `key=value` folder of
 * a file's path has that value in all its rows; the others are decoded.
 */
export function fileRows(context: SourceContext, format: FileFormat): FileRows {
  const { schema, options, wanted: values = [] } = context
  const wanted = readSchema(context)
  const output = nullableSchema(wanted)
  const makeDecoder = (
    isDecoded: (field: Field) => boolean,
    which: 'all' | 'wanted',
  ): LineDecoder => {
    const inLines = schema.filter(isDecoded)
    const needed = wanted.filter(isDecoded)
    const columns = format.needsWholeRow(options, needed)
      ? inLines.map((_, index) => index)
      : needed.map((field) => inLines.indexOf(field))
    const lines = { schema: inLines, columns, wanted: which === 'all' ? [] : values }
    if (format.badRecords(options) === undefined) {
      return format.decoder(options, { ...lines, reject: () => undefined })
    }
    return withRejected((reject) => format.decoder(options, { ...lines, reject }))
  }
  // A decoder learns from what it reads, so it is kept for the next file with the same columns. Kept is
  // only what came to the end of its file: a read ahead may still be under way into other buffers.
  const idle = new Map<string, LineDecoder[]>()
  const idleBuffers: PieceBuffers[] = []
  return {
    async *read(files, file, which) {
      const folders = partitionTexts(file.path)
      const key = [which, ...folders.keys()].join('/')
      const decoders = idle.get(key) ?? []
      idle.set(key, decoders)
      const decoder =
        decoders.pop() ?? makeDecoder(({ name }) => !folders.has(name.toLowerCase()), which)
      const isSame = sameNames(decoder.schema, output)
      const buffers = idleBuffers.pop() ?? pieceBuffers()
      for await (const batch of readFile(files, file, decoder, buffers)) {
        yield isSame ? batch : assembled(batch, output, folders)
      }
      decoders.push(decoder)
      idleBuffers.push(buffers)
    },
  }
}

function sameNames(left: Schema, right: Schema): boolean {
  return (
    left.length === right.length && left.every((field, index) => field.name === right[index]?.name)
  )
}

function assembled(
  batch: Batch,
  schema: Schema,
  folders: ReadonlyMap<string, string | null>,
): Batch {
  const columns = schema.map(({ name, type }) => {
    const index = batch.schema.findIndex((field) => field.name === name)
    const decoded = batch.columns[index]
    if (decoded !== undefined) return decoded
    return partitionColumn(type, folders.get(name.toLowerCase()) ?? null, batch.rowCount)
  })
  return { ...batch, schema, columns }
}

/**
 * The rows from number `start` to before number `stop` of what comes. A rejected record belongs with the
 * row that it stands before.
 */
export async function* cutRows(
  batches: AsyncIterable<Batch>,
  start: number,
  stop = Number.POSITIVE_INFINITY,
): AsyncIterable<Batch> {
  let row = 0
  for await (const batch of batches) {
    const count = liveRows(batch)
    const from = Math.max(0, start - row)
    const to = Math.min(count, stop - row)
    row += count
    const rejected = rejectedIn(batch, start - (row - count), stop - (row - count))
    const isWhole = from === 0 && to === count && rejected.length === (batch.rejected ?? []).length
    if (isWhole) yield batch
    else if (from < to || rejected.length > 0) {
      yield { ...between(batch, Math.min(from, to), to), ...moved(rejected, from) }
    }
    if (row >= stop) return
  }
}

/** Live rows by their place among the live rows, without what was rejected. */
export function between({ rejected: _, ...batch }: Batch, from: number, to: number): Batch {
  const rows = rowNumbers(batch)
  return { ...batch, selection: rows.subarray(from, to) }
}

/** The rejected records that stand before the rows from number `from` to before number `to`. */
export function rejectedIn(
  { rejected = [] }: Batch,
  from: number,
  to: number,
): readonly RejectedRecord[] {
  return rejected.filter(({ before }) => before >= from && before < to)
}

/** Rejected records for a batch that lacks the first rows of theirs; nothing if there are none. */
export function moved(
  records: readonly RejectedRecord[],
  missing: number,
): Pick<Batch, 'rejected'> {
  if (records.length === 0) return {}
  return {
    rejected: records.map((each) => ({ ...each, before: Math.max(0, each.before - missing) })),
  }
}
