import { nactSystem } from '../../actors/nact-system.ts'
import { memoryStoreFactory } from '../../state/memory-store.ts'
import { rocksdbStoreFactory } from '../../state/rocksdb-store.ts'
import { StreamError } from '../core/error.ts'
import { nodeMajor, tryInChild } from '../core/node-child.ts'
import { nodeFileSystem } from '../core/node-file-system.ts'
import { nodeHttp } from '../core/node-http.ts'
import { nodeProcessInfo } from '../core/node-process-info.ts'
import { nodeTerminal, temporaryFolder } from '../core/node-terminal.ts'
import { systemRandom } from '../core/random.ts'
import { systemClock } from '../core/system-clock.ts'
import { checkSame, readConfig, type SessionConfig } from './config.ts'
import type { SessionPorts } from './ports.ts'
import { createSession, type Session as SessionInterface } from './session.ts'

/** Sets the options of a session, one by one or as a record, and makes it. */
export interface SessionBuilder {
  appName(name: string): SessionBuilder
  /** Accepted for programs that come from Spark; the engine runs in this process. */
  master(url: string): SessionBuilder
  config(name: string, value: string | number | boolean): SessionBuilder
  config(options: Readonly<Record<string, string | number | boolean>>): SessionBuilder
  /**
   * The session of this process, or a new one with these options. One that runs does not change: where Spark
   * would give it the options, they are refused here unless it has them.
   * @throws StreamError `OPTION_UNKNOWN`, `CONFIG_INVALID`
   */
  getOrCreate(): SessionInterface
}

/** The front door of the engine; made by `Session.builder`. */
export type Session = SessionInterface

/** Makes sessions: `Session.builder.appName('…').getOrCreate()`. */
export const Session = {
  get builder(): SessionBuilder {
    return builderOf(new Map())
  },
} as const

let current: { readonly session: SessionInterface; readonly config: SessionConfig } | undefined

function builderOf(given: ReadonlyMap<string, string>): SessionBuilder {
  const withOptions = (more: Readonly<Record<string, unknown>>): SessionBuilder => {
    const next = new Map(given)
    for (const [name, value] of Object.entries(more)) next.set(name, optionText(name, value))
    return builderOf(next)
  }
  return {
    appName: (name) => withOptions({ appName: name }),
    master: () => builderOf(given),
    config: (
      nameOrOptions: string | Readonly<Record<string, string | number | boolean>>,
      value?: string | number | boolean,
    ) =>
      withOptions(typeof nameOrOptions === 'string' ? { [nameOrOptions]: value } : nameOrOptions),
    getOrCreate() {
      if (current !== undefined) {
        checkSame(given, current.config)
        return current.session
      }
      const config = readConfig(given)
      const session = createSession(config, realPorts(), () => {
        if (current?.session === session) current = undefined
      })
      current = { session, config }
      return session
    },
  }
}

function optionText(name: string, value: unknown): string {
  if (['string', 'number', 'boolean'].includes(typeof value)) return String(value)
  throw new StreamError('CONFIG_INVALID', {
    option: name,
    value: String(value),
    expected: 'a text, number or boolean',
  })
}

function realPorts(): SessionPorts {
  const files = nodeFileSystem()
  const clock = systemClock()
  const rocksdb = rocksdbStoreFactory({
    files,
    clock,
    // The prebuilt binary is known to work under Node 20; newer builds may not get on with it.
    ...(nodeMajor <= 20
      ? {}
      : { tryOut: ({ program, args }) => tryInChild(program, args, 20_000) }),
  })
  return {
    clock,
    random: systemRandom(),
    http: nodeHttp,
    files,
    process: () => nodeProcessInfo(files),
    system: nactSystem,
    store: (kind) => (kind === 'rocksdb' ? rocksdb : memoryStoreFactory(files)),
    terminal: nodeTerminal(),
    temporaryFolder: temporaryFolder(),
  }
}
