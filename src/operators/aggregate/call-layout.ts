import { type DataType, stringType } from '../../batch/schema.ts'
import type { AggregateCall, Aggregator } from '../../expr/aggregates.ts'
import { jsonText } from '../user-state-codec.ts'
import type { AggregateColumns } from './spec.ts'

/** An aggregate as far as its accumulator depends on it. Plain data, kept in every manifest. */
export interface CallLayout {
  /** The name of its result. */
  readonly column: string
  readonly call: Omit<AggregateCall, 'args' | 'filter' | 'aggregator' | 'nullable'>
  readonly args: readonly DataType[]
}

/** The layouts of the aggregates of an operator; `columns` are the names of their results. */
export function callLayouts(
  aggregates: readonly AggregateColumns[],
  columns: readonly string[],
): readonly CallLayout[] {
  return aggregates.map(({ call }, index) => {
    const { args, filter: _, aggregator: __, nullable: ___, ...plain } = call
    return { column: columns[index] ?? '', call: plain, args: args.map(({ type }) => type) }
  })
}

/**
 * A call whose accumulator reads the state of the one that the layout was made of. Results that leave
 * their type are NULL; the buffer of a user's aggregate is shown as JSON, as its functions are not there.
 */
export function callOf({ call, args }: CallLayout): AggregateCall {
  return {
    ...call,
    ...(call.name === 'user' ? { type: stringType, aggregator: shownBuffer } : {}),
    safe: true,
    nullable: true,
    args: args.map((type) => ({ kind: 'literal', value: null, type })),
  }
}

const shownBuffer: Aggregator = {
  name: 'buffer',
  type: stringType,
  zero: () => null,
  // Of distinct values, which are given to the aggregate only when its result is asked for.
  reduce: (buffer, ...values) => {
    const all: unknown[] = Array.isArray(buffer) ? buffer : []
    all.push(values)
    return all
  },
  merge: (left) => left,
  finish: jsonText,
}
