import { expect, test } from 'vitest'
import { nactSystem } from '../../actors/nact-system.ts'
import type { ActorFailure } from '../../actors/system.ts'
import { systemClock } from '../../src/core/system-clock.ts'

/** Lets the event loop turn until something is so. */
async function until(isSo: () => boolean): Promise<void> {
  for (let turn = 0; turn < 1000 && !isSo(); turn++) await systemClock().yield()
  expect(isSo()).toBe(true)
}

test('a crash is reported, and so is every message sent after it', async () => {
  const failures: ActorFailure[] = []
  const seen: number[] = []
  const system = nactSystem((failure) => failures.push(failure))
  const actor = system.spawn<number>('stage/0', () => async (message) => {
    if (message === 2) throw new Error('boom')
    seen.push(message)
  })
  actor.send(1)
  actor.send(2)
  await until(() => failures.length > 0)
  actor.send(3)
  actor.send(4)
  await system.stop()
  expect(seen).toEqual([1])
  expect(failures.map(({ type, actor: name }) => `${type} ${name}`)).toEqual([
    'crashed stage/0',
    'undelivered stage/0',
    'undelivered stage/0',
  ])
})

test('a handler that throws without waiting is a crash too', async () => {
  const failures: ActorFailure[] = []
  const system = nactSystem((failure) => failures.push(failure))
  const actor = system.spawn<number>('a', () => () => {
    throw new Error('boom')
  })
  actor.send(1)
  await until(() => failures.length > 0)
  await system.stop()
  expect(failures).toMatchObject([{ type: 'crashed', actor: 'a', cause: new Error('boom') }])
})

test('messages are handled in order, one at a time', async () => {
  const trace: string[] = []
  const system = nactSystem(() => {})
  const actor = system.spawn<number>('a', () => async (message) => {
    trace.push(`begin ${message}`)
    await systemClock().yield()
    trace.push(`end ${message}`)
  })
  for (const message of [1, 2, 3]) actor.send(message)
  await until(() => trace.length === 6)
  await system.stop()
  expect(trace).toEqual(['begin 1', 'end 1', 'begin 2', 'end 2', 'begin 3', 'end 3'])
})

test('stop waits for running handlers, handles nothing more, and reports nothing', async () => {
  const failures: ActorFailure[] = []
  const trace: string[] = []
  let release = () => {}
  const system = nactSystem((failure) => failures.push(failure))
  const actor = system.spawn<number>('slow', () => async (message) => {
    trace.push(`begin ${message}`)
    await new Promise<void>((resolve) => {
      release = resolve
    })
    trace.push(`end ${message}`)
  })
  actor.send(1)
  actor.send(2)
  await until(() => trace.length === 1)
  const stopped = system.stop().then(() => trace.push('stopped'))
  actor.send(3)
  for (let turn = 0; turn < 20; turn++) await systemClock().yield()
  expect(trace).toEqual(['begin 1'])
  release()
  await stopped
  for (let turn = 0; turn < 20; turn++) await systemClock().yield()
  expect(trace).toEqual(['begin 1', 'end 1', 'stopped'])
  expect(failures).toEqual([])
})
