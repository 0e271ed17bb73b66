import { afterEach, expect, test } from 'vitest'
import { Session } from '../../src/index.ts'

const quiet = Session.builder.config({ store: 'memory', progress: 'off' })

afterEach(async () => {
  await Session.builder
    .getOrCreate()
    .stop()
    .catch(() => undefined)
})

test('the session that runs is given out again, also to who asks for what it has', () => {
  const session = quiet.appName('first').config('lanes', 2).getOrCreate()
  expect(Session.builder.getOrCreate()).toBe(session)
  expect(quiet.getOrCreate()).toBe(session)
  const same = Session.builder.config({ LANES: '2', 'spark.app.name': 'first', shards: 8 })
  expect(same.getOrCreate()).toBe(session)
  // Settings of Spark that mean nothing here have no value that could be another.
  expect(Session.builder.config('spark.ui.port', 1).getOrCreate()).toBe(session)
})

test.each([
  ['lanes', 3, /The option lanes cannot be 3: 2, as the session that runs has it \(stop/],
  ['stateMaxRows', 5, /stateMaxRows cannot be 5: nothing, as the session/],
  ['spark.app.name', 'other', /spark.app.name cannot be other: millrace, as/],
])('an option that the session that runs has in another way is refused: %s', (name, value, why) => {
  quiet.config('lanes', 2).getOrCreate()
  const other = Session.builder.config(name, value)
  expect(() => other.getOrCreate()).toThrow(why)
  expect(() => other.getOrCreate()).toThrow(/stop the session first/)
})

test('a session is forgotten although one of its queries could not be stopped', async () => {
  const session = quiet.config('stopTimeout', '20 milliseconds').getOrCreate()
  let release: () => void = () => undefined
  const gate = new Promise<void>((resolve) => {
    release = resolve
  })
  let isStuck: () => void = () => undefined
  const stuck = new Promise<void>((resolve) => {
    isStuck = resolve
  })
  const input = session.memoryStream('n INT')
  const hanging = input.toDF().writeStream.foreachBatch(async () => {
    isStuck()
    await gate
  })
  hanging.start()
  const other = input.toDF().writeStream.format('noop').start()
  input.addData([[1]])
  await stuck
  await expect(session.stop()).rejects.toMatchObject({ code: 'STOP_TIMEOUT' })
  expect(other.isActive).toBe(false)
  release()
  expect(Session.builder.getOrCreate()).not.toBe(session)
})
