import fc from 'fast-check'
import { expect, test } from 'vitest'
import { aggregateLaw } from '../../properties/laws/aggregate.ts'
import { streamEqualsBatch } from '../../properties/laws/stream-equals-batch.ts'
import { col, type UserAggregate, udaf, window } from '../../src/functions.ts'
import { Session } from '../../src/index.ts'
import { oracleLaunch } from '../dataframe/oracle-launch.ts'

interface Words {
  count: number
  readonly letters: Map<string, bigint>
}

/** Keeps a map and changes it in place, as a careful user may. */
const letters: UserAggregate<[string | null, bigint | null], Words, string> = {
  name: 'letters',
  inputTypes: ['string', 'bigint'],
  returnType: 'string',
  zero: () => ({ count: 0, letters: new Map() }),
  reduce(buffer, word, weight) {
    buffer.count += 1
    for (const letter of word ?? '') {
      buffer.letters.set(letter, (buffer.letters.get(letter) ?? 0n) + (weight ?? 1n))
    }
    return buffer
  },
  merge(left, right) {
    left.count += right.count
    for (const [letter, weight] of right.letters) {
      left.letters.set(letter, (left.letters.get(letter) ?? 0n) + weight)
    }
    return left
  },
  finish: ({ count, letters: found }) =>
    `${count}: ${[...found]
      .sort()
      .map(([letter, weight]) => `${letter}${weight}`)
      .join(' ')}`,
}

const row = fc.tuple(
  fc.option(fc.constantFrom('', 'ab', 'b', 'aé')),
  fc.option(fc.bigInt({ min: -3n, max: 3n })),
)

test('an aggregate that keeps the laws passes', async () => {
  await expect(aggregateLaw(letters, { row, seed: 3 })).resolves.toBeUndefined()
})

const broken: readonly (readonly [string, Partial<typeof letters>])[] = [
  ['is associative', { merge: (left, right) => (left.count > right.count ? left : right) }],
  ['zero', { zero: () => ({ count: 1, letters: new Map() }) }],
  [
    'second argument',
    {
      merge(left, right) {
        const merged = letters.merge(left, right)
        right.count += 1
        return merged
      },
    },
  ],
  [
    'finish leaves',
    {
      finish(buffer) {
        buffer.count += 1
        return letters.finish(buffer)
      },
    },
  ],
]

test.each(broken)('the law finds where this is broken: %s', async (_what, change) => {
  const law = aggregateLaw({ ...letters, ...change }, { row, seed: 3 })
  await expect(law).rejects.toThrow('aggregateLaw does not hold: ')
})

test('a shared zero is found', async () => {
  const shared = { count: 0, letters: new Map<string, bigint>() }
  const law = aggregateLaw({ ...letters, zero: () => shared }, { row, seed: 3 })
  await expect(law).rejects.toThrow('zero')
})

test('in windows of a stream it gives what it gives over all rows', async () => {
  const call = udaf(letters)
  for (const [size, slide] of [
    ['10 seconds', '10 seconds'],
    ['10 seconds', '4 seconds'],
  ] as const) {
    for (const outputMode of ['append', 'update', 'complete'] as const) {
      const report = await streamEqualsBatch(
        {
          inputs: [
            {
              schema: 'at TIMESTAMP, word STRING, weight BIGINT',
              row: fc
                .tuple(fc.integer({ min: 0, max: 30 }), row)
                .map(([second, [word, weight]]) => [new Date(second * 1000), word, weight]),
            },
          ],
          query: ([input]) => {
            if (input === undefined) throw new Error('the query has one input')
            return input
              .withWatermark('at', '5 seconds')
              .groupBy(window('at', size, slide))
              .agg(call('word', col('weight')).alias('all'))
          },
          outputMode,
        },
        { runs: 25, seed: 11 },
      )
      expect(report.cases).toBe(25)
    }
  }
}, 60_000)

const frame = oracleLaunch().frame('word STRING, n INT', [
  { word: 'ab', n: 2 },
  { word: 'b', n: 3 },
  { word: null, n: 4 },
])

test('arguments are cast to the input types, and the column has the name of the aggregate', async () => {
  const result = frame.agg(udaf(letters)('word', 'n'))
  expect(result.columns).toEqual(['letters(word, n)'])
  expect(await result.collect()).toEqual([{ 'letters(word, n)': '3: a2 b5' }])
})

test('the number of arguments is checked', () => {
  expect(() => frame.agg(udaf(letters)('word'))).toThrow('letters takes 2 arguments but got 1')
})

test('what a function throws says whose it is', async () => {
  const throwing = udaf({
    ...letters,
    reduce() {
      throw new Error('no more letters')
    },
  })
  const session = Session.builder.getOrCreate()
  const words = session.createDataFrame([{ word: 'a', n: 1 }], 'word STRING, n BIGINT')
  await expect(words.agg(throwing('word', 'n')).collect()).rejects.toMatchObject({
    code: 'USER_FUNCTION_FAILED',
    message: expect.stringContaining('letters'),
  })
  await session.stop()
})

test('two aggregates of one name are two aggregates', async () => {
  const other = udaf({ ...letters, finish: ({ count }: Words) => String(-count) })
  const result = frame.agg(udaf(letters)('word', 'n').alias('a'), other('word', 'n').alias('b'))
  expect(await result.collect()).toEqual([{ a: '3: a2 b5', b: '-3' }])
})
