import { expect, test } from 'vitest'
import { type Current, StateScope } from '../../src/operators/process/scope.ts'

const key = (name: string): Current => ({ name }) as unknown as Current

test('handlers that wait take turns: state is of the key whose handler runs', async () => {
  const scope = new StateScope()
  const seen: unknown[] = []
  const handler = (waits: number) => async (): Promise<void> => {
    const mine = scope.require('v.get')
    for (let turn = 0; turn < waits; turn++) await Promise.resolve()
    seen.push(scope.require('v.get') === mine)
  }
  const first = scope.run(key('a'), handler(5))
  const second = scope.run(key('b'), handler(1))
  const third = scope.run(key('c'), () => void seen.push(scope.current !== undefined))
  await Promise.all([first, second, third])
  expect(seen).toEqual([true, true, true])
  expect(scope.current).toBeUndefined()
})

test('a handler that fails ends its turn, and only its caller hears of it', async () => {
  const scope = new StateScope()
  const failed = scope.run(key('a'), () => Promise.reject(new Error('no')))
  const after = scope.run(key('b'), () => Promise.resolve())
  await expect(failed).rejects.toThrow('no')
  await expect(after).resolves.toBeUndefined()
  expect(() =>
    scope.run(key('c'), () => {
      throw new Error('at once')
    }),
  ).toThrow('at once')
  expect(scope.current).toBeUndefined()
})
