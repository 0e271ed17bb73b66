import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type OperatorUnderTest, operatorLaw } from '../../properties/laws/operator.ts'
import { simulatedSession } from '../../properties/simulated-session.ts'
import { virtualFileSystem } from '../../properties/virtual-file-system.ts'
import { fromRows, toRows } from '../../src/index.ts'
import type { OwnOperator } from '../../src/streaming.ts'

/** What a faulty operator does wrong. */
type Fault = 'none' | 'keeps a field' | 'forgets to freeze' | 'emits by batch' | 'counts attempts'

let attempts = 0

/** How many rows a key has had, once for each epoch with rows of it. */
function counter(fault: Fault): OwnOperator {
  return {
    name: 'counter',
    version: 1,
    make({ output: schema, state }) {
      const kept = new Map<string, number>()
      // One for all: what is put into state is a copy.
      const bytes = Buffer.alloc(4)
      let counts = new Map<string, { k: unknown; n: number }>()
      attempts++
      return {
        name: 'counter',
        open({ epoch }) {
          state.open(epoch)
          counts = new Map()
        },
        process: (_input, batch, output) =>
          state.using(batch, async (groups) => {
            for (const { key, rows } of groups) {
              const text = Buffer.from(key).toString('latin1')
              const known = state.get(key)
              const stored = known === undefined ? 0 : Buffer.from(known).readUInt32LE()
              const before = fault === 'keeps a field' ? (kept.get(text) ?? 0) : stored
              const n = before + rows.length
              kept.set(text, n)
              bytes.writeUInt32LE(n)
              // Every tenth row a key begins anew.
              if (n >= 10) state.delete(key)
              else state.put(key, bytes)
              const [first] = toRows({ ...batch, selection: rows })
              const shown = fault === 'counts attempts' ? n + attempts : n
              counts.set(text, { k: first?.['k'], n: shown })
            }
            if (fault === 'emits by batch')
              await output.emit(fromRows(schema, [...counts.values()]))
          }),
        async closeEpoch(_header, output) {
          if (fault !== 'emits by batch' && counts.size > 0) {
            await output.emit(fromRows(schema, [...counts.values()]))
          }
          return {}
        },
        freeze: () => (fault === 'forgets to freeze' ? undefined : state.freeze()),
      }
    },
  }
}

function subject(fault: Fault): OperatorUnderTest {
  return {
    operator: counter(fault),
    input: 'k STRING, x INT',
    output: 'k STRING, n INT',
    keys: ['k'],
    row: fc.tuple(fc.option(fc.constantFrom(...'abcdefgh')), fc.integer({ min: 0, max: 9 })),
  }
}

test('an operator that follows the rules passes', async () => {
  await operatorLaw(subject('none'), { seed: 1 })
})

test.each<Fault>(['keeps a field', 'forgets to freeze', 'emits by batch', 'counts attempts'])(
  'an operator that %s is found out',
  async (fault) => {
    await expect(operatorLaw(subject(fault), { seed: 1 })).rejects.toThrow('Seed 1.')
  },
)

test('it runs in a query, its state survives a restart, and another version is refused', async () => {
  const files = virtualFileSystem()
  const run = async (life: number, operator: OwnOperator, rows: number) => {
    const { session, simulation } = simulatedSession({ seed: 1, files, life, config: { lanes: 3 } })
    const input = session.memoryStream('k STRING, x INT')
    for (let n = 0; n < rows; n++) input.addData([{ k: 'a', x: n }])
    const found: unknown[] = []
    const query = input
      .toDF()
      .operator(operator, { keys: ['k'], output: 'k STRING, n INT' })
      .writeStream.option('checkpointLocation', 'checkpoint')
      .trigger({ availableNow: true })
      .foreachBatch(async (batch) => found.push(...(await batch.collect())))
      .start()
    await simulation.run(query.awaitTermination())
    return found
  }
  expect(await run(0, counter('none'), 2)).toEqual([{ k: 'a', n: 2 }])
  expect(await run(1, counter('none'), 5)).toEqual([{ k: 'a', n: 5 }])
  await expect(run(2, { ...counter('none'), version: 2 }, 6)).rejects.toMatchObject({
    code: 'CHECKPOINT_OTHER_QUERY',
  })
})
