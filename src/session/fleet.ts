import { checkOptions } from '../connectors/registry.ts'
import { milliseconds } from '../core/duration.ts'
import { StreamError } from '../core/error.ts'
import { joinPath } from '../core/file-system.ts'
import type { DataFrame } from '../dataframe/data-frame.ts'
import type { Fleet, FleetOptions } from '../dataframe/fleet.ts'
import type { Launch, WriteSpec } from '../dataframe/launch.ts'
import type { StreamingQuery } from '../dataframe/streaming-query.ts'
import type {
  PartitionMembership,
  PartitionOwner,
  PartitionSharing,
  SharingOptions,
} from '../flow/partition-sharing.ts'
import { type LogicalPlan, rewrite, type Scan } from '../plan/logical.ts'
import { partitionLocalScan } from '../plan/partition-local.ts'
import { lastingFolder } from './checkpoint-place.ts'
import type { Engine } from './engine.ts'
import { type FleetCharter, fleetCharter } from './fleet-charter.ts'
import { checkSink } from './formats.ts'
import { plannedQuery } from './planned-query.ts'
import { asStreamError } from './query-record.ts'
import { resultSinkOf } from './query-sinks.ts'
import { startQuery } from './start-query.ts'
import { timeoutMs, within } from './timeout.ts'

/** A fleet between its refusals and its end. */
interface OwnFleet {
  readonly engine: Engine
  readonly launch: Launch
  readonly plan: LogicalPlan
  readonly spec: WriteSpec
  readonly scan: Scan
  /** Folder of all checkpoints. */
  readonly root: string
  readonly sharingOptions: SharingOptions
  /** Partitions that the group has given to this process. */
  readonly owned: Set<string>
  readonly queries: Map<string, StreamingQuery<DataFrame>>
  membership: PartitionMembership | undefined
  isStopping: boolean
  failure: StreamError | undefined
}

/** What the partitions of a fleet have in common once it has begun. */
interface Begun {
  readonly sharing: PartitionSharing
  readonly charter: FleetCharter
}

/**
 * Takes part in a query that several processes run. Each partition of its source is a query of its own, with a checkpoint
 * below that of the fleet; a group of the source's brokers says which process works on which. That only
 * says whose turn it is to try: who may write is decided by the log of the partition's checkpoint.
 *
 * @throws StreamError `STREAMING_UNSUPPORTED`, `CONFIG_INVALID`, and what `startQuery` refuses at once
 */
export function startFleet(
  engine: Engine,
  launch: Launch,
  plan: LogicalPlan,
  spec: WriteSpec,
  options: FleetOptions,
): Fleet<DataFrame> {
  const scan = partitionLocalScan(plan)
  const root = fleetFolder(engine, scan, spec)
  const own: OwnFleet = {
    // A partition is read by one task.
    engine: { ...engine, config: { ...engine.config, lanes: 1 } },
    launch,
    plan,
    spec,
    scan,
    root,
    sharingOptions: sharingOptionsOf(options),
    owned: new Set(),
    queries: new Map(),
    membership: undefined,
    isStopping: false,
    failure: undefined,
  }
  plannedQuery(own.engine, plan, spec, root)
  checkSink(engine.registry, resultSinkOf(engine, launch, plan, spec))
  let isActive = true
  const done = takePart(own)
    .catch((thrown: unknown) => {
      own.failure ??= asStreamError(thrown)
    })
    .finally(() => {
      isActive = false
      engine.fleets.delete(fleet)
      engine.streams.hasEnded(fleet)
    })
  const fleet: Fleet<DataFrame> = {
    get isActive() {
      return isActive
    },
    get queries() {
      return new Map(own.queries)
    },
    async awaitTermination(timeout) {
      if (timeout === undefined) await done
      else if (!(await within(engine.ports.clock, done, timeoutMs(timeout)))) return false
      if (own.failure !== undefined) throw own.failure
      return true
    },
    exception: () => own.failure,
    async stop() {
      end(own)
      await done
    },
  }
  engine.fleets.add(fleet)
  return fleet
}

/** @throws StreamError for what no fleet can be made of */
function fleetFolder({ config, registry }: Engine, scan: Scan, spec: WriteSpec): string {
  if (registry.source(scan.format).share === undefined) {
    throw new StreamError('STREAMING_UNSUPPORTED', {
      what: `a fleet over the format ${scan.format}`,
      fix: 'Only Kafka has partitions that processes can share; start one query with start().',
    })
  }
  const { kind } = spec.trigger
  if (kind === 'once' || kind === 'availableNow') {
    throw new StreamError('STREAMING_UNSUPPORTED', {
      what: `a fleet with the trigger ${kind}`,
      fix: 'A fleet goes on until it is stopped: choose processingTime, or start one query with start().',
    })
  }
  const root = lastingFolder(config, spec)
  if (root !== undefined && spec.options['startfrom'] === undefined) return root
  throw new StreamError('CONFIG_INVALID', {
    option: root === undefined ? 'checkpointLocation' : 'startFrom',
    value: root === undefined ? 'left out' : (spec.options['startfrom'] ?? ''),
    expected:
      root === undefined
        ? 'a folder that all processes of the fleet reach'
        : 'to be left out, as the partitions of a fleet have a checkpoint each,',
  })
}

