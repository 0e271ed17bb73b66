import { StreamError } from '../../src/core/error.ts'
import { type Random, seededRandom } from '../../src/core/random.ts'
import type { LogicalPlan } from '../../src/plan/logical.ts'
import { type KeptTable, type KeptTableOptions, keptTable } from '../kept-table.ts'
import {
  type VirtualDiskOptions,
  type VirtualFileSystem,
  virtualFileSystem,
} from '../virtual-file-system.ts'
import { ownPrefix } from './crash-inputs.ts'
import { beginLife, type CrashPipeline, type Disturbance, type Machine } from './crash-life.ts'
import type { SinkUnderCrash, SourceUnderCrash } from './own-parts.ts'
import { type CrashStep, type StepWatch, stepWatch } from './step-watch.ts'

/** One machine over all lives of its process: the disk, the table elsewhere, and what has arrived. */
export interface CrashWorld {
  readonly table: KeptTable
  readonly ownSink: SinkUnderCrash | undefined
  readonly ownSources: readonly (SourceUnderCrash | undefined)[]
  /** The disk as the last life left it. */
  disk(): VirtualFileSystem
  /** Changes or deletes a file behind everybody's back; what it held before is remembered by nobody. */
  damage(path: string, change: (bytes: Uint8Array) => Uint8Array | undefined): void
  /** How many items have arrived so far. */
  arrived(): number
  /** Runs a process until it ends, or dies, or its query fails on a bad disk. */
  live(disturbance?: Disturbance): Promise<Life>
  /** Runs a process up to a step and stops it there, so that another may take its place. */
  sleepAt(step: number): Promise<Sleeper>
  /** Runs a process to its end, and keeps what a death before any of its steps would have left. */
  liveAndKeep(): Promise<KeptLife>
  /** Entries of the log that were deleted as too old, by path. */
  forgotten(): ReadonlyMap<string, Uint8Array>
  /**
   * All that the next process finds, as text: where it is equal, that process does the same, step by step.
   * `undefined` with parts of one's own that have no `state`.
   */
  state(): string | undefined
  /** The plan of the last life. */
  plan(): LogicalPlan
  /** The input of each scan by its name in the plan. */
  inputOf(source: string): number
}

/** What a process did. */
export interface Life {
  readonly died: boolean
  /** What it asked of the disk and the table, and the messages of its actors. */
  readonly steps: readonly CrashStep[]
  /** Why its query failed, on a disk with faults. */
  readonly error: StreamError | undefined
}

/** A process that was stopped. */
export interface Sleeper {
  /** `false`: it came to its end before. */
  readonly sleeps: boolean
  /** How many queries it has started on the checkpoint, one after the other. */
  readonly queries: number
  /** Lets it go on until it ends, fails, or has nothing to do; gives the steps that it took. */
  wake(): Promise<readonly CrashStep[]>
}

/** A life that was seen from all its steps. */
export interface KeptLife extends Life {
  /**
   * The world that a death before a step leaves. `undefined` with parts of one's own that have no `twin`: what
   * these have outside cannot be copied, so the process has to live and die again.
   */
  worldAt(step: number): CrashWorld | undefined
}

/** A machine whose process died in another time: its disk, and how many items had arrived. */
export function crashWorldFrom(
  pipeline: CrashPipeline,
  seed: number,
  { disk, arrived }: { readonly disk: VirtualFileSystem; readonly arrived: number },
): CrashWorld {
  return worldOf({ ...newMachine(pipeline, seed), disk, arrived, lives: 1 })
}

/** A new machine; the seed decides interleavings, names drawn by lot, and what power cuts leave. */
export function crashWorld(
  pipeline: CrashPipeline,
  seed: number,
  options?: KeptTableOptions,
): CrashWorld {
  return worldOf(newMachine(pipeline, seed, options))
}

function newMachine(pipeline: CrashPipeline, seed: number, options?: KeptTableOptions): Machine {
  return {
    pipeline,
    seed,
    table: keptTable(options),
    disk: undefined,
    forgotten: new Map(),
    ownSink: pipeline.ownSink?.(),
    ownSources: pipeline.schemas.map((_, index) => pipeline.ownSources?.[index]?.()),
    arrived: 0,
    lives: 0,
    plan: undefined,
  }
}

