import { expect, test } from 'vitest'
import type { RestartSettings } from '../../actors/job.ts'
import {
  afterCommit,
  decideRestart,
  defaultRestart,
  noRestarts,
  type RestartState,
} from '../../actors/restart-policy.ts'
import { StreamError } from '../../src/core/error.ts'
import { epoch } from '../../src/core/units.ts'

const boom = new Error('boom')

/** The decisions for these failing epochs, one after the other. */
function decisions(settings: RestartSettings, epochs: readonly (number | undefined)[]) {
  let state: RestartState = noRestarts
  return epochs.map((number) => {
    const failure = number === undefined ? { cause: boom } : { cause: boom, epoch: epoch(number) }
    const decision = decideRestart(settings, state, failure, 1)
    if (decision.type === 'giveUp') return decision.cause
    state = decision.state
    return decision.delayMs
  })
}

test('delays double up to the largest, and chance halves them at most', () => {
  const settings = { ...defaultRestart, firstDelayMs: 100, maxDelayMs: 500 }
  expect(decisions(settings, [undefined, undefined, undefined, undefined])).toEqual([
    100, 200, 400, 500,
  ])
  const lucky = decideRestart(settings, noRestarts, { cause: boom }, 0)
  expect(lucky).toMatchObject({ type: 'restart', delayMs: 50 })
})

test('after too many restarts without a committed epoch the last error ends the job', () => {
  const settings = { ...defaultRestart, maxRestarts: 2, firstDelayMs: 1, maxDelayMs: 1 }
  expect(decisions(settings, [1, 2, 3])).toEqual([1, 1, boom])
  const tired = { restarts: 2, suspect: undefined }
  expect(decideRestart(settings, tired, { cause: boom }, 1)).toEqual({
    type: 'giveUp',
    cause: boom,
  })
  expect(afterCommit(tired, epoch(7)).restarts).toBe(0)
})

test('an epoch that fails three times in a row is poisoned, with the last error as cause', () => {
  const last = decisions({ ...defaultRestart, poisonAfter: 3 }, [4, 4, 4]).at(-1)
  expect(last).toMatchObject({
    code: 'EPOCH_POISONED',
    cause: boom,
    details: { epoch: 4, attempts: 3 },
  })
  const mixed = decisions({ ...defaultRestart, poisonAfter: 3 }, [4, 5, 4, 4]).at(-1)
  expect(mixed).toBeTypeOf('number')
})

test('commits before the suspected epoch do not clear it', () => {
  const state = { restarts: 1, suspect: { epoch: epoch(4), failures: 2 } }
  expect(afterCommit(state, epoch(3)).suspect).toEqual(state.suspect)
  expect(afterCommit(state, epoch(4)).suspect).toBeUndefined()
})

test('an error that never passes ends the job at once, unless the policy says otherwise', () => {
  const cause = new StreamError('DIVIDE_BY_ZERO', { expression: 'a / b' })
  expect(decideRestart(defaultRestart, noRestarts, { cause }, 1)).toEqual({ type: 'giveUp', cause })
  const stubborn = { ...defaultRestart, retryNever: true }
  expect(decideRestart(stubborn, noRestarts, { cause }, 1).type).toBe('restart')
  const passing = new StreamError('IO_ERROR', { operation: 'write', path: 'x', why: 'full' })
  expect(decideRestart(defaultRestart, noRestarts, { cause: passing }, 1).type).toBe('restart')
})
