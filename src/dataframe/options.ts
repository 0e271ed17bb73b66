import { StreamError } from '../core/error.ts'
import type { Options } from './launch.ts'

/** An option as users give it. */
export type OptionValue = string | number | boolean

/** The options with one more; names have no letter case, and the last value counts. */
export function withOption(options: Options, name: string, value: OptionValue): Options {
  if (!['string', 'number', 'boolean'].includes(typeof value)) {
    throw new StreamError('CONFIG_INVALID', {
      option: name,
      value: String(value),
      expected: 'text, a number, true or false',
    })
  }
  return { ...options, [name.toLowerCase()]: String(value) }
}

/** The options with several more. */
export function withOptions(
  options: Options,
  more: Readonly<Record<string, OptionValue>>,
): Options {
  return Object.entries(more).reduce((all, [name, value]) => withOption(all, name, value), options)
}
