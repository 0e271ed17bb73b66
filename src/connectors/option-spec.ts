import { parseDuration } from '../core/duration.ts'
import { StreamError } from '../core/error.ts'

/** One option of a source or sink, as a row of its documentation that can also check a value. */
export interface OptionSpec<T = unknown> {
  /** As users write it, such as `rowsPerSecond`; letter case does not count. */
  readonly name: string
  readonly description: string
  /** The value when none is given. */
  readonly initial?: string
  /** Without a value the connector cannot work. */
  readonly required?: boolean
  /** No error shows its value. */
  readonly isSecret?: boolean
  /** What a value must be, to end the sentence "… is expected". */
  readonly expected: string
  /** The value, or `undefined` when the text is not one. */
  parse(text: string): T | undefined
}

/** Options by lower-case name, each of them known and with a value that its parser accepts. */
export type CheckedOptions = ReadonlyMap<string, string>

type Words = Pick<OptionSpec, 'name' | 'description' | 'initial' | 'required' | 'isSecret'>

/** Any text but the empty one. */
export function textOption(words: Words): OptionSpec<string> {
  return { ...words, expected: 'a text', parse: (text) => (text === '' ? undefined : text) }
}

/** `true` or `false`, in any letter case. */
export function booleanOption(words: Words): OptionSpec<boolean> {
  const known = new Map([
    ['true', true],
    ['false', false],
  ])
  return {
    ...words,
    expected: 'true or false',
    parse: (text) => known.get(text.trim().toLowerCase()),
  }
}

/** A whole number from `min`, by default 1, to `max`. */
export function integerOption(
  words: Words & { readonly min?: number; readonly max?: number },
): OptionSpec<number> {
  const { min = 1, max = Number.MAX_SAFE_INTEGER, ...rest } = words
  const upTo = max === Number.MAX_SAFE_INTEGER ? 'up' : `to ${max}`
  return {
    ...rest,
    expected: `a whole number from ${min} ${upTo}`,
    parse(text) {
      const value = /^\s*-?\d+\s*$/.test(text) ? Number(text) : Number.NaN
      return value >= min && value <= max ? value : undefined
    },
  }
}

/** One of the words, in any letter case; the value is the word as spelled here. */
export function choiceOption<Word extends string>(
  words: Words & { readonly choices: readonly Word[] },
): OptionSpec<Word> {
  const { choices, ...rest } = words
  return {
    ...rest,
    expected: `one of ${choices.join(', ')}`,
    parse: (text) => choices.find((word) => word.toLowerCase() === text.trim().toLowerCase()),
  }
}

/** A duration such as `10 minutes`, in microseconds; a number alone counts seconds, as in Spark. */
export function durationOption(words: Words): OptionSpec<number> {
  return {
    ...words,
    expected: "a duration such as '10 minutes'",
    parse(text) {
      try {
        return parseDuration(/^\s*\d+\s*$/.test(text) ? `${text} seconds` : text)
      } catch (thrown) {
        if (thrown instanceof StreamError) return undefined
        throw thrown
      }
    },
  }
}

/** What a batch write does about an output that exists; sinks that keep nothing accept and ignore it. */
export const saveModeOption = choiceOption({
  name: 'saveMode',
  description: 'What a batch write does if the output exists. Set by mode(…).',
  choices: ['append', 'overwrite', 'error', 'ignore'],
})

/** The value of an option that was given or has one by itself. */
export function optionOf<T>(options: CheckedOptions, spec: OptionSpec<T>): T | undefined {
  const text = options.get(spec.name.toLowerCase()) ?? spec.initial
  if (text === undefined) return undefined
  const value = spec.parse(text)
  if (value !== undefined) return value
  throw invalidValue(spec, text)
}

/**
 * The value of an option that is required or has one by itself.
 * @throws StreamError `CONFIG_INVALID` when it is missing
 */
export function settledOption<T>(options: CheckedOptions, spec: OptionSpec<T>): T {
  const value = optionOf(options, spec)
  if (value !== undefined) return value
  throw invalidOption(spec, 'left out')
}

/** The error for a value that an option cannot have, as it was given. */
export function invalidValue(spec: OptionSpec, text: string): StreamError<'CONFIG_INVALID'> {
  return invalidOption(spec, spec.isSecret === true ? 'what was given' : text)
}

/** The error for an option that cannot be as it is, in words that may be shown. */
export function invalidOption(spec: OptionSpec, value: string): StreamError<'CONFIG_INVALID'> {
  return new StreamError('CONFIG_INVALID', { option: spec.name, value, expected: spec.expected })
}
