import { StreamError } from './error.ts'

/**
 * What becomes of a row that a function or an expression raises an error for: the query fails (nothing is
 * lost: the row is read again at the next start), the row is left out and counted, or it is left out,
 * counted and delivered to the dead letters.
 */
export type BadRowPolicy = 'fail' | 'drop' | 'deadLetter'

const policies: readonly BadRowPolicy[] = ['fail', 'drop', 'deadLetter']

/**
 * Reads a policy, in any letter case.
 * @throws StreamError `CONFIG_INVALID`
 */
export function badRowPolicy(given: string): BadRowPolicy {
  const found = policies.find((policy) => policy.toLowerCase() === given.trim().toLowerCase())
  if (found !== undefined) return found
  throw new StreamError('CONFIG_INVALID', {
    option: 'badRows',
    value: given,
    expected: `one of ${policies.join(', ')}`,
  })
}
