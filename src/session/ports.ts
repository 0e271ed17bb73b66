import type { ActorFailure, ActorSystem } from '../../actors/system.ts'
import type { StateStoreFactory } from '../../state/store.ts'
import type { Clock } from '../core/clock.ts'
import type { FileSystem } from '../core/file-system.ts'
import type { Http } from '../core/http.ts'
import type { ProcessInfo } from '../core/process-info.ts'
import type { Random } from '../core/random.ts'

/** Everything outside of the engine that a session touches. Tests put simulations here. */
export interface SessionPorts {
  readonly clock: Clock
  readonly random: Random
  readonly http: Http
  readonly files: FileSystem
  readonly process: () => Promise<ProcessInfo>
  readonly system: (report: (failure: ActorFailure) => void) => ActorSystem
  readonly store: (kind: 'rocksdb' | 'memory') => StateStoreFactory
  readonly terminal: Terminal
  /** A folder for what may be lost when the process ends. */
  readonly temporaryFolder: string
}

/** Where text for the user goes. */
export interface Terminal {
  /** Standard output. */
  print(text: string): void
  /** Shows a line in place of the last one; does nothing where that is not possible. */
  status(line: string): void
  readonly isInteractive: boolean
}
