import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createCredit } from '../../actors/credit.ts'

const steps = fc.array(fc.oneof(fc.nat(40), fc.constant(-1)), { maxLength: 80 })
const limits = fc.record({ batches: fc.integer({ min: 1, max: 4 }), bytes: fc.nat(50) })

test('a channel never holds more than its limits, except for one batch that is alone', () => {
  fc.assert(
    fc.property(limits, steps, (limit, run) => {
      const credit = createCredit(limit)
      const held: number[] = []
      for (const step of run) {
        const bytes = held.reduce((sum, size) => sum + size, 0)
        if (step < 0) {
          credit.give()
          held.shift()
        } else {
          const fits = held.length < limit.batches && bytes + step <= limit.bytes
          const taken = credit.take(step)
          expect(taken).toBe(held.length === 0 || fits)
          if (taken) held.push(step)
        }
        expect(credit.inFlight()).toBe(held.length)
      }
    }),
  )
})
