import { crc32c } from '../src/core/crc32c.ts'
import { type FileSystem, joinPath } from '../src/core/file-system.ts'
import type { Epoch } from '../src/core/units.ts'
import { deltaFolder, deltaPath, type FileOwner } from './checkpoint-paths.ts'
import { corrupt } from './corrupt.ts'
import type { EntryBlock } from './frozen.ts'
import type { DeltaPart, FilePart, TaskStateHandle } from './manifest.ts'

/** First and last bytes of a delta file; the digit is the version of its layout. */
const magic = new TextEncoder().encode('MILLDLT1')

/** The changes of one shard, ready to be written. */
export interface DeltaBlock {
  readonly operator: string
  readonly shard: number
  readonly block: EntryBlock
}

/** One delta file: who writes it, for which epoch, and what is in it. */
export interface DeltaFile {
  readonly owner: FileOwner
  readonly epoch: Epoch
  readonly blocks: readonly DeltaBlock[]
}

/**
 * Writes all changes of a task in an epoch as one file, durable when it resolves; no file if there
 * are none. The layout is `magic, blocks, index as JSON, u32 index length, u32 index crc, magic`: the
 * manifest has what a restore needs, the index lets a person or a tool read the file alone.
 */
export async function writeDelta(
  files: FileSystem,
  root: string,
  delta: DeltaFile,
): Promise<TaskStateHandle['deltas']> {
  const blocks = delta.blocks.filter(({ block }) => block.length > 0)
  if (blocks.length === 0) return []
  const path = deltaPath(delta.epoch, delta.owner)
  let offset = magic.length
  const index = blocks.map(({ operator, shard, block }) => {
    const part = { path, epoch: delta.epoch, offset, length: block.length, crc: crc32c(block) }
    offset += block.length
    return { operator, shard, part }
  })
  const indexBytes = new TextEncoder().encode(JSON.stringify(index))
  const trailer = new Uint8Array(8)
  const view = new DataView(trailer.buffer)
  view.setUint32(0, indexBytes.length, true)
  view.setUint32(4, crc32c(indexBytes), true)
  const parts = [magic, ...blocks.map(({ block }) => block), indexBytes, trailer, magic]
  await files.create(joinPath(root, path), parts)
  await files.syncFolder(joinPath(root, deltaFolder))
  return index
}

/**
 * The bytes of a part of a checkpoint file, checked.
 * @throws StreamError `CHECKPOINT_CORRUPT` when they are missing or not those that were written.
 */
export async function readPart(
  files: FileSystem,
  root: string,
  part: FilePart,
): Promise<EntryBlock> {
  const path = joinPath(root, part.path)
  const bytes = await files.readRange(path, part.offset, part.length)
  if (bytes === undefined) throw corrupt(path, 'the file is missing')
  if (bytes.length !== part.length) {
    throw corrupt(path, `it ends at byte ${part.offset + bytes.length}, inside a part`)
  }
  if (crc32c(bytes) !== part.crc) {
    throw corrupt(path, `bytes ${part.offset} to ${part.offset + part.length} were changed`)
  }
  return bytes
}

/** The deltas of a shard must follow each other; a manifest that says otherwise was tampered with. */
export function checkDeltaOrder(root: string, deltas: readonly DeltaPart[]): void {
  for (const [index, delta] of deltas.entries()) {
    const before = deltas[index - 1]
    if (before !== undefined && before.epoch >= delta.epoch) {
      throw corrupt(root, `the delta of epoch ${delta.epoch} follows that of ${before.epoch}`)
    }
  }
}
