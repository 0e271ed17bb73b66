import { tmpdir } from 'node:os'

/** The system's folder for what need not last. */
export function temporaryFolder(): string {
  return tmpdir()
}

/** Standard output and, on a terminal, one line of status on standard error that is overwritten. */
export function nodeTerminal(): {
  print(text: string): void
  status(line: string): void
  readonly isInteractive: boolean
} {
  const isInteractive = process.stderr.isTTY === true
  let shown = ''
  const clear = (): void => {
    if (shown === '') return
    process.stderr.write(`\r${' '.repeat(shown.length)}\r`)
    shown = ''
  }
  return {
    isInteractive,
    print(text) {
      clear()
      process.stdout.write(text.endsWith('\n') ? text : `${text}\n`)
    },
    status(line) {
      if (!isInteractive) return
      const width = (process.stderr.columns ?? 80) - 1
      const text = line.slice(0, width)
      process.stderr.write(`\r${text.padEnd(shown.length)}`)
      shown = text
    },
  }
}

/** Calls once when the process is asked to end (SIGTERM or SIGINT); returns the way to stop listening. */
export function onTerminationSignal(call: () => void): () => void {
  process.once('SIGTERM', call)
  process.once('SIGINT', call)
  return () => {
    process.off('SIGTERM', call)
    process.off('SIGINT', call)
  }
}