function worldOf(machine: Machine): CrashWorld {
  const { table, ownSink, ownSources } = machine
  return {
    table,
    ownSink,
    ownSources,
    async live(disturbance = {}) {
      const { dieAt = Number.POSITIVE_INFINITY, fault } = disturbance
      const death = deathOf(machine, dieAt)
      const watch = stepWatch(dieAt)
      const files = diskOf(machine, {
        random: death.random,
        onStep: watch.step,
        ...(fault === undefined
          ? {}
          : { fault: (request) => fault(watch.steps.length - 1, request) }),
      })
      const error = await runLife(machine, files, watch, disturbance)
      const died = watch.isDead()
      machine.disk = died ? death.leaves(files) : files.kill()
      settleLog(machine, files)
      return { died, steps: watch.steps, error }
    },
    async sleepAt(step) {
      const watch = stepWatch(Number.POSITIVE_INFINITY)
      const files = diskOf(machine, { onStep: watch.step })
      const { simulation, end, queries } = beginLife(machine, files, watch, {})
      // What it says when nobody listens any more is not looked at.
      end.catch(() => undefined)
      await simulation.run(end, { isDead: () => watch.steps.length >= step })
      machine.disk = files.kill()
      rememberLog(machine)
      return {
        sleeps: watch.steps.length >= step,
        queries: queries(),
        async wake() {
          const before = watch.steps.length
          await simulation.run(end).catch(() => undefined)
          return watch.steps.slice(before)
        },
      }
    },
    async liveAndKeep() {
      const worlds: (() => CrashWorld)[] = []
      const { lives } = machine
      const canBeKept = [ownSink, ...ownSources].every(
        (own) => own === undefined || own.twin !== undefined,
      )
      const watch = stepWatch(Number.POSITIVE_INFINITY)
      const files = diskOf(machine, { onStep: watch.step })
      if (canBeKept) watch.before = (step) => worlds.push(kept(machine, files, { lives, step }))
      await runLife(machine, files, watch, {})
      machine.disk = files.kill()
      rememberLog(machine)
      const worldAt = (step: number): CrashWorld | undefined => worlds[step]?.()
      return { died: false, steps: watch.steps, error: undefined, worldAt }
    },
    disk: () => machine.disk ?? virtualFileSystem(),
    damage(path, change) {
      // Behind the beginning of the log entries wait for their deletion: nobody reads what is damaged there.
      if (!isPruned(machine, path)) machine.forgotten.delete(path)
      machine.disk?.tamper(path, change)
    },
    arrived: () => machine.arrived,
    forgotten: () => machine.forgotten,
    state() {
      const own = [ownSink, ...ownSources].map((part) => (part === undefined ? '' : part.state?.()))
      if (own.includes(undefined)) return undefined
      const { lives, arrived, disk, forgotten } = machine
      const gone = [...forgotten].map(
        ([path, bytes]) => `${path} ${new TextDecoder('latin1').decode(bytes)}`,
      )
      return [lives, arrived, table.state(), ...gone, disk?.state(), ...own].join('\n')
    },
    plan() {
      if (machine.plan === undefined) throw new Error('nothing has lived yet')
      return machine.plan
    },
    inputOf(source) {
      // Streams in memory are numbered in the order in which they were made.
      const number = Number(source.split('-').at(-1))
      if (source.startsWith(ownPrefix)) return number
      return [...ownSources.keys()].filter((at) => ownSources[at] === undefined)[number] ?? 0
    },
  }
}

/** Where a process dies: before which step of which life. */
interface DeathPlace {
  readonly pipeline: CrashPipeline
  readonly seed: number
  /** How many lives there were before. */
  readonly lives: number
}

