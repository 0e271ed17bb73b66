/**
 * Everything a query warns of, by alphabet. A warning never stops a query; a code, once released, keeps
 * its meaning.
 */
const catalogue = {
  CLEANUP_FAILED: {
    message: 'Something was left behind: {what} failed: {why}.',
    hint: 'Nothing is lost; it is tried again with the next epoch or at the next start.',
  },
  STATE_GROWS: {
    message: '{operator} remembers for ever: {why}.',
    hint: '{fix} To notice in time, set stateMaxRows or stateMaxBytes.',
  },
  STATE_QUOTA_EXCEEDED: {
    message:
      'After epoch {epoch} the state of the query has {size} {unit}, and {option} is {limit}; most of it, {share}, is of {operator}.',
    hint: 'Keep less, or raise {option}. It is said once, until the state has been within it again.',
  },
} as const satisfies Record<string, { message: string; hint: string }>

export type WarningCode = keyof typeof catalogue

/** Something that a user should know of and that stopped nothing. */
export interface QueryWarning {
  readonly code: WarningCode
  /** What is so, with the values. */
  readonly message: string
  /** What to do about it. */
  readonly hint: string
  /** The values of the message by name. */
  readonly details: Readonly<Record<string, string | number>>
}

type Placeholders<S extends string> = S extends `${string}{${infer Name}}${infer Rest}`
  ? Name | Placeholders<Rest>
  : never

/** The warning of a code; a missing or misspelled value does not compile. */
export function queryWarning<Code extends WarningCode>(
  code: Code,
  details: Readonly<
    Record<Placeholders<(typeof catalogue)[Code]['message' | 'hint']>, string | number>
  >,
): QueryWarning {
  const values: Readonly<Record<string, string | number>> = details
  const fill = (template: string): string =>
    template.replace(/\{(\w+)\}/g, (_, name: string) => String(values[name]))
  const { message, hint } = catalogue[code]
  return { code, message: fill(message), hint: fill(hint), details }
}

/** Every code, by alphabet; documentation is made from it. */
export function warningCodes(): readonly {
  readonly code: WarningCode
  readonly message: string
  readonly hint: string
}[] {
  const codes = Object.keys(catalogue) as WarningCode[]
  return codes.map((code) => ({ code, ...catalogue[code] }))
}
