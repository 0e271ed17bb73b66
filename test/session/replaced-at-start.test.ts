import { expect, test } from 'vitest'
import { simulatedProcess } from '../../properties/process-gate.ts'
import { simulatedSession } from '../../properties/simulated-session.ts'
import { createSimulation } from '../../properties/simulated-system.ts'
import { virtualBroker } from '../../properties/virtual-broker.ts'
import { virtualFileSystem } from '../../properties/virtual-file-system.ts'
import { copyOfTopic, overBroker } from '../kafka/virtual-kafka.ts'

/** Two machines that reach one folder and one broker with a row in it; the first one falls asleep in front of a request. */
function twoProcesses(asleepBefore: string) {
  const simulation = createSimulation(1, { startMs: 1_600_000_000_000 })
  const files = virtualFileSystem()
  const broker = virtualBroker()
  for (const topic of ['in', 'out']) broker.createTopic(topic, 1)
  broker.append({ topic: 'in', partition: 0 }, [new TextEncoder().encode('row')])
  let hasSlept = false
  const processOf = (life: number) => {
    const self = simulatedProcess()
    const { session } = simulatedSession({
      seed: 1 + life,
      files,
      life,
      config: { lockLease: '2 seconds' },
      among: { simulation, self, machine: `machine ${life}`, isAlive: () => true },
    })
    overBroker(session, broker, {
      step(name) {
        if (life > 0 || hasSlept || !name.startsWith(`broker ${asleepBefore}`)) return
        hasSlept = true
        self.fallAsleep()
      },
      async pause() {
        await simulation.pause()
        await self.gate()
      },
    })
    return { self, copy: copyOfTopic(session) }
  }
  return { simulation, broker, hasSlept: () => hasSlept, first: processOf(0), second: processOf(1) }
}

test('an attempt that sleeps while it starts, and is replaced, ends as fenced: nothing is damaged', async () => {
  for (const request of ['InitProducerId', 'OffsetFetch', 'TxnOffsetCommit', 'EndTxn']) {
    const { simulation, broker, hasSlept, first, second } = twoProcesses(request)
    const copies = () => broker.committed({ topic: 'out', partition: 0 })
    const story = async (): Promise<void> => {
      const replaced = first.copy.start()
      while (!hasSlept()) await simulation.pause()
      await new Promise<void>((resolve) => simulation.clock.after(10_000, resolve))
      const query = second.copy.start()
      while (copies().length === 0) await simulation.pause()
      await query.stop()
      first.self.wake()
      await expect(replaced.awaitTermination(), request).rejects.toMatchObject({ code: 'FENCED' })
      broker.settle()
      expect(copies()).toHaveLength(1)
    }
    await simulation.run(story(), { maxSteps: 100_000 })
  }
})
