import { StreamError, unreachable } from '../src/core/error.ts'
import type { Epoch } from '../src/core/units.ts'
import type { ProtocolParties } from './checkpoint-protocol.ts'
import type { ControlMessage, Delivery, SinkMessage, SourceMessage } from './control.ts'
import { type Coordination, type CoordinatorMessage, startCoordination } from './coordination.ts'
import { coordinatorBehaviour } from './coordinator-actor.ts'
import {
  type AskMessage,
  askBehaviour,
  type CleanMessage,
  cleanBehaviour,
  type LogMessage,
  logBehaviour,
} from './coordinator-effects.ts'
import { arrived } from './coordinator-planning.ts'
import { createCredit } from './credit.ts'
import type { Deployment, SinkTaskSpec, TaskSpec } from './job.ts'
import { type InputChannel, operatorBehaviour } from './operator-actor.ts'
import { createOutbox, type OutboxEdge } from './outbox.ts'
import { fail, guard, type Running } from './running.ts'
import { hasNoSecondPhase, sinkBehaviour } from './sink-actor.ts'
import { sourceBehaviour } from './source-actor.ts'
import type { Behaviour, Ref } from './system.ts'
import { controlBehaviour, type PersistMessage, persistBehaviour, type TaskShell } from './task.ts'
import type { TaskId } from './task-id.ts'

/** Addresses that are known before their actor is spawned, as tasks refer to each other in a ring. */
interface LateRef<Message> {
  readonly ref: Ref<Message>
  bind(target: Ref<Message>): void
}

function lateRef<Message>(name: string): LateRef<Message> {
  let target: Ref<Message> | undefined
  return {
    ref: {
      send(message) {
        if (target === undefined)
          throw new StreamError('INTERNAL', { what: `${name} has no actor` })
        target.send(message)
      },
    },
    bind(actor) {
      target = actor
    },
  }
}

interface TaskAddresses {
  readonly source: LateRef<SourceMessage>
  readonly deliveries: LateRef<Delivery>
  readonly sink: LateRef<SinkMessage>
  readonly control: LateRef<ControlMessage>
  readonly inputs: InputChannel[]
}

/** Spawns every actor of an attempt and connects them. Nothing happens before the coordinator gets its first message. */
export function spawnTasks(running: Running): Coordination {
  const { deployment, options } = running
  const coordinator = lateRef<CoordinatorMessage>('coordinator')
  const addresses = addressesOf(deployment.tasks)
  const outboxEdges = connect(deployment, addresses)
  for (const task of deployment.tasks) {
    const own = addressOf(addresses, task.id)
    spawnTask(running, task, own, coordinator.ref, outboxEdges.get(task.id) ?? [])
  }
  const know = spawnCoordinator(running, addresses, coordinator)
  const wake = () => {
    if (!running.isClosed) arrived(know)
  }
  for (const { source } of deployment.sources) {
    const unsubscribe = source.onArrival?.(wake)
    if (unsubscribe !== undefined) running.onClose.push(unsubscribe)
  }
  options.listener({
    type: 'status',
    message: 'Initializing sources and sinks',
    isDataAvailable: false,
    isTriggerActive: false,
  })
  return know
}

function addressesOf(tasks: readonly TaskSpec[]): ReadonlyMap<TaskId, TaskAddresses> {
  const addresses = new Map<TaskId, TaskAddresses>()
  for (const { id } of tasks) {
    if (addresses.has(id)) throw new StreamError('INTERNAL', { what: `two tasks ${id}` })
    addresses.set(id, {
      source: lateRef(id),
      deliveries: lateRef(id),
      sink: lateRef(id),
      control: lateRef(`${id}/control`),
      inputs: [],
    })
  }
  return addresses
}

function addressOf(addresses: ReadonlyMap<TaskId, TaskAddresses>, id: TaskId): TaskAddresses {
  const found = addresses.get(id)
  if (found !== undefined) return found
  throw new StreamError('INTERNAL', { what: `an edge leads to ${id}, which is no task` })
}

/** Numbers the channels: every edge has one to each of its targets. */
function connect(
  { tasks, settings }: Deployment,
  addresses: ReadonlyMap<TaskId, TaskAddresses>,
): ReadonlyMap<TaskId, readonly OutboxEdge[]> {
  const outboxEdges = new Map<TaskId, OutboxEdge[]>()
  for (const task of tasks) {
    const { control } = addressOf(addresses, task.id)
    const edges = task.edges.map((edge, edgeIndex): OutboxEdge => {
      const channels = edge.targets.map((id, target) => {
        const { inputs, deliveries } = addressOf(addresses, id)
        const channel = inputs.length
        inputs.push({ input: edge.input, sender: control.ref, edge: edgeIndex, target })
        return { target: deliveries.ref, channel, credit: createCredit(settings.credit) }
      })
      const side = edge.side === undefined ? {} : { side: edge.side }
      return { ...side, partition: edge.partition, channels }
    })
    outboxEdges.set(task.id, edges)
  }
  return outboxEdges
}

