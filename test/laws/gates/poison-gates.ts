import { stepWatch } from '../../../properties/laws/step-watch.ts'
import { publishedLines } from '../../../properties/published-lines.ts'
import { simulatedSession } from '../../../properties/simulated-session.ts'
import {
  type VirtualFileSystem,
  virtualFileSystem,
} from '../../../properties/virtual-file-system.ts'
import { StreamError } from '../../../src/core/error.ts'
import { seededRandom } from '../../../src/core/random.ts'
import { col, udf } from '../../../src/functions.ts'
import type { Gate } from './gate.ts'

/** A record that breaks something. */
interface Poison {
  readonly name: string
  readonly line: Uint8Array
  /** The code of the error that it ends a query with; absent: it is a good row. */
  readonly code?: string
  /** The row that it is where it is good. */
  readonly row?: string
  /** Only where bad records are delivered it counts as one. */
  readonly isBadAsLetter?: true
}

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text)
const poisons: readonly Poison[] = [
  { name: 'a record that is cut', line: bytesOf('{"k":"x","n":'), code: 'DECODE_FAILED' },
  {
    // As in Spark a character that cannot be read stands for such bytes; a dead letter keeps them.
    name: 'bytes that are no text',
    line: Uint8Array.of(...bytesOf('{"k":"'), 0xc3, 0x28, ...bytesOf('","n":7}')),
    code: 'DECODE_FAILED',
    row: '{"k":"\ufffd(","n":7}',
    isBadAsLetter: true,
  },
  { name: 'another schema', line: bytesOf('{"k":"x","n":"many"}'), code: 'DECODE_FAILED' },
  {
    name: 'a row that a function throws at',
    line: bytesOf('{"k":"bad","n":7}'),
    code: 'USER_FUNCTION_FAILED',
  },
  {
    name: 'a record of 64 MiB',
    line: bytesOf(`{"k":"x","n":"${'x'.repeat(64 * 2 ** 20)}"}`),
    code: 'DECODE_FAILED',
  },
  { name: 'a key that is NULL', line: bytesOf('{"k":null,"n":7}'), row: '{"n":7}' },
]

const policies = [
  { mode: 'FAILFAST', badRows: 'fail' },
  { mode: 'DROPMALFORMED', badRows: 'drop' },
  { mode: 'DEADLETTER', badRows: 'deadLetter' },
] as const
type Policy = (typeof policies)[number]

/** Every kind of bad record under every policy, and a death before one step: the next step in each round. */
export const poisonedRecords: Gate = {
  id: 'G12',
  name: 'a record that breaks something ends the query, is dropped, or is delivered once',
  unit: 'crashes',
  wanted: { test: poisons.length * policies.length, long: 5_000 },
  async round(seed) {
    const policy = policies[seed % policies.length] as Policy
    const poison = poisons[Math.floor(seed / policies.length) % poisons.length] as Poison
    const where = `${poison.name}, ${policy.badRows}`
    try {
      const whole = await machine(poison, seed)
      const { steps } = await whole.live(policy)
      await check(whole.disk(), poison, policy)
      const world = await machine(poison, seed)
      await world.live(policy, Math.floor(seededRandom(seed).next() * steps))
      const { error } = await world.live(policy)
      const fails = !isGood(poison, policy) && policy.badRows === 'fail'
      if (error?.code !== (fails ? poison.code : undefined)) {
        throw error ?? new Error('the query did not fail')
      }
      await check(world.disk(), poison, policy)
      // Whoever drops the record can go on.
      await world.live(policies[1])
      await check(world.disk(), poison, fails ? policies[1] : policy)
    } catch (cause) {
      throw new Error(`${where}: ${String(cause)}`, { cause })
    }
    return { done: 1, kinds: [where] }
  },
}

const known = udf((key: string | null) => {
  if (key === 'bad') throw new RangeError(`what is ${key}?`)
  return key
}, 'string')

interface Machine {
  /** Runs a process until it has read everything, fails, or dies. */
  live(
    policy: Policy,
    dieAt?: number,
  ): Promise<{ readonly steps: number; readonly error: StreamError | undefined }>
  disk(): VirtualFileSystem
}