/** How a death before a step comes: with a power cut or without, and what that leaves. */
function deathOf(
  { pipeline, seed, lives }: DeathPlace,
  step: number,
): { readonly random: Random; readonly leaves: (files: VirtualFileSystem) => VirtualFileSystem } {
  const random = seededRandom(seed * 31 + lives * 7 + Math.min(step, 1e6))
  const drawn = random.next() < 0.75
  const isPowerCut = pipeline.cutsPower?.(lives) ?? drawn
  return { random, leaves: (files) => (isPowerCut ? files.crash() : files.kill()) }
}

function diskOf(machine: Machine, options: VirtualDiskOptions): VirtualFileSystem {
  const disk = machine.disk ?? virtualFileSystem()
  return disk.kill({
    ...options,
    onStep(name, number) {
      options.onStep?.(name, number)
      const [, path] = /^remove (.*\/log\/\d+)$/.exec(name) ?? []
      if (path !== undefined) remember(machine, disk, path)
    },
  })
}

/** Whoever judges the epochs has to know all of them: what stands in the log is remembered when it goes … */
function remember({ forgotten }: Machine, disk: VirtualFileSystem, path: string): void {
  const entry = forgotten.has(path) ? undefined : disk.readNow(path)
  if (entry !== undefined) forgotten.set(path, entry)
}

/** … and at the end of a life, before anybody damages it. */
function rememberLog(machine: Machine): void {
  const { disk } = machine
  for (const path of disk?.allFiles() ?? []) {
    if (disk !== undefined && /\/log\/\d+$/.test(path)) remember(machine, disk, path)
  }
}

/** What a power cut took from the log was never durable: what stands there later is the entry of its number. */
function settleLog(machine: Machine, before: VirtualFileSystem): void {
  const left = new Set(machine.disk?.allFiles())
  for (const path of before.allFiles()) if (!left.has(path)) machine.forgotten.delete(path)
  rememberLog(machine)
}

/** Whether the log has been noted to begin behind this entry. */
function isPruned({ disk }: Machine, path: string): boolean {
  const [, folder, digits] = /^(.*\/log\/)(\d+)$/.exec(path) ?? []
  if (disk === undefined || folder === undefined) return false
  const noted = disk.allFiles().filter((file) => file.startsWith(`${folder}first-`))
  return noted.some((file) => Number(file.slice(`${folder}first-`.length)) > Number(digits))
}

/** What there is at this moment, as the world after a death here. */
function kept(
  machine: Machine,
  files: VirtualFileSystem,
  { lives, step }: { readonly lives: number; readonly step: number },
): () => CrashWorld {
  const { pipeline, seed, arrived, plan } = machine
  const disk = files.twin()
  const table = machine.table.twin()
  const own = ownTwins(machine)
  const forgotten = new Map(machine.forgotten)
  return () => {
    const death = deathOf({ pipeline, seed, lives }, step)
    const left = death.leaves(disk.twin({ random: death.random }))
    const dead: Machine = {
      ...machine,
      ...ownTwins(own),
      table: table.twin(),
      disk: left,
      forgotten: new Map(forgotten),
      arrived,
      lives: lives + 1,
      plan,
    }
    settleLog(dead, disk)
    return worldOf(dead)
  }
}

/** Parts of one's own with all they have outside, once more. */
function ownTwins({
  ownSink,
  ownSources,
}: Pick<Machine, 'ownSink' | 'ownSources'>): Pick<Machine, 'ownSink' | 'ownSources'> {
  return {
    ownSink: ownSink?.twin?.(),
    ownSources: ownSources.map((own) => own?.twin?.()),
  }
}

/** One life of the process: to its end, or until it dies; the answer is why its query failed on a bad disk. */
async function runLife(
  machine: Machine,
  files: VirtualFileSystem,
  watch: StepWatch,
  disturbance: Disturbance,
): Promise<StreamError | undefined> {
  const { simulation, end } = beginLife(machine, files, watch, disturbance)
  try {
    await simulation.run(end, { isDead: watch.isDead })
  } catch (thrown) {
    if (disturbance.fault !== undefined && thrown instanceof StreamError) return thrown
    // What a dying process says is heard by nobody.
    if (!watch.isDead()) throw thrown
  }
  return undefined
}
