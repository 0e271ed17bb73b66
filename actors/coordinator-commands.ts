import { StreamError, unreachable } from '../src/core/error.ts'
import type { Epoch } from '../src/core/units.ts'
import type { EpochHeader } from '../src/flow/message.ts'
import { type ProtocolCommand, type ProtocolEvent, step } from './checkpoint-protocol.ts'
import { type Coordination, forget, remind } from './coordination.ts'
import { checkpointOf, type Mark, progressOf, reportOf } from './epoch-ledger.ts'
import { watermarkAt } from './epoch-time.ts'
import type { Positions } from './planning.ts'
import { quotaExcess } from './state-quota.ts'

/** Tells the protocol what happened and carries out what it answers. */
export function happen(know: Coordination, event: ProtocolEvent): void {
  const next = step(know.protocol, event)
  know.protocol = next.state
  for (const command of next.commands) carryOut(know, command)
}

/** Remembers when a step of an epoch happened. */
export function mark(know: Coordination, epoch: Epoch, name: Mark): void {
  know.ledger.find(epoch)?.marks.set(name, know.owner.clock.monotonic())
}

/** Continuous trigger: tells the sources to end the epoch where they stand. */
export function cutNow(know: Coordination, epoch: Epoch): void {
  forget(know, 'cut')
  for (const task of know.links.sourceTasks.values()) {
    task.send({ type: 'cut', epoch, final: know.stopping })
  }
}

/** Lets the sources clean up behind these positions, one clean-up at a time; the newest counts. */
export function clean(know: Coordination, positions: Positions | undefined): void {
  if (know.cleaning || positions === undefined) {
    know.cleanNext = positions
    return
  }
  know.cleaning = true
  know.cleanNext = undefined
  know.links.clean.send({ positions })
}

function carryOut(know: Coordination, command: ProtocolCommand): void {
  const { links } = know
  switch (command.type) {
    case 'decide':
      return links.log.send({ type: 'decide', header: command.header })
    case 'open':
      return open(know, command.header)
    case 'allow':
      return allow(know, command.epoch)
    case 'watch':
      return watch(know, command.epoch)
    case 'publish': {
      mark(know, command.epoch, 'acked')
      if (!checkQuota(know, command.epoch)) return
      const checkpoint = checkpointOf(know.ledger.entry(command.epoch), know.sinkNames)
      return links.log.send({ type: 'publish', checkpoint })
    }
    case 'announce':
      return announce(know, command.epoch, command.snapshotId)
    case 'commit':
      return commit(know, command.epoch, command.sinks)
    case 'note': {
      mark(know, command.epoch, 'committed')
      const { epoch, snapshotId } = command
      return links.log.send({ type: 'note', epoch, snapshotId })
    }
    case 'release':
      return release(know, command.epoch)
    case 'expire':
      return expire(know, command.epoch, command.missing.length)
    case 'finished':
      return know.owner.finished()
    default:
      return unreachable(command)
  }
}

/**
 * Holds the state that an epoch leaves to the quota, and says whether the epoch may be published. One that
 * may not ends the attempt, and runs again with a larger quota: no sink with a second phase shows anything of
 * it, the others have had it.
 */
function checkQuota(know: Coordination, epoch: Epoch): boolean {
  const { stateQuota } = know.deployment.settings
  if (stateQuota === undefined) return true
  const excess = quotaExcess(stateQuota, reportOf(know.ledger.entry(epoch)))
  const wasOver = know.isOverQuota
  know.isOverQuota = excess !== undefined
  if (excess === undefined) return true
  if (stateQuota.policy === 'fail') {
    know.refused = epoch
    know.owner.failed(new StreamError('STATE_QUOTA_EXCEEDED', { epoch, ...excess }), epoch)
    return false
  }
  if (!wasOver) know.owner.listener({ type: 'overQuota', epoch, excess })
  return true
}

function open(know: Coordination, header: EpochHeader): void {
  const { epoch } = header
  const { trigger } = know.deployment.settings
  mark(know, epoch, 'opened')
  for (const task of know.links.sourceTasks.values()) task.send({ type: 'open', header })
  if (header.ranges === undefined && trigger.type === 'continuous') {
    remind(know, 'cut', trigger.intervalMs, { type: 'cutDue', epoch })
  }
}

function allow({ links }: Coordination, epoch: Epoch): void {
  for (const sink of links.sinks.values()) sink.send({ type: 'decided', epoch })
}

function watch(know: Coordination, epoch: Epoch): void {
  const { checkpointTimeoutMs } = know.deployment.settings
  remind(know, `timeout ${epoch}`, checkpointTimeoutMs, { type: 'timeout', epoch })
}

function announce(know: Coordination, epoch: Epoch, snapshotId: string): void {
  mark(know, epoch, 'published')
  know.ledger.entry(epoch).snapshotId = snapshotId
  for (const control of know.links.controls.values()) {
    control.send({ type: 'published', epoch, snapshotId })
  }
}

function commit(know: Coordination, epoch: Epoch, names: readonly string[]): void {
  const { committables } = checkpointOf(know.ledger.entry(epoch), know.sinkNames)
  for (const name of names) {
    const committable = committables[name] ?? null
    know.links.sinks.get(name)?.send({ type: 'commit', epoch, committable })
  }
}

function release(know: Coordination, epoch: Epoch): void {
  forget(know, `timeout ${epoch}`)
  mark(know, epoch, 'noted')
  const { owner, ledger } = know
  const entry = ledger.entry(epoch)
  ledger.end(epoch)
  clean(know, entry.to)
  const time = entry.time ?? know.planState.time
  const progress = progressOf(entry, {
    committedMs: owner.clock.now(),
    watermark: watermarkAt(time, know.rules, entry.header.processingTime),
    sourceNames: know.sourceNames,
    turns: know.planState.turns,
  })
  owner.listener({ type: 'committed', progress })
  // Whoever waits for idleness wants to hear of it now, not at the next poll.
  know.hasArrived = true
}

function expire(know: Coordination, epoch: Epoch, missing: number): void {
  const tasks = know.parties.tasks.size
  const waitedMs = know.deployment.settings.checkpointTimeoutMs
  know.owner.failed(
    new StreamError('CHECKPOINT_TIMEOUT', { epoch, missing, tasks, waitedMs }),
    epoch,
  )
}
