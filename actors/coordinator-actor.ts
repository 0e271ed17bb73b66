import { unreachable } from '../src/core/error.ts'
import type { Passed } from './control.ts'
import type { Coordination, CoordinatorMessage } from './coordination.ts'
import { havePassed } from './coordination.ts'
import { clean, cutNow, happen, mark } from './coordinator-commands.ts'
import { absorb, hear, look, settleRanges } from './coordinator-planning.ts'
import { recordAck } from './epoch-ledger.ts'
import type { Behaviour } from './system.ts'

/**
 * Carries out the commands of `checkpoint-protocol` and makes headers by the rules of `planning`.
 * It never waits: the log and the sources are asked by actors of their own, and answer by message.
 */
export function coordinatorBehaviour(know: Coordination): Behaviour<CoordinatorMessage> {
  return (message) => {
    switch (message.type) {
      case 'passed':
        hearPassed(know, message)
        return look(know)
      case 'ack': {
        const entry = know.ledger.find(message.epoch)
        if (entry !== undefined) recordAck(entry, message)
        happen(know, { type: 'ack', epoch: message.epoch, task: message.task })
        return look(know)
      }
      case 'decided': {
        mark(know, message.epoch, 'decided')
        const { header } = know.ledger.entry(message.epoch)
        know.owner.listener({ type: 'decided', header })
        happen(know, message)
        return look(know)
      }
      case 'published':
      case 'sinkCommitted':
      case 'noted':
        happen(know, message)
        return look(know)
      case 'latest':
        return hear(know, message)
      case 'look':
        // A timer or an arrival; both mean that asking again may give another answer.
        know.hasArrived = true
        return look(know)
      case 'cutDue':
        return cutNow(know, message.epoch)
      case 'timeout':
        return happen(know, message)
      case 'cleaned':
        know.cleaning = false
        return clean(know, know.cleanNext)
      case 'stop':
        return stop(know)
      default:
        return unreachable(message)
    }
  }
}

function hearPassed(know: Coordination, message: Passed): void {
  know.ledger.find(message.epoch)?.passed.set(message.task, message)
  const { newest } = know
  if (newest?.marks.has('passed') === false && havePassed(know, know.parties.sources)) {
    mark(know, newest.header.epoch, 'passed')
  }
  settleRanges(know)
  absorb(know)
  happen(know, { type: 'passed', epoch: message.epoch, task: message.task })
}

function stop(know: Coordination): void {
  know.stopping = true
  const run = know.protocol.runs.at(-1)
  if (run !== undefined && run.header.ranges === undefined) cutNow(know, run.header.epoch)
  // What was passed over has to be written down first, by an epoch of its own.
  if (know.planState.time.skipped === 0) happen(know, { type: 'stop' })
  look(know)
}
