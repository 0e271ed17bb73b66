import type { ActorSystem, Behaviour, Ref } from '../actors/system.ts'
import type { FileSystem } from '../src/core/file-system.ts'
import type { Http } from '../src/core/http.ts'
import { seededRandom } from '../src/core/random.ts'
import { readConfig } from '../src/session/config.ts'
import { createSession, type Session } from '../src/session/session.ts'
import { actorsOf, clockOf, filesOf, type SimulatedProcess } from './process-gate.ts'
import { simulatedStoreFactory } from './simulated-store.ts'
import { createSimulation, type Simulation } from './simulated-system.ts'
import { slowFileSystem } from './slow-file-system.ts'

/** What a simulated process is made of. */
export interface SimulatedSessionOptions {
  /** Decides every interleaving and every name that is drawn by lot. */
  readonly seed: number
  readonly files: FileSystem
  /** Which life of the same world this is; every earlier one is dead. */
  readonly life: number
  /** Some requests to the disk take long. Default: each is answered before anything else happens. */
  readonly hasSlowDisk?: boolean
  /** Settings of the session, as `config(…)` takes them. */
  readonly config?: Readonly<Record<string, string | number>>
  /** Called with the name of the receiver before a message is sent; `false` = it is lost. */
  readonly onSend?: (actor: string, message: unknown) => boolean
  /** Answers requests over HTTP. Default: nothing is reached. */
  readonly http?: Http
  /** The world that it shares with other processes. Default: it is alone. */
  readonly among?: SharedWorld
}

/** A world with several processes in it. */
export interface SharedWorld {
  readonly simulation: Simulation
  /** The process that the session is in. */
  readonly self: SimulatedProcess
  /** Only those on the same machine see whether it is alive. */
  readonly machine: string
  /** Whether the process of this life is alive, as those on its machine see it. */
  readonly isAlive: (life: number) => boolean
}

/** A session in a world of its own: time, actors, disk and chance come from the seed. */
export interface SimulatedSession {
  readonly session: Session
  readonly simulation: Simulation
}

const lifeMs = 3_600_000
const firstPid = 1000

const noNetwork: Http = async () => {
  throw new Error('a simulated process has no network')
}

/**
 * Starts a process on a simulated machine. Nothing happens by itself: everything that is asked of its
 * session has to go through `simulation.run`.
 */
export function simulatedSession(options: SimulatedSessionOptions): SimulatedSession {
  const { seed, life, hasSlowDisk = false, config = {}, onSend, http = noNetwork, among } = options
  const startMs = 1_600_000_000_000 + life * lifeMs
  const simulation = among?.simulation ?? createSimulation(seed, { startMs })
  const disk = hasSlowDisk ? slowFileSystem(options.files, simulation) : options.files
  const files = among === undefined ? disk : filesOf(among.self, disk)
  const given = { store: 'memory', progress: 'off', maxRestarts: 0, ...config }
  const settings = Object.entries(given).map(([name, value]) => [name, String(value)] as const)
  const session = createSession(readConfig(new Map(settings)), {
    clock: among === undefined ? simulation.clock : clockOf(among.self, simulation.clock),
    random: seededRandom(seed ^ 0x5eed),
    http,
    files,
    process: async () => ({
      pid: firstPid + life,
      startTime: String(life),
      bootId: among?.machine ?? 'simulated',
      isAlive: async ({ pid }) => among?.isAlive(pid - firstPid) ?? false,
    }),
    system: (report) => {
      const all = simulation.system(report)
      const system = among === undefined ? all : actorsOf(among.self, all)
      return onSend === undefined ? system : watched(system, onSend)
    },
    store: () => simulatedStoreFactory(files),
    terminal: { print: () => undefined, status: () => undefined, isInteractive: false },
    temporaryFolder: 'tmp',
  })
  return { session, simulation }
}

/** The same system, with an eye on what is sent. */
function watched(
  system: ActorSystem,
  onSend: NonNullable<SimulatedSessionOptions['onSend']>,
): ActorSystem {
  const watch = <Message>(name: string, ref: Ref<Message>): Ref<Message> => ({
    send(message) {
      if (onSend(name, message)) ref.send(message)
    },
  })
  return {
    // Actors know each other and themselves by the watched reference only.
    spawn<Message>(name: string, begin: (self: Ref<Message>) => Behaviour<Message>) {
      return watch(
        name,
        system.spawn<Message>(name, (self) => begin(watch(name, self))),
      )
    },
    stop: () => system.stop(),
  }
}
