import { expect, test } from 'vitest'
import { cleanUpHold } from '../../state/clean-up-hold.ts'

/** A promise that is settled from outside. */
function gate() {
  let open: () => void = () => undefined
  const opened = new Promise<void>((resolve) => {
    open = resolve
  })
  return { open, opened }
}

/** A hold, what ran in it, and what it said of failures. */
function watched() {
  const ran: string[] = []
  const failures: unknown[][] = []
  const hold = cleanUpHold((...failure) => void failures.push(failure))
  const work = (name: string) => async () => void ran.push(name)
  return { hold, ran, failures, work }
}

/** Lets everything go on that waits for nothing but its turn. */
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

test('what is cleaned up while files are held is put off, and nobody waits for it', async () => {
  const { hold, ran, work } = watched()
  const { open, opened } = gate()
  const held = hold.during(async () => {
    await opened
    return 'copied'
  })
  await hold.whenFree('a', work('a'))
  await hold.ifFree(work('asked for again'))
  await turn()
  expect(ran).toEqual([])
  open()
  expect(await held).toBe('copied')
  await turn()
  expect(ran).toEqual(['a'])
  await hold.whenFree('b', work('b'))
  await hold.ifFree(work('c'))
  expect(ran).toEqual(['a', 'b', 'c'])
})

test('of one name the newest is done, and only when the last holder is gone', async () => {
  const { hold, ran, work } = watched()
  const [first, second] = [gate(), gate()]
  const holders = [first, second].map(({ opened }) => hold.during(() => opened))
  for (const name of ['source 1', 'other', 'source 2']) {
    await hold.whenFree(name.split(' ')[0] ?? '', work(name))
  }
  first.open()
  await holders[0]
  await turn()
  expect(ran).toEqual([])
  second.open()
  await holders[1]
  await turn()
  expect(ran).toEqual(['source 2', 'other'])
})

test('clean-ups run one after another, and a copy begins behind the one that runs', async () => {
  const { hold, ran, work } = watched()
  const { open, opened } = gate()
  const slow = hold.whenFree('slow', async () => {
    ran.push('begins')
    await opened
    ran.push('ends')
  })
  const next = hold.ifFree(work('next'))
  const copy = hold.during(work('copy'))
  await turn()
  expect(ran).toEqual(['begins'])
  open()
  await Promise.all([slow, next, copy])
  expect(ran).toEqual(['begins', 'ends', 'next', 'copy'])
})

test('what was put off by an attempt that is over is forgotten', async () => {
  const { hold, ran, work } = watched()
  const { open, opened } = gate()
  const held = hold.during(() => opened)
  await hold.whenFree('a', work('a'))
  hold.forget()
  await hold.whenFree('b', work('b'))
  open()
  await held
  await turn()
  expect(ran).toEqual(['b'])
})

test('a clean-up that fails is told to who asked for it, or by name if it was put off; others go on', async () => {
  const { hold, ran, failures, work } = watched()
  const full = new Error('disk full')
  const fails = () => Promise.reject(full)
  await expect(hold.whenFree('a', fails)).rejects.toBe(full)
  await expect(hold.ifFree(fails)).rejects.toBe(full)
  expect(failures).toEqual([])
  const held = hold.during(async () => {
    await hold.whenFree('a', fails)
    await hold.whenFree('b', work('b'))
    throw new Error('the copy failed too')
  })
  await expect(held).rejects.toThrow('the copy failed too')
  await turn()
  expect(failures).toEqual([['a', full]])
  expect(ran).toEqual(['b'])
})
