interface Described {
  readonly code: string
  readonly message: string
  readonly hint: string
  readonly retry: 'never' | 'backoff'
}

/** The page that explains every error a user can meet; made from the catalogue, never by hand. */
export function errorsPage(
  codes: readonly Described[],
  warnings: readonly Omit<Described, 'retry'>[],
): string {
  const entries = codes.map(({ code, message, hint, retry }) =>
    [
      `## ${code}`,
      '',
      message,
      '',
      `- What to try: ${hint}`,
      `- Tried again by the restart policy: ${retry === 'backoff' ? 'yes' : 'no'}`,
      '',
    ].join('\n'),
  )
  const warned = warnings.map(({ code, message, hint }) =>
    [`### ${code}`, '', message, '', `- What to try: ${hint}`, ''].join('\n'),
  )
  return `${introduction}\n${[...entries, warningsIntroduction, ...warned].join('\n')}`
}

const introduction = `# Errors

Made from the catalogue in \`src/core/error.ts\`; a test keeps it current.

Every error that a user or the world can cause is a \`StreamError\` with a \`code\` from this page, a
\`message\` that holds the values, a \`hint\` that says what to try, and \`details\` with the values by name.
Words in braces stand for those values. A code keeps its meaning for ever once it was released.
`

const warningsIntroduction = `## Warnings

From the catalogue in \`src/core/warning.ts\`. A warning stops nothing; \`query.warnings\` has those of a query, and
listeners are told of them.
`
