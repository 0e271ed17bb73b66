import { closest } from '../core/closest.ts'
import { StreamError } from '../core/error.ts'
import type { UnresolvedExpression } from '../expr/unresolved.ts'
import type { JoinType } from '../plan/logical.ts'
import type { UnresolvedAsofJoin, UnresolvedJoin, UnresolvedPlan } from '../plan/unresolved-plan.ts'
import type { AsofJoinOptions } from './asof-join.ts'
import type { Column } from './column.ts'
import type { JoinOptions, JoinTypeName } from './join-options.ts'

const types: Readonly<Record<string, JoinType>> = {
  inner: 'inner',
  cross: 'inner',
  left: 'leftOuter',
  leftouter: 'leftOuter',
  right: 'rightOuter',
  rightouter: 'rightOuter',
  full: 'fullOuter',
  outer: 'fullOuter',
  fullouter: 'fullOuter',
  semi: 'leftSemi',
  leftsemi: 'leftSemi',
  anti: 'leftAnti',
  leftanti: 'leftAnti',
}

/** What `join` was given, as a plan. A name, or a list of them, is USING; columns are conditions. */
export function joinPlan(
  sides: { readonly left: UnresolvedPlan; readonly right: UnresolvedPlan },
  on: string | Column | readonly (string | Column)[] | undefined,
  how: JoinTypeName,
  { refresh }: JoinOptions = {},
): UnresolvedJoin {
  const all = on === undefined ? [] : typeof on === 'string' || !isList(on) ? [on] : on
  const names = all.filter((one) => typeof one === 'string')
  const columns = all.filter((one) => typeof one !== 'string')
  if (names.length > 0 && columns.length > 0) {
    throw new StreamError('CONFIG_INVALID', {
      option: 'on of join',
      value: 'a mixture of names and columns',
      expected: 'either names that both frames have, or conditions',
    })
  }
  const [first, ...more] = columns.map((column) => column.expression)
  const condition = more.reduce<UnresolvedExpression | undefined>(
    (left, right) => left && { kind: 'call', name: 'and', args: [left, right] },
    first,
  )
  return {
    kind: 'join',
    ...sides,
    type: typeNamed(how),
    ...(names.length === 0 ? {} : { using: names }),
    ...(condition === undefined ? {} : { condition }),
    ...(refresh === undefined ? {} : { refresh }),
  }
}

/** What `asofJoin` was given, as a plan. */
export function asofJoinPlan(
  left: UnresolvedPlan,
  right: UnresolvedPlan,
  options: AsofJoinOptions,
): UnresolvedAsofJoin {
  const { on, leftTime, rightTime, tolerance, direction = 'backward', type = 'leftOuter' } = options
  if (direction !== 'backward') throw invalidAsof('direction', direction, "'backward'")
  if (!['inner', 'leftOuter'].includes(type))
    throw invalidAsof('type', type, "'inner' or 'leftOuter'")
  return {
    kind: 'asofJoin',
    join: { ...joinPlan({ left, right }, on, type), type },
    leftTime,
    rightTime,
    ...(tolerance === undefined ? {} : { tolerance }),
  }
}

function invalidAsof(
  option: string,
  value: string,
  expected: string,
): StreamError<'CONFIG_INVALID'> {
  return new StreamError('CONFIG_INVALID', { option: `${option} of asofJoin`, value, expected })
}

function isList<T>(given: T | readonly T[]): given is readonly T[] {
  return Array.isArray(given)
}

function typeNamed(how: string): JoinType {
  const type = types[how.toLowerCase().replaceAll('_', '')]
  if (type !== undefined) return type
  const known = Object.keys(types)
  throw new StreamError('CONFIG_INVALID', {
    option: 'how of join',
    value: how,
    expected: `one of ${known.join(', ')} (did you mean ${closest(how.toLowerCase(), known)}?)`,
  })
}