function spawnTask(
  running: Running,
  spec: TaskSpec,
  own: TaskAddresses,
  coordinator: Ref<CoordinatorMessage>,
  edges: readonly OutboxEdge[],
): void {
  const { options, deployment, system } = running
  const { id, state } = spec
  const outbox = createOutbox(edges)
  running.onClose.push(() => outbox.close())
  let epoch: Epoch | undefined
  const current = () => epoch
  const spawn = <Message>(name: string, begin: (self: Ref<Message>) => Behaviour<Message>) =>
    system.spawn<Message>(name, (self) => guard(running, name, current, begin(self)))
  const persist =
    state && spawn<PersistMessage>(`${id}/persist`, () => persistBehaviour(id, state, coordinator))
  const shell: TaskShell = {
    id,
    clock: options.clock,
    outbox,
    coordinator,
    state,
    persist,
    enter(entered) {
      epoch = entered
    },
    closed: () => running.isClosed,
    onClose: (call) => void running.onClose.push(call),
    fail: (cause) => fail(running, id, epoch, cause),
  }
  own.control.bind(spawn<ControlMessage>(`${id}/control`, () => controlBehaviour(shell)))
  switch (spec.type) {
    case 'source': {
      const start = deployment.recovered.positions[spec.sourceName] ?? {}
      const { pollRows } = deployment.settings
      const begin = (self: Ref<SourceMessage>) =>
        sourceBehaviour(shell, spec, { self, start, pollRows })
      return own.source.bind(spawn(id, begin))
    }
    case 'operator':
      return own.deliveries.bind(
        spawn<Delivery>(id, () => operatorBehaviour(shell, spec.operator, own.inputs)),
      )
    case 'sink': {
      const actor = spawn<SinkMessage>(id, () => sinkOf(shell, spec, own.inputs))
      own.sink.bind(actor)
      return own.deliveries.bind(actor)
    }
    default:
      return unreachable(spec)
  }
}

function sinkOf(
  shell: TaskShell,
  { sinkName: name, sink }: SinkTaskSpec,
  inputs: readonly InputChannel[],
): Behaviour<SinkMessage> {
  return sinkBehaviour(shell, { name, sink, inputs })
}

function spawnCoordinator(
  running: Running,
  addresses: ReadonlyMap<TaskId, TaskAddresses>,
  late: LateRef<CoordinatorMessage>,
): Coordination {
  const { deployment, options } = running
  const { tasks, sources, effects } = deployment
  const { clock, listener } = options
  const none = () => undefined
  const spawn = <Message>(name: string, behaviour: Behaviour<Message>): Ref<Message> =>
    running.system.spawn<Message>(name, () => guard(running, name, none, behaviour))
  const self = late.ref
  const cleaned = () => self.send({ type: 'cleaned' })
  const sourceTasks = new Map<TaskId, Ref<SourceMessage>>()
  const sinks = new Map<string, Ref<SinkMessage>>()
  const controls = new Map<TaskId, Ref<ControlMessage>>()
  for (const task of tasks) {
    const own = addressOf(addresses, task.id)
    if (task.type === 'source') sourceTasks.set(task.id, own.source.ref)
    if (task.type === 'sink') sinks.set(task.sinkName, own.sink.ref)
    controls.set(task.id, own.control.ref)
  }
  const links = {
    self,
    log: spawn<LogMessage>('coordinator/log', logBehaviour(effects, self)),
    ask: spawn<AskMessage>('coordinator/ask', askBehaviour(sources, clock, self)),
    clean: spawn<CleanMessage>('coordinator/clean', cleanBehaviour(deployment, listener, cleaned)),
    sourceTasks,
    sinks,
    controls,
  }
  const know = startCoordination(deployment, partiesOf(deployment), links, {
    clock,
    listener,
    finished: () => running.end({ type: 'finished' }),
    failed: (cause, epoch) => fail(running, 'coordinator', epoch, cause),
  })
  late.bind(spawn('coordinator', coordinatorBehaviour(know)))
  return know
}

function partiesOf({ tasks, settings }: Deployment): ProtocolParties {
  const sources = tasks.filter((task) => task.type === 'source')
  const sinks = tasks.filter((task) => task.type === 'sink' && !hasNoSecondPhase(task.sink))
  const names = new Map(tasks.map((task) => [task.id, task.type === 'sink' ? task.sinkName : '']))
  const nameOf = ({ id }: TaskSpec): string => names.get(id) ?? ''
  const isAuthoritative = (task: TaskSpec) =>
    task.type === 'sink' && task.sink.kind === 'authoritative'
  const [authoritative, second] = sinks.filter(isAuthoritative)
  if (second !== undefined) throw new StreamError('INTERNAL', { what: 'two authoritative sinks' })
  return {
    tasks: new Set(tasks.map(({ id }) => id)),
    sources: new Set(sources.map(({ id }) => id)),
    authoritative: authoritative && nameOf(authoritative),
    repeatable: new Set(sinks.filter((task) => !isAuthoritative(task)).map(nameOf)),
    epochsInFlight: settings.epochsInFlight,
  }
}
