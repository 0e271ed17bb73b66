import { compareBytes } from '../../batch/compare.ts'
import { StreamError } from '../../core/error.ts'
import { type FileSystem, folderOf, joinPath } from '../../core/file-system.ts'
import type { Json } from '../../core/json.ts'
import type { Epoch } from '../../core/units.ts'
import type { HiddenFile } from './hidden-files.ts'

/**
 * Gives hidden files their visible names and makes these durable. A second name instead of a rename:
 * a power cut between the two halves of a rename across folders could lose both names. May be
 * repeated as long as the hidden files are there.
 */
export async function showFiles(
  files: FileSystem,
  path: string,
  hidden: readonly HiddenFile[],
  epoch: Epoch,
): Promise<void> {
  const folders = new Set(hidden.map(([, visible]) => folderOf(joinPath(path, visible))))
  for (const folder of folders) await files.makeFolder(folder)
  for (const [from, to] of hidden) {
    const source = joinPath(path, from)
    const target = joinPath(path, to)
    const isNew = await files.link(source, target)
    if (!isNew && !(await isSame(files, source, target))) {
      const why = `${target} exists and has another content`
      throw new StreamError('SINK_COMMIT_FAILED', { sink: path, epoch, why })
    }
  }
  for (const folder of folders) await files.syncFolder(folder)
}

async function isSame(files: FileSystem, left: string, right: string): Promise<boolean> {
  const [a, b] = [await files.read(left), await files.read(right)]
  return a !== undefined && b !== undefined && compareBytes(a, b) === 0
}

/** Creates a file whole or not at all; `false` if the name is taken. */
export async function publishOnce(
  files: FileSystem,
  path: string,
  temporary: string,
  content: Json,
): Promise<boolean> {
  await files.remove(temporary)
  await files.create(temporary, new TextEncoder().encode(`${JSON.stringify(content)}\n`))
  const isFirst = await files.link(temporary, path)
  await files.syncFolder(folderOf(path))
  await files.remove(temporary)
  return isFirst
}

/** The list of files in a committable. */
export function hiddenOf(committable: Json): readonly HiddenFile[] {
  const found =
    typeof committable === 'object' && committable !== null && !Array.isArray(committable)
      ? Object.entries(committable).find(([key]) => key === 'files')?.[1]
      : undefined
  if (!Array.isArray(found)) throw damaged(committable)
  return found.map((pair: unknown) => {
    const [from, to]: unknown[] = Array.isArray(pair) ? pair : []
    if (typeof from === 'string' && typeof to === 'string') return [from, to] as const
    throw damaged(committable)
  })
}

function damaged(committable: Json): StreamError<'CHECKPOINT_CORRUPT'> {
  return new StreamError('CHECKPOINT_CORRUPT', {
    path: 'the committable of a file sink',
    what: `${JSON.stringify(committable)} is no list of files`,
  })
}
