import { longType, typeText } from '../batch/schema.ts'
import { parseDuration } from '../core/duration.ts'
import { StreamError } from '../core/error.ts'
import type { Expression } from '../expr/expression.ts'
import { defaultName } from '../expr/names.ts'
import type { UnresolvedExpression } from '../expr/unresolved.ts'
import { type Analyzed, bind } from './scope.ts'
import { callNamed } from './unresolved-tree.ts'

/**
 * The arguments of a `session_window(time, gap)`.
 * @throws StreamError `CONFIG_INVALID` for another number of them
 */
export function sessionArguments(call: UnresolvedExpression): {
  readonly time: UnresolvedExpression
  readonly gap: UnresolvedExpression
} {
  const args = call.kind === 'call' ? call.args : []
  const [time, gap, ...more] = args
  if (time !== undefined && gap !== undefined && more.length === 0) return { time, gap }
  throw new StreamError('CONFIG_INVALID', {
    option: 'arguments of session_window',
    value: args.length,
    expected: '2: a time and a gap',
  })
}

/**
 * The gap of a session as LONG microseconds. Durations that stand in the query are read now, in every
 * branch of a CASE too; text that comes with the rows is read row by row.
 * @throws StreamError `DURATION_INVALID` for a constant that is none; `DATATYPE_MISMATCH` for a value
 * that is not text
 */
export function gapOf(written: UnresolvedExpression, input: Analyzed): Expression {
  return bind(gapMicros(written, input), input)
}

function gapMicros(written: UnresolvedExpression, input: Analyzed): UnresolvedExpression {
  const into = (part: UnresolvedExpression): UnresolvedExpression => gapMicros(part, input)
  switch (written.kind) {
    case 'alias':
      return into(written.input)
    case 'interval':
      if (written.months !== 0) {
        throw new StreamError('DURATION_INVALID', {
          text: defaultName(written),
          why: 'months and years have no fixed length; write days',
        })
      }
      return micros(written.micros)
    case 'literal':
      if (typeof written.value === 'string') {
        return micros(parseDuration(written.value, { negative: true }))
      }
      if (written.value === null) return { ...written, type: longType }
      break
    case 'case': {
      const { branches, otherwise } = written
      return {
        ...written,
        branches: branches.map(({ when, then }) => ({ when, then: into(then) })),
        otherwise: otherwise && into(otherwise),
      }
    }
    case 'call': {
      const choice = callNamed(written, 'coalesce', 'nvl', 'ifnull')
      if (choice !== undefined) return { ...choice, args: choice.args.map(into) }
      break
    }
    default:
  }
  const { type } = bind(written, input)
  if (type.kind === 'string' || type.kind === 'void') {
    return { kind: 'call', name: 'duration_micros', args: [written] }
  }
  throw new StreamError('DATATYPE_MISMATCH', {
    expression: `the gap ${defaultName(written)} of session_window`,
    expected: "a duration such as '5 minutes', or a STRING column of durations",
    actual: typeText(type).toUpperCase(),
    suggestion: 'string',
  })
}

function micros(value: number): UnresolvedExpression {
  return { kind: 'literal', value: BigInt(value), type: longType }
}
