import { nactSystem } from '../../actors/nact-system.ts'
import { nodeFileSystem } from '../../src/core/node-file-system.ts'
import { nodeHttp } from '../../src/core/node-http.ts'
import { nodeProcessInfo } from '../../src/core/node-process-info.ts'
import { nodeTerminal, temporaryFolder } from '../../src/core/node-terminal.ts'
import { systemRandom } from '../../src/core/random.ts'
import { systemClock } from '../../src/core/system-clock.ts'
import { Session } from '../../src/index.ts'
import { readConfig } from '../../src/session/config.ts'
import { createSession } from '../../src/session/session.ts'
import { memoryStoreFactory } from '../../state/memory-store.ts'
import { rocksdbStoreFactory } from '../../state/rocksdb-store.ts'
import type { OpenSession } from './adapter.ts'

/**
 * Sessions as users make them. Only where a case moves the time by hand are the ports put in from
 * here: the real ones but for the clock.
 */
export const openSession: OpenSession = (config, clock) => {
  if (clock === undefined) return Session.builder.config(config).getOrCreate()
  const files = nodeFileSystem()
  const texts = Object.entries(config).map(([name, value]): [string, string] => [
    name,
    String(value),
  ])
  return createSession(readConfig(new Map(texts)), {
    clock,
    random: systemRandom(),
    http: nodeHttp,
    files,
    process: () => nodeProcessInfo(files),
    system: nactSystem,
    // The store waits for the disk, which does not stand still with the time of the case.
    store: (kind) =>
      kind === 'rocksdb'
        ? rocksdbStoreFactory({ files, clock: systemClock() })
        : memoryStoreFactory(files),
    terminal: nodeTerminal(),
    temporaryFolder: temporaryFolder(),
  })
}