/** Three files of rows, some of them twice; the second one holds the bad record in its middle. */
async function machine({ line }: Poison, seed: number): Promise<Machine> {
  let disk = await filesWith(line)
  let life = 0
  return {
    disk: () => disk,
    async live({ mode, badRows }, dieAt = Number.POSITIVE_INFINITY) {
      const watch = stepWatch(dieAt)
      const files = disk.kill({ onStep: watch.step, random: seededRandom(seed) })
      const made = { seed: seed + life, files, life, config: { allowUnbounded: 'true' } }
      const { session, simulation } = simulatedSession({ ...made, onSend: watch.send })
      life += 1
      const query = session.readStream
        .format('json')
        .schema('k STRING, n INT')
        .options({ mode, maxFilesPerTrigger: '1' })
        .load('in')
        .select(known(col('k')).alias('k'), 'n')
        .dropDuplicates('k', 'n')
        .writeStream.format('json')
        .option('checkpointLocation', 'checkpoint')
        .option('badRows', badRows)
        .option('deadLetterPath', 'letters')
        .trigger({ availableNow: true })
        .start('out')
      let error: StreamError | undefined
      try {
        await simulation.run(query.awaitTermination(), { isDead: watch.isDead })
      } catch (thrown) {
        if (!watch.isDead()) {
          if (!(thrown instanceof StreamError)) throw thrown
          error = thrown
        }
      }
      disk = watch.isDead() ? files.crash() : files.kill()
      return { steps: watch.steps.length, error }
    },
  }
}

const goodRows = [0, 1, 2].map((file) => [
  `{"k":"a","n":${file}}`,
  `{"k":"b","n":${file}}`,
  `{"k":"a","n":${file}}`,
])

async function filesWith(poison: Uint8Array): Promise<VirtualFileSystem> {
  const files = virtualFileSystem()
  await files.makeFolder('in')
  for (const [number, lines] of goodRows.entries()) {
    const rows = lines.map((line) => bytesOf(`${line}\n`))
    if (number === 1) rows.splice(1, 0, poison, bytesOf('\n'))
    await files.create(`in/${number}`, Buffer.concat(rows))
  }
  await files.syncFolder('in')
  return files
}

function isGood({ code, isBadAsLetter }: Poison, { badRows }: Policy): boolean {
  return code === undefined || (isBadAsLetter === true && badRows !== 'deadLetter')
}

/** What readers see at the end: each good row once, the bad one where its policy says. */
async function check(files: VirtualFileSystem, poison: Poison, policy: Policy): Promise<void> {
  const { line, code, row } = poison
  const { badRows } = policy
  const isBad = !isGood(poison, policy)
  const found = [...(await publishedLines(files, 'out'))].sort()
  const fails = isBad && badRows === 'fail'
  // The epoch before the bad record may have been committed when that one failed, or not yet.
  const read = fails ? goodRows.slice(0, found.length === 0 ? 0 : 1) : goodRows
  const expected = [...new Set(read.flat()), ...(isBad || row === undefined ? [] : [row])].sort()
  mustBe('rows', found, expected)
  const letters = await publishedLines(files, 'letters')
  mustBe(
    'dead letters',
    letters.map((letter): string => JSON.parse(letter).code),
    isBad && badRows === 'deadLetter' && code !== undefined ? [code] : [],
  )
  const [letter] = letters
  if (letter === undefined || code !== 'DECODE_FAILED') return
  // Text stands in the letter as it came, other bytes in base64.
  const { record }: { readonly record: string } = JSON.parse(letter)
  const came = Buffer.from(line)
  if (record !== came.toString() && record !== came.toString('base64')) {
    throw new Error(`the dead letter holds ${record.slice(0, 100)}`)
  }
}

function mustBe(what: string, found: readonly string[], expected: readonly string[]): void {
  if (JSON.stringify(found) === JSON.stringify(expected)) return
  const cut = (texts: readonly string[]) => texts.map((text) => text.slice(0, 60)).join(' ')
  throw new Error(`${what}: ${cut(found)} instead of ${cut(expected)}`)
}
