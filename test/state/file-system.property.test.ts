import { mkdtempSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, expect, test } from 'vitest'
import { virtualFileSystem } from '../../properties/virtual-file-system.ts'
import { StreamError } from '../../src/core/error.ts'
import type { FileSystem } from '../../src/core/file-system.ts'
import { nodeFileSystem } from '../../src/core/node-file-system.ts'
import { seededRandom } from '../../src/core/random.ts'

const root = mkdtempSync(join(tmpdir(), 'millrace-files-'))
afterAll(() => rm(root, { recursive: true, force: true }))

const name = fc.constantFrom('a', 'b', 'x/a', 'x/b', 'x/y/c')
const folder = fc.constantFrom('', 'x', 'x/y', 'z')
const bytes = fc.uint8Array({ maxLength: 6 })

/** One call of the port, and what of its answer both implementations must agree on. */
type Call = (files: FileSystem, base: string) => Promise<unknown>

const calls: fc.Arbitrary<Call> = fc.oneof(
  fc.tuple(name, bytes).map(
    ([at, content]): Call =>
      (files, base) =>
        files.create(join(base, at), content),
  ),
  fc.tuple(name, bytes).map(
    ([at, content]): Call =>
      async (files, base) => {
        const file = await files.append(join(base, at))
        await file.append(content)
        await file.sync()
        await file.close()
      },
  ),
  name.map(
    (at): Call =>
      (files, base) =>
        files.read(join(base, at)).then(plain),
  ),
  fc.tuple(name, fc.nat(8), fc.nat(8)).map(
    ([at, offset, length]): Call =>
      (files, base) =>
        files.readRange(join(base, at), offset, length).then(plain),
  ),
  fc.tuple(name, fc.nat(8), fc.nat(8)).map(
    ([at, offset, length]): Call =>
      async (files, base) => {
        const file = await files.openRead(join(base, at))
        // Who has it open reads on when its name is gone.
        await files.remove(join(base, at))
        const piece = await file?.read(offset, length)
        await file?.close()
        return plain(piece)
      },
  ),
  fc.tuple(name, name).map(
    ([from, to]): Call =>
      (files, base) =>
        files.link(join(base, from), join(base, to)),
  ),
  fc.tuple(name, name).map(
    ([from, to]): Call =>
      (files, base) =>
        files.rename(join(base, from), join(base, to)),
  ),
  fc.tuple(name, name).map(
    ([from, to]): Call =>
      (files, base) =>
        files.copy(join(base, from), join(base, to)),
  ),
  name.map(
    (at): Call =>
      (files, base) =>
        files.remove(join(base, at)),
  ),
  folder.map(
    (at): Call =>
      (files, base) =>
        files.makeFolder(join(base, at)),
  ),
  folder.map(
    (at): Call =>
      (files, base) =>
        files.syncFolder(join(base, at)),
  ),
  fc.constantFrom('x', 'x/y', 'z').map(
    (at): Call =>
      (files, base) =>
        files.removeFolder(join(base, at)),
  ),
  folder.map(
    (at): Call =>
      async (files, base) => {
        const found = await files.list(join(base, at))
        return found.map(({ name: of, isFolder }) => `${of} ${isFolder}`).toSorted()
      },
  ),
  name.map(
    (at): Call =>
      async (files, base) =>
        (await files.stat(join(base, at)))?.byteLength,
  ),
)

function plain(found: Uint8Array | undefined): readonly number[] | undefined {
  return found === undefined ? undefined : [...found]
}

async function answer(files: FileSystem, base: string, call: Call): Promise<unknown> {
  try {
    return await call(files, base)
  } catch (thrown) {
    return thrown instanceof StreamError ? thrown.code : thrown
  }
}

test('the virtual disk and the real one answer alike', async () => {
  const real = nodeFileSystem()
  let runs = 0
  await fc.assert(
    fc.asyncProperty(fc.array(calls, { maxLength: 30, size: 'max' }), async (program) => {
      const base = join(root, `run-${runs++}`)
      const virtual = virtualFileSystem()
      for (const files of [real, virtual]) await files.makeFolder(base)
      for (const call of program) {
        expect(await answer(virtual, base, call)).toEqual(await answer(real, base, call))
      }
    }),
    { numRuns: 60 },
  )
})

test('a rename between two names of one file keeps both, on either disk', async () => {
  for (const files of [nodeFileSystem(), virtualFileSystem()]) {
    const base = join(root, 'names')
    await files.makeFolder(base)
    await files.create(join(base, 'one'), new Uint8Array([1]))
    expect(await files.link(join(base, 'one'), join(base, 'two'))).toBe(true)
    await files.rename(join(base, 'one'), join(base, 'two'))
    const left = await files.list(base)
    expect(left.map(({ name: of }) => of).toSorted()).toEqual(['one', 'two'])
  }
})

test('a power cut keeps what was synced, and may lose anything else', async () => {
  const outcomes = new Set<string>()
  for (let seed = 0; seed < 200; seed++) {
    const disk = virtualFileSystem({ random: seededRandom(seed) })
    await disk.makeFolder('d')
    await disk.create('d/kept', new Uint8Array([1]))
    await disk.syncFolder('d')
    await disk.create('d/name', new Uint8Array([2]))
    const file = await disk.append('d/kept')
    await file.append(new Uint8Array([7, 7, 7]))
    const found = disk.crash()
    const kept = (await found.read('d/kept')) ?? new Uint8Array()
    expect(kept[0]).toBe(1)
    expect(kept.length).toBeLessThanOrEqual(4)
    outcomes.add(`tail of ${kept.length - 1} ${kept.subarray(1).every((byte) => byte === 7)}`)
    outcomes.add(`name ${(await found.read('d/name'))?.join()}`)
  }
  expect([...outcomes].toSorted()).toEqual(
    expect.arrayContaining([
      'name 2',
      'name undefined',
      'tail of 0 true',
      'tail of 3 false',
      'tail of 3 true',
    ]),
  )
})