function sharingOptionsOf({
  group,
  sessionTimeout = '10 seconds',
  rebalanceTimeout = '1 minute',
}: FleetOptions): SharingOptions {
  if (group === '') {
    const expected = 'the name that all processes of the fleet give'
    throw new StreamError('CONFIG_INVALID', { option: 'group', value: 'empty', expected })
  }
  return {
    group,
    sessionTimeoutMs: milliseconds(sessionTimeout),
    rebalanceTimeoutMs: milliseconds(rebalanceTimeout),
  }
}

async function takePart(own: OwnFleet): Promise<void> {
  const { engine, scan, root } = own
  const { ports, registry } = engine
  const factory = registry.source(scan.format)
  const context = { options: checkOptions(factory, scan.options), clock: ports.clock }
  const sharing = await factory.share?.(context, own.sharingOptions)
  if (sharing === undefined) throw new StreamError('INTERNAL', { what: 'nothing to share' })
  try {
    const charter = await fleetCharter(ports, root, () => sharing.initial())
    if (own.isStopping) return
    own.membership = sharing.join(ownerOf(own, { sharing, charter }))
    await own.membership.done
  } finally {
    await sharing.close()
  }
}

function ownerOf(own: OwnFleet, begun: Begun): PartitionOwner {
  return {
    owned: () => [...own.owned],
    gained(partitions) {
      for (const partition of partitions) {
        own.owned.add(partition)
        begin(own, begun, partition)
      }
    },
    released: async (partitions) => {
      await Promise.all(partitions.map((partition) => release(own, partition)))
    },
  }
}

/** Another process may still work on a partition, or may have taken it over for a while: its checkpoint says so. */
const othersTurn: ReadonlySet<string> = new Set(['CHECKPOINT_IN_USE', 'FENCED'])
const retryMs = 500

function begin(own: OwnFleet, begun: Begun, partition: string): void {
  if (!own.owned.has(partition) || own.queries.has(partition) || own.isStopping) return
  let query: StreamingQuery<DataFrame>
  try {
    query = startPartition(own, begun, partition)
  } catch (thrown) {
    fail(own, thrown)
    return
  }
  own.queries.set(partition, query)
  const ended = (thrown?: unknown): void => {
    if (own.queries.get(partition) !== query) return
    own.queries.delete(partition)
    const isOver =
      thrown !== undefined && !(thrown instanceof StreamError && othersTurn.has(thrown.code))
    if (isOver) fail(own, thrown)
    else own.engine.ports.clock.after(retryMs, () => begin(own, begun, partition))
  }
  query.awaitTermination().then(() => ended(), ended)
}

function startPartition(
  { engine, launch, plan, spec, scan, root }: OwnFleet,
  { sharing, charter }: Begun,
  partition: string,
): StreamingQuery<DataFrame> {
  const folder = partition.replaceAll('/', '-')
  const options = sharing.optionsOf(partition, charter.starting[partition])
  const alone = rewrite(plan, (node) =>
    node.kind === 'scan' && node.source === scan.source ? { ...node, options } : node,
  )
  const { queryName } = spec
  return startQuery(
    engine,
    launch,
    alone,
    {
      ...spec,
      options: placedIn(spec.options, folder),
      ...(queryName === undefined ? {} : { queryName: `${queryName}-${folder}` }),
    },
    {
      path: joinPath(root, folder),
      queryId: `${charter.id}-${folder}`,
      ended: () => Promise.resolve(),
    },
  )
}

/** A folder of files belongs to one query: each partition has one below it. */
function placedIn(
  options: Readonly<Record<string, string>>,
  folder: string,
): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(options).map(([name, value]) => [
      name,
      ['path', 'laterowspath', 'deadletterpath'].includes(name) ? joinPath(value, folder) : value,
    ]),
  )
}

async function release(own: OwnFleet, partition: string): Promise<void> {
  own.owned.delete(partition)
  const query = own.queries.get(partition)
  own.queries.delete(partition)
  // It is over for us in any case; what went wrong is in the events of the query.
  await query?.stop().catch(() => query.stop({ force: true }).catch(() => undefined))
}

function fail(own: OwnFleet, thrown: unknown): void {
  own.failure ??= asStreamError(thrown)
  end(own)
}

function end(own: OwnFleet): void {
  own.isStopping = true
  // Its end is that of the fleet, which reports it.
  own.membership?.leave().catch(() => undefined)
}
