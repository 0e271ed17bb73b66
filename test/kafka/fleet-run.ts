import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sleep } from '../../src/core/clock.ts'
import { systemClock } from '../../src/core/system-clock.ts'
import { connected, fill, mustBeOnce, textsOf } from './filled-topic.ts'
import { lifeOf, type ProgramLife } from './program-life.ts'
import type { RealBrokers } from './real-brokers.ts'

const clock = systemClock()
const partitions = 4
const rows = 400
const waitMs = 60_000

/**
 * Two processes share the four partitions of a topic; one is killed with signal 9, the other takes over; a third one joins.
 * Rows come all the while, and in the end each is there once.
 *
 * @param program - the compiled program of `fleet-member.ts`
 * @throws Error that says what was wrong
 */
export async function fleetRun(brokers: RealBrokers, program: string): Promise<void> {
  const [from, to] = [`shared-${process.pid}`, `copies-${process.pid}`]
  const folder = mkdtempSync(join(tmpdir(), 'millrace-fleet-'))
  const cluster = connected(brokers)
  const member = (): ProgramLife =>
    lifeOf(program, [brokers.bootstrap, from, to, join(folder, 'checkpoint'), `fleet-${from}`])
  const members: ProgramLife[] = []
  const sent: string[] = []
  const send = async (name: string): Promise<void> => {
    sent.push(...(await fill(cluster, from, { rows, partitions, name })))
  }
  try {
    await brokers.createTopic(from, partitions)
    await brokers.createTopic(to, 2)
    await send('before')
    const one = member()
    members.push(one)
    await share([one], [4])
    const two = member()
    members.push(two)
    await share([one, two], [2, 2])
    await send('shared')
    one.kill('SIGKILL')
    await one.ended
    await send('orphaned')
    await share([two], [4])
    const three = member()
    members.push(three)
    await share([two, three], [2, 2])
    await send('joined')
    await untilThere(brokers, to, sent.length)
    for (const each of [two, three]) {
      each.kill('SIGTERM')
      await each.until('at the end')
    }
    mustBeOnce(
      sent.map((text) => `copy of ${text.toUpperCase()}`),
      textsOf(await brokers.read(to)),
    )
  } finally {
    for (const each of members) each.kill('SIGKILL')
    await Promise.all(members.map(({ ended }) => ended))
    await cluster.close()
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Waits until each process works on so many partitions, and all of them are worked on by one. */
async function share(members: readonly ProgramLife[], counts: readonly number[]): Promise<void> {
  const untilMs = clock.monotonic() + waitMs
  for (;;) {
    const owned = members.map((each) => each.newest('owns')?.split(' ').slice(1) ?? [])
    const isShared = owned.every((names, at) => names.length === counts[at])
    if (isShared && new Set(owned.flat()).size === partitions) return
    if (clock.monotonic() > untilMs) {
      throw new Error(`shared as ${owned.map((names) => names.join(' ')).join(' and ')}`)
    }
    await sleep(clock, 50)
  }
}

async function untilThere(brokers: RealBrokers, topic: string, count: number): Promise<void> {
  const untilMs = clock.monotonic() + waitMs
  while ((await brokers.read(topic)).length < count) {
    // Whoever compares the rows says which are missing.
    if (clock.monotonic() > untilMs) return
    await sleep(clock, 500)
  }
}
