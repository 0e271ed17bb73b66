import { rowsAsText } from '../../properties/laws/rows-as-text.ts'
import type { SinkUnderTest } from '../../properties/laws/sink.ts'
import { type VirtualFileSystem, virtualFileSystem } from '../../properties/virtual-file-system.ts'
import type { Batch } from '../../src/batch/batch.ts'
import { batchOf } from '../../src/batch/build.ts'
import { parseSchema } from '../../src/batch/ddl.ts'
import type { SinkFactory, SourceFactory } from '../../src/connectors/registry.ts'
import type { FileSystem } from '../../src/core/file-system.ts'
import { sinkContext, sourceContext } from './contexts.ts'

/** Of every file. */
export const fileSchema = parseSchema('n LONG, k STRING')

/** Rows that differ by a number. */
export function numbered(numbers: readonly number[]): Batch {
  return batchOf(
    fileSchema,
    numbers.map((n) => [BigInt(n), `k${n % 2}`]),
  )
}

/** What a reader of the folder sees. */
export async function readAll(
  factory: SourceFactory,
  files: FileSystem,
): Promise<readonly string[]> {
  if ((await files.stat('out')) === undefined) return []
  const context = sourceContext(fileSchema, { files, options: new Map([['path', 'out']]) })
  const source = await factory.create(context)
  const from = await source.initial()
  const range = { from, to: await source.latest(from, {}) }
  const rows: string[] = []
  for await (const batch of source.read(range, { index: 0, count: 1 })) {
    rows.push(...rowsAsText(batch))
  }
  return rows
}

/** A folder that a sink writes into and a source reads. */
export function sinkWorld(
  sink: SinkFactory,
  source: SourceFactory,
  partitionBy: readonly string[],
  die: (files: VirtualFileSystem) => VirtualFileSystem,
): SinkUnderTest {
  let files = virtualFileSystem()
  return {
    make: () =>
      sink.create(
        sinkContext(fileSchema, { files, partitionBy, options: new Map([['path', 'out']]) }),
      ),
    batch: numbered,
    visible: () => readAll(source, files),
    kept: async () => hiddenOf(files),
    async crash() {
      files = die(files)
    },
  }
}

/** Files of a sink that no reader sees. */
export function hiddenOf(files: VirtualFileSystem): readonly string[] {
  return files.allFiles().filter((path) => path.startsWith('out/_millrace/hidden/'))
}
