import { StreamError } from '../core/error.ts'
import type { UnresolvedExpression } from '../expr/unresolved.ts'
import { literal } from './literal.ts'
import type { OptionValue } from './options.ts'

/** Options of a function, by name without letter case. */
export type CallOptions = Readonly<Record<string, OptionValue>>

/** Options as the last argument of a call; none where there are none. */
export function optionsOf(options: CallOptions): readonly UnresolvedExpression[] {
  const entries = Object.entries(options).flatMap(([name, value]) => {
    if (!['string', 'number', 'boolean'].includes(typeof value)) throw invalid(name)
    return [name, String(value)]
  })
  return entries.length === 0 ? [] : [{ kind: 'call', name: 'map', args: entries.map(literal) }]
}

/** The value is not shown: it may be a secret. */
function invalid(option: string): StreamError<'CONFIG_INVALID'> {
  const expected = 'text, a number, true or false'
  return new StreamError('CONFIG_INVALID', { option, value: 'what was given', expected })
}
