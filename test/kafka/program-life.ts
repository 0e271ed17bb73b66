import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'

/** A process of ours. */
export interface ProgramLife {
  /** Waits for a line of its output. */
  until(line: string): Promise<void>
  /** The newest line of its output that begins so. */
  newest(begin: string): string | undefined
  goOn(): void
  kill(signal: 'SIGKILL' | 'SIGTERM'): void
  readonly ended: Promise<unknown>
}

/** As long as brokers come back in. */
const lifeMs = 120_000

/** Runs a compiled program; it is killed when it lives for too long. */
export function lifeOf(program: string, words: readonly string[]): ProgramLife {
  const child: ChildProcess = spawn(process.execPath, [program, ...words], {
    stdio: ['pipe', 'pipe', 'pipe'],
    timeout: lifeMs,
    killSignal: 'SIGKILL',
  })
  let output = ''
  const ended = new Promise((resolve) => child.once('close', resolve))
  const lines = new Set<string>()
  const heard = new Set<() => void>()
  for (const stream of [child.stdout, child.stderr]) {
    if (stream === null) continue
    createInterface({ input: stream }).on('line', (line) => {
      output += `${line}\n`
      lines.delete(line)
      lines.add(line)
      for (const each of heard) each()
    })
  }
  return {
    ended,
    goOn: () => void child.stdin?.write('go on\n'),
    kill: (signal) => void child.kill(signal),
    newest: (begin) => [...lines].findLast((line) => line.startsWith(begin)),
    until: (line) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          if (lines.has(line)) resolve()
        }
        heard.add(look)
        look()
        ended.then(() => reject(new Error(`it ended without "${line}":\n${output}`)))
      }),
  }
}
