import { StreamError } from '../../core/error.ts'
import { joinPath } from '../../core/file-system.ts'
import type { Sink } from '../../flow/connector.ts'
import { type HiddenFiles, hiddenFiles } from './hidden-files.ts'
import { type FileOutput, writeBatch } from './output.ts'
import { hiddenOf, showFiles } from './publish.ts'

/** What a batch write does about an output that exists. */
type SaveMode = 'append' | 'overwrite' | 'error' | 'ignore'

/**
 * One write of a whole result. Nothing is visible, and with `overwrite` nothing is removed, before
 * all of it is on the disk. File names carry the id of the write, so that writes can be added up.
 */
export function batchFileSink(context: FileOutput, mode: SaveMode): Sink {
  const { files, path, encoder, extension } = context
  let hidden: HiddenFiles | undefined
  let place = ''
  let isIgnored = false

  const visibleNames = async (): Promise<readonly string[]> =>
    (await files.list(path)).map(({ name }) => name).filter((name) => !/^[._]/.test(name))

  return {
    description: `files of ${path}`,
    kind: 'repeatable',
    async open({ queryId, token }) {
      const stat = await files.stat(path)
      const isFile = stat !== undefined && !stat.isFolder
      const isThere = isFile || (await visibleNames()).length > 0
      // A file in the place of the folder can neither be added to nor be replaced.
      if (isThere && (mode === 'error' || (isFile && mode !== 'ignore'))) {
        throw new StreamError('SINK_EXISTS', { path })
      }
      isIgnored = isThere && mode === 'ignore'
      if (isIgnored) return
      place = joinPath('_millrace', `batch-${queryId}`)
      await files.makeFolder(joinPath(path, place))
      hidden = hiddenFiles({
        files,
        path,
        place,
        token,
        head: encoder.head,
        nameOf: (_, index) => `part-${queryId.slice(0, 8)}-${index}.${extension}`,
      })
    },
    async write(batch, epoch) {
      if (hidden !== undefined) await writeBatch(hidden, encoder.encode, batch, epoch)
    },
    async prepare(epoch) {
      const list = hidden === undefined ? [] : await hidden.finish(epoch)
      return { files: list.map(([from, to]) => [from, to]) }
    },
    async commit(epoch, committable) {
      if (isIgnored) return
      if (mode === 'overwrite') {
        for (const { name, isFolder } of await files.list(path)) {
          if (/^[._]/.test(name)) continue
          if (isFolder) await files.removeFolder(joinPath(path, name))
          else await files.remove(joinPath(path, name))
        }
      }
      await showFiles(files, path, hiddenOf(committable), epoch)
    },
    async abort(epoch) {
      await hidden?.drop(epoch)
    },
    async close() {
      if (place !== '') await files.removeFolder(joinPath(path, place))
    },
  }
}
