import { expect, test } from 'vitest'
import { virtualFileSystem } from '../../properties/virtual-file-system.ts'
import { rowsOf } from '../../src/batch/read.ts'
import type { Value } from '../../src/batch/value.ts'
import { textSource } from '../../src/connectors/files/source.ts'
import { checkOptions } from '../../src/connectors/registry.ts'
import type { FileSystem } from '../../src/core/file-system.ts'
import type { Source } from '../../src/flow/connector.ts'
import { sourceContext } from './contexts.ts'

async function twoFiles(): Promise<FileSystem> {
  const files = virtualFileSystem()
  await files.makeFolder('in')
  for (const name of ['a', 'b']) {
    await files.create(`in/${name}.txt`, new TextEncoder().encode(`${name}\n`))
  }
  return files
}

async function open(
  files: FileSystem,
  options: Readonly<Record<string, string>>,
  isBatch = false,
): Promise<Source> {
  const checked = checkOptions(textSource, { path: 'in', maxFilesPerTrigger: '1', ...options })
  const folder = isBatch ? undefined : 'checkpoint/sources/in'
  const schema = textSource.schemaFor(checked, undefined)
  return await textSource.create(sourceContext(schema, { files, options: checked, folder }))
}

/** Takes one file a time, and says that the first epoch is committed. */
async function commitFirst(source: Source): Promise<void> {
  const first = await source.latest({ '0': 0 }, { maxFiles: 1 })
  expect(first).toEqual({ '0': 1 })
  expect(await source.latest(first, { maxFiles: 1 })).toEqual({ '0': 2 })
  await source.commit(first)
}

async function namesIn(files: FileSystem, folder: string): Promise<readonly string[]> {
  return (await files.list(folder)).map(({ name }) => name).sort()
}

async function rowsBetween(source: Source, from: number, to: number): Promise<Value[]> {
  const range = { from: { '0': from }, to: { '0': to } }
  const rows: Value[][] = []
  for await (const batch of source.read(range, { index: 0, count: 1 })) rows.push(...rowsOf(batch))
  return rows.flat()
}

test('cleanSource delete removes files whose rows are committed, and no others', async () => {
  const files = await twoFiles()
  const source = await open(files, { cleanSource: 'delete' })
  await commitFirst(source)
  expect(await namesIn(files, 'in')).toEqual(['b.txt'])
  expect(await rowsBetween(source, 1, 2)).toEqual(['b'])
})

test('cleanSource archive moves files under their own paths, and repeating the commit is harmless', async () => {
  const files = await twoFiles()
  const source = await open(files, { cleanSource: 'archive', sourceArchiveDir: 'old' })
  await commitFirst(source)
  await source.commit({ '0': 1 })
  await source.close()
  const again = await open(files, { cleanSource: 'archive', sourceArchiveDir: 'old' })
  await again.commit({ '0': 1 })
  expect(await namesIn(files, 'in')).toEqual(['b.txt'])
  expect(await namesIn(files, 'old/in')).toEqual(['a.txt'])
  expect(await again.latest({ '0': 1 }, {})).toEqual({ '0': 2 })
})

test('files stay without cleanSource, and in a batch read', async () => {
  const files = await twoFiles()
  await commitFirst(await open(files, {}))
  const batch = await open(files, { cleanSource: 'delete' }, true)
  await batch.commit(await batch.latest({ '0': 0 }, {}))
  expect(await namesIn(files, 'in')).toEqual(['a.txt', 'b.txt'])
})

test.each<[Readonly<Record<string, string>>]>([
  [{ cleanSource: 'archive' }],
  [{ cleanSource: 'archive', sourceArchiveDir: 'in/old' }],
  [{ cleanSource: 'archive', sourceArchiveDir: './in' }],
  [{ cleanSource: 'archive', sourceArchiveDir: 'in/old', path: 'in/*.txt' }],
  [{ cleanSource: 'maybe' }],
])('an archive that is missing or would be read as input is refused: %j', async (options) => {
  const files = await twoFiles()
  await expect(open(files, options)).rejects.toMatchObject({ code: 'CONFIG_INVALID' })
})
