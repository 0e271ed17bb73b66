import { expect, test } from 'vitest'
import type { Case, CaseQuery, PlanNode, Step } from './case.ts'
import { runCase } from './run-case.ts'
import { openSession } from './sessions.ts'

/** Made-up cases for members of the language whose meaning is in the runner. */
const source: PlanNode = { op: 'source', name: 'in' }
const perValue: PlanNode = {
  op: 'aggregate',
  keys: ['value'],
  aggs: [{ as: 'n', fn: 'count' }],
  in: source,
}
const columns = {
  numbers: [['value', 'int']],
  words: [['value', 'string']],
  actions: [
    ['key', 'string'],
    ['action', 'string'],
    ['ukey', 'string'],
    ['uval', 'string'],
  ],
} as const

function check(
  query: Partial<CaseQuery> & { readonly plan: PlanNode },
  kind: keyof typeof columns,
  ...steps: readonly Step[]
) {
  const sources = [{ name: 'in', columns: columns[kind] }]
  const made: Case = {
    id: 'made-up',
    query: { sources, output_mode: 'update', options: {}, ...query },
    steps,
  }
  return expect(runCase(made, openSession, { store: 'memory', lanes: 1 })).resolves
}

const add = (...rows: readonly (readonly unknown[])[]): Step => ({ do: 'add', rows: { in: rows } })
const fresh = (...rows: readonly (readonly unknown[])[]): Step => ({ do: 'expect_new', rows })
const restart: Step = { do: 'restart' }
const refused = (reason: string): Step => ({ do: 'expect_error', phase: 'run', reason })

function program(name: string, more: Partial<PlanNode> = {}): PlanNode {
  return { op: 'process', style: 'processor', program: name, in: source, ...more }
}

const calls = program('count_calls_reset3', { keys: ['value'], columns: ['value', 'n'] })
const map = program('map_actions', { keys: ['key'], columns: ['key', 'ukey', 'uval'] })

test('an expectation that is not met is told', async () => {
  await check({ plan: perValue }, 'numbers', add([1]), fresh([1, 2])).toContain('actual [[1,1]]')
})

test('a run of its own takes what is added right before it, whatever the limit', async () => {
  const sources = [
    { name: 'in', columns: columns.words, kind: 'text_files', max_files_per_trigger: 1 },
  ] as const
  const files = [
    ['a', 'x'],
    ['b', 'y'],
  ] as const
  await check(
    { plan: source, sources, output_mode: 'append' },
    'words',
    { do: 'add_files', source: 'in', files },
    { do: 'run_once' },
    { do: 'expect_data_batches', n: 1 },
    { do: 'expect_all', rows: [['x'], ['y']] },
  ).toBeUndefined()
})

test('rows stay in their partitions when a restart changes how many there are', async () => {
  const more = { source_partitions: { in: 3 } }
  const one = { source_partitions: { in: 1 } }
  await check(
    { plan: perValue, options: { source_partitions: { in: 2 } } },
    'numbers',
    ...[add([1], [2], [3]), fresh([1, 1], [2, 1], [3, 1]), { ...restart, ...more }],
    ...[add([1], [2]), fresh([1, 2], [2, 2]), { ...restart, ...one }, add([3]), fresh([3, 2])],
  ).toBeUndefined()
})

test('a map gives null for a key that it does not have, and takes no null', async () => {
  await check(
    { plan: map },
    'actions',
    ...[add(['a', 'get', 'k', '']), fresh(['a', 'k', null]), add(['a', 'put', 'k', null])],
    refused('null_state_value'),
  ).toBeUndefined()
})

test('a program that takes the place of another goes on with its count', async () => {
  const replaced = { program: 'count_calls_timer5s', columns: ['value', 'n'] }
  await check(
    { plan: calls },
    'words',
    ...[add(['a']), fresh(['a', '1']), { ...restart, replace_program: replaced }],
    ...[add(['a']), fresh(['a', '2'])],
  ).toBeUndefined()
})

test('initial state is told to the program once', async () => {
  const plan = program('max_event_time_timeout5s', {
    keys: ['k'],
    columns: ['k', 's'],
    time_mode: 'event',
    initial_state: [
      ['a', 11],
      ['b', 5],
    ],
    in: {
      op: 'watermark',
      column: 't',
      delay_ms: 10_000,
      in: {
        op: 'project',
        columns: [
          { as: 'k', expr: ['lit', 'c'] },
          { as: 't', expr: ['ts', ['col', 'value']] },
        ],
        in: source,
      },
    },
  })
  // The watermark is at 10 s, then at 30 s: 5 s after b and after a.
  await check(
    { plan },
    'numbers',
    ...[add([20]), fresh(['c', 20], ['b', -1]), add([40]), fresh(['c', 40], ['a', -1])],
  ).toBeUndefined()
})

test('a fault in the sink fails the epoch, which comes again', async () => {
  await check(
    { plan: perValue },
    'numbers',
    ...[add([1]), fresh([1, 1]), { do: 'inject_fault', where: 'sink', when: 'first batch' }],
    ...[add([1]), refused('injected_failure')],
    ...[restart, fresh([1, 2])],
  ).toBeUndefined()
})

test('a log that is cut off is refused', async () => {
  await check(
    { plan: calls },
    'words',
    ...[add(['a']), { do: 'corrupt_checkpoint', how: 'truncate the newest log file' }, restart],
    refused('checkpoint_corrupt'),
  ).toBeUndefined()
})
