import { nactSystem } from '../../actors/nact-system.ts'
import { nodeFileSystem } from '../../src/core/node-file-system.ts'
import { nodeHttp } from '../../src/core/node-http.ts'
import { nodeProcessInfo } from '../../src/core/node-process-info.ts'
import { systemRandom } from '../../src/core/random.ts'
import { systemClock } from '../../src/core/system-clock.ts'
import { readConfig } from '../../src/session/config.ts'
import { createSession, type Session } from '../../src/session/session.ts'
import { memoryStoreFactory } from '../../state/memory-store.ts'
import { rocksdbStoreFactory } from '../../state/rocksdb-store.ts'

/** A session of this process that is not its only one, on its files and clock; it prints nothing. */
export function realSession(
  temporaryFolder: string,
  options: Readonly<Record<string, string>>,
): Session {
  const files = nodeFileSystem()
  const clock = systemClock()
  return createSession(readConfig(new Map(Object.entries(options))), {
    clock,
    random: systemRandom(),
    http: nodeHttp,
    files,
    process: () => nodeProcessInfo(files),
    system: nactSystem,
    store: (kind) =>
      kind === 'rocksdb' ? rocksdbStoreFactory({ files, clock }) : memoryStoreFactory(files),
    terminal: { print: () => undefined, status: () => undefined, isInteractive: false },
    temporaryFolder,
  })
}
