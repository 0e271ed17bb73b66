import fc from 'fast-check'
import type { UserAggregate } from '../../src/dataframe/functions-aggregate.ts'
import { packUserValue, unpackUserValue } from '../../src/operators/user-state-codec.ts'
import { type LawOptions, runLaw } from './run-law.ts'

export interface AggregateLawOptions<Inputs extends readonly unknown[], Result> extends LawOptions {
  /** The arguments of one row, as the aggregate sees them; NULL is `null`. */
  readonly row: fc.Arbitrary<Inputs>
  /** When two answers count as equal; default: the same value, doubles to nine digits. */
  readonly same?: (left: Result, right: Result) => boolean
}

/**
 * What the engine relies on in an aggregate of one's own: `zero()` is neutral in `merge`, `merge` is
 * associative, rows in parts and merged give what they give at once, buffers survive being written to the
 * state, and no function changes a buffer that it may not change. Compared by what `finish` answers.
 * @throws LawFailure with the smallest rows for which one of these does not hold
 */
export async function aggregateLaw<Inputs extends readonly unknown[], Buffer, Result>(
  aggregate: UserAggregate<Inputs, Buffer, Result>,
  { row, same = isSame, ...options }: AggregateLawOptions<Inputs, Result>,
): Promise<void> {
  const rows = fc.array(row, { maxLength: 8 })
  const copy = (buffer: Buffer): Buffer => unpackUserValue(packUserValue(buffer)) as Buffer
  const reduced = (from: Buffer, more: readonly Inputs[]): Buffer =>
    more.reduce((buffer, values) => aggregate.reduce(buffer, ...values), from)
  const bufferOf = (more: readonly Inputs[]): Buffer => reduced(aggregate.zero(), more)
  const merged = (left: Buffer, right: Buffer): Buffer => aggregate.merge(copy(left), right)
  const hold = (what: string, left: Buffer, right: Buffer): void => {
    const [one, other] = [aggregate.finish(left), aggregate.finish(right)]
    if (same(one, other)) return
    throw new Error(`${what}: ${fc.stringify(one)} is not ${fc.stringify(other)}`)
  }
  const zero = packUserValue(aggregate.zero())
  const holds = async ([first, second, third]: readonly [
    readonly Inputs[],
    readonly Inputs[],
    readonly Inputs[],
  ]): Promise<void> => {
    const all = bufferOf([...first, ...second, ...third])
    const [a, b, c] = [bufferOf(first), bufferOf(second), bufferOf(third)]
    const written = [a, b, c].map(copy)
    hold('zero merged with a buffer is that buffer', merged(aggregate.zero(), a), a)
    hold('a buffer merged with zero is that buffer', merged(a, aggregate.zero()), a)
    const left = merged(merged(a, b), c)
    hold('merge is associative', left, merged(a, merged(b, c)))
    hold('rows in parts and merged are rows at once', left, all)
    hold('a buffer is the same after it was written and read', copy(left), left)
    hold('finish leaves the buffer as it is', left, all)
    const more = reduced(merged(a, b), third)
    hold('a merged buffer takes rows as any other', more, all)
    ;[a, b, c].forEach((buffer, at) => {
      hold('merge leaves its second argument as it is', buffer, written[at] ?? buffer)
    })
    if (Buffer.compare(zero, packUserValue(aggregate.zero())) !== 0) {
      throw new Error('zero() gives a buffer that was changed before: it must make a new one')
    }
  }
  const describe = (parts: readonly (readonly Inputs[])[]): string =>
    parts.map((part, at) => `part ${at}: ${fc.stringify(part)}`).join('\n')
  await runLaw(
    { name: 'aggregateLaw', cases: fc.tuple(rows, rows, rows), holds, describe },
    { runs: 200, ...options },
  )
}

const tolerance = 1e-9

function isSame(left: unknown, right: unknown): boolean {
  if (typeof left === 'number' && typeof right === 'number') {
    if (Object.is(left, right) || left === right) return true
    return Math.abs(left - right) <= tolerance * Math.max(1, Math.abs(left), Math.abs(right))
  }
  return fc.stringify(left) === fc.stringify(right)
}
