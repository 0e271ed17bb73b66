import type { AppendFile, FileSystem } from '../src/core/file-system.ts'
import type { Simulation } from './simulated-system.ts'

/** How many of the requests take long, and for how many turns at most: each disk is one of these. */
const kinds = [
  { share: 0.5, turnsMax: 12 },
  { share: 0.2, turnsMax: 40 },
  { share: 0.1, turnsMax: 200 },
]

/**
 * The same disk, some of whose requests take long: others go first, as they do while a real disk is at work. Whoever
 * goes on without waiting for an answer is found out.
 */
export function slowFileSystem(
  files: FileSystem,
  { pause, chance }: Pick<Simulation, 'pause' | 'chance'>,
): FileSystem {
  const { share, turnsMax } = kinds[Math.floor(chance() * kinds.length)] ?? {
    share: 1,
    turnsMax: 1,
  }
  const later = <Given extends readonly unknown[], Result>(
    request: (...given: Given) => Promise<Result>,
  ): ((...given: Given) => Promise<Result>) => {
    return async (...given) => {
      const turns = chance() < share ? Math.ceil(chance() * turnsMax) : 0
      for (let turn = 0; turn < turns; turn++) await pause()
      return await request(...given)
    }
  }
  const appended = ({ append, sync, close }: AppendFile): AppendFile => ({
    append: later(append),
    sync: later(sync),
    close,
  })
  return {
    ...files,
    read: later(files.read),
    readRange: later(files.readRange),
    async openRead(path) {
      const file = await files.openRead(path)
      return file === undefined ? undefined : { ...file, read: later(file.read) }
    },
    create: later(files.create),
    append: async (path) => appended(await later(files.append)(path)),
    copy: later(files.copy),
    link: later(files.link),
    rename: later(files.rename),
    remove: later(files.remove),
    stat: later(files.stat),
    makeFolder: later(files.makeFolder),
    removeFolder: later(files.removeFolder),
    syncFolder: later(files.syncFolder),
    list: later(files.list),
  }
}
