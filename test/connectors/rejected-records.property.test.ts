import fc from 'fast-check'
import { expect, test } from 'vitest'
import { virtualFileSystem } from '../../properties/virtual-file-system.ts'
import { type Batch, liveRows } from '../../src/batch/batch.ts'
import { parseSchema } from '../../src/batch/ddl.ts'
import { rowsOf } from '../../src/batch/read.ts'
import { jsonSource } from '../../src/connectors/files/source.ts'
import type { Source } from '../../src/flow/connector.ts'
import type { Position } from '../../src/flow/message.ts'
import { sourceContext } from './contexts.ts'

const schema = parseSchema('n LONG')

/** What batches bring, good rows and rejected records in the order of their lines. */
function linesOf(batches: readonly Batch[]): readonly string[] {
  return batches.flatMap((batch) => {
    const lines: string[] = []
    const rejected = [...(batch.rejected ?? [])]
    const rows = rowsOf(batch)
    for (let row = 0; row <= liveRows(batch); row++) {
      while (rejected[0]?.before === row) lines.push(rejected.shift()?.record ?? '')
      if (row < rows.length) lines.push(`{"n":${rows[row]?.[0]}}`)
    }
    return [...lines, ...rejected.map(({ record }) => `lost its place: ${record}`)]
  })
}

const line = fc.oneof(
  fc.nat({ max: 99 }).map((n) => `{"n":${n}}`),
  fc.nat({ max: 99 }).map((n) => `{"n":"bad ${n}"}`),
)
const files = fc.array(fc.array(line, { maxLength: 8 }), { minLength: 1, maxLength: 3 })

async function sourceOver(
  contents: readonly (readonly string[])[],
): Promise<() => Promise<Source>> {
  const disk = virtualFileSystem()
  await disk.makeFolder('in')
  for (const [index, lines] of contents.entries()) {
    const text = lines.map((each) => `${each}\n`).join('')
    await disk.create(`in/${index}`, new TextEncoder().encode(text))
  }
  const options = new Map([
    ['path', 'in'],
    ['mode', 'DEADLETTER'],
  ])
  return () => jsonSource.create(sourceContext(schema, { files: disk, options, folder: 'seen' }))
}

async function readRange(source: Source, from: Position, to: Position): Promise<readonly string[]> {
  const batches: Batch[] = []
  for await (const batch of source.read({ from, to }, { index: 0, count: 1 })) batches.push(batch)
  return linesOf(batches)
}

test('every record that is no row is brought once, however polls, restarts and replays fall', async () => {
  await fc.assert(
    fc.asyncProperty(
      files,
      fc.array(fc.tuple(fc.nat({ max: 3 }), fc.boolean())),
      async (all, polls) => {
        const open = await sourceOver(all)
        let source = await open()
        let position = await source.initial()
        const found: string[] = []
        for (let turn = 0; ; turn++) {
          const [size, restarts] = polls[turn] ?? [3, false]
          const polled = await source.poll(position, size + 1)
          if (polled === undefined) break
          const lines = linesOf([polled.batch])
          // An epoch that runs again after a crash reads the same.
          const again = await readRange(source, position, polled.position)
          expect(again).toEqual(lines)
          found.push(...lines)
          position = polled.position
          if (!restarts) continue
          await source.close()
          source = await open()
        }
        expect(found).toEqual(all.flat())
        const start = await source.initial()
        expect(await readRange(source, start, await source.latest(start, {}))).toEqual(all.flat())
        await source.close()
      },
    ),
    { numRuns: 300 },
  )
}, 60_000)
