import { StreamError } from '../../core/error.ts'
import { type FileSystem, folderOf, joinPath } from '../../core/file-system.ts'
import { choiceOption, invalidOption, optionOf, settledOption, textOption } from '../option-spec.ts'
import type { SourceContext } from '../registry.ts'
import type { SeenLog } from './seen-log.ts'

export const cleanSourceOption = choiceOption({
  name: 'cleanSource',
  description:
    'What happens to a file once its rows are committed: nothing (off), it moves to sourceArchiveDir (archive), or it is deleted. Best effort: a file may stay after a crash.',
  initial: 'off',
  choices: ['off', 'archive', 'delete'],
})

export const archiveDirOption = textOption({
  name: 'sourceArchiveDir',
  description: 'Where cleanSource archive moves files to, under their own paths.',
})

/**
 * The clean-up of a source: called with the number of files whose rows are committed. A batch read
 * cleans nothing, as it has no commits that would survive it.
 * @throws StreamError `CONFIG_INVALID` when the archive is missing, or would be read as input
 */
export function fileCleaner(
  { options, files, folder }: Pick<SourceContext, 'options' | 'files' | 'folder'>,
  path: string,
  log: SeenLog,
): (before: number) => Promise<void> {
  const kind = settledOption(options, cleanSourceOption)
  const archive = optionOf(options, archiveDirOption)
  if (kind === 'archive') checkArchive(archive, path)
  if (kind === 'off' || folder === undefined) return async () => undefined
  let cleaned = 0
  return async (before) => {
    const first = log.end - log.entries().length
    for (let number = Math.max(cleaned, first); number < before; number++) {
      await putAway(files, log.at(number).path, kind === 'archive' ? archive : undefined)
      cleaned = number + 1
    }
  }
}

function checkArchive(archive: string | undefined, path: string): void {
  if (archive === undefined) {
    const spec = { ...archiveDirOption, expected: 'a folder, as cleanSource is archive,' }
    throw invalidOption(spec, 'left out')
  }
  // Up to the first part with a wildcard: what lies beside it could match it.
  const parts = path.split('/')
  const wild = parts.findIndex((part) => /[*?[{]/.test(part))
  const root = wild < 0 ? path : parts.slice(0, wild).join('/')
  if (asFolder(archive).startsWith(asFolder(root))) {
    const spec = { ...archiveDirOption, expected: `a folder outside of ${root}` }
    throw invalidOption(spec, archive)
  }
}

function asFolder(path: string): string {
  return joinPath(path.replace(/^(\.\/+)+/, ''), '/')
}

async function putAway(
  files: FileSystem,
  path: string,
  archive: string | undefined,
): Promise<void> {
  try {
    if (archive === undefined) return await files.remove(path)
    if ((await files.stat(path)) === undefined) return
    const target = joinPath(archive, path)
    await files.makeFolder(folderOf(target))
    await files.rename(path, target)
  } catch (thrown) {
    // Its rows are committed already: a file that cannot be put away must not stop the query.
    if (!(thrown instanceof StreamError) || thrown.code !== 'IO_ERROR') throw thrown
  }
}
