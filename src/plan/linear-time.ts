import type { Expression } from '../expr/expression.ts'

/** A value as a sum over the event times of both sides of a join, in its own unit. */
export interface LinearTime {
  readonly left: number
  readonly right: number
  readonly constant: number
  /** How much smaller the value may really be, where fractions are cut off. */
  readonly slack: number
}

/** Which columns are the event times. */
export interface TimeColumns {
  readonly left: number | undefined
  readonly right: number | undefined
}

const second = 1_000_000

/** The sum that an expression is; `undefined` if it is none or not of event times. */
export function linearTime(expression: Expression, times: TimeColumns): LinearTime | undefined {
  const part = (one: Expression | undefined): LinearTime | undefined =>
    one === undefined ? undefined : linearTime(one, times)
  switch (expression.kind) {
    case 'column':
      if (expression.index === times.left) return { left: 1, right: 0, constant: 0, slack: 0 }
      if (expression.index === times.right) return { left: 0, right: 1, constant: 0, slack: 0 }
      return undefined
    case 'literal': {
      const { value } = expression
      const isNumber = typeof value === 'number' || typeof value === 'bigint'
      const isPlain = expression.type.kind !== 'decimal' && expression.type.kind !== 'date'
      return isNumber && isPlain ? constant(Number(value)) : undefined
    }
    case 'cast':
      return casted(expression.input, expression.type.kind, part(expression.input))
    case 'call': {
      const [first, second, third] = expression.args
      switch (expression.name) {
        case 'timestamp_add_interval': {
          const months = part(second)
          return months?.constant === 0 ? sum(part(first), part(third), 1) : undefined
        }
        case 'unix_micros':
        case 'timestamp_micros':
          return part(first)
        case '+':
          return sum(part(first), part(second), 1)
        case '-':
          return sum(part(first), part(second), -1)
        case '*':
          return product(part(first), part(second))
        default:
          return undefined
      }
    }
    default:
      return undefined
  }
}

/** Times become seconds as numbers, and the other way round; whole numbers stay what they are. */
function casted(
  input: Expression,
  to: string,
  value: LinearTime | undefined,
): LinearTime | undefined {
  if (value === undefined) return undefined
  const from = input.type.kind
  const isTime = from === 'timestamp'
  if (isTime && to === 'double') return scaled(value, 1 / second)
  if (isTime && to === 'long') return { ...scaled(value, 1 / second), slack: 1 }
  if (!isTime && to === 'timestamp') return scaled(value, second)
  const whole = ['byte', 'short', 'int', 'long', 'double']
  const widens = whole.includes(from) && whole.indexOf(to) >= whole.indexOf(from)
  return from === to || widens ? value : undefined
}

function constant(value: number): LinearTime {
  return { left: 0, right: 0, constant: value, slack: 0 }
}

function scaled(value: LinearTime, by: number): LinearTime {
  return {
    left: value.left * by,
    right: value.right * by,
    constant: value.constant * by,
    slack: value.slack * by,
  }
}

function sum(
  first: LinearTime | undefined,
  second: LinearTime | undefined,
  sign: 1 | -1,
): LinearTime | undefined {
  if (first === undefined || second === undefined) return undefined
  // What is taken away may be smaller by its slack, and the whole larger: not a sum of this kind.
  if (sign < 0 && second.slack > 0) return undefined
  return {
    left: first.left + sign * second.left,
    right: first.right + sign * second.right,
    constant: first.constant + sign * second.constant,
    slack: first.slack + second.slack,
  }
}

function product(
  first: LinearTime | undefined,
  second: LinearTime | undefined,
): LinearTime | undefined {
  if (first === undefined || second === undefined) return undefined
  const [value, factor] = isConstant(first) ? [second, first] : [first, second]
  // The other way round what is cut off would be added.
  if (!isConstant(factor) || (factor.constant < 0 && value.slack > 0)) return undefined
  return scaled(value, factor.constant)
}

function isConstant({ left, right }: LinearTime): boolean {
  return left === 0 && right === 0
}
