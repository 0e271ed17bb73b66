import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface Outcome {
  /** `null` when the program was killed, by its timeout for example. */
  readonly exitCode: number | null
  /** Both streams, as they came. */
  readonly output: string
}

export interface RunOptions {
  readonly timeoutMs: number
  readonly arguments?: readonly string[]
  /** Where to run; by default an empty folder that is deleted afterwards. */
  readonly folder?: string
  /** Another Node than the one that runs the tests. */
  readonly executable?: string
}

/** Runs a JavaScript file with this Node, or another one, and waits for its end. */
export async function runProgram(program: string, options: RunOptions): Promise<Outcome> {
  const own = options.folder === undefined
  const folder = options.folder ?? mkdtempSync(join(tmpdir(), 'millrace-run-'))
  try {
    return await new Promise((resolve, reject) => {
      const child = spawn(
        options.executable ?? process.execPath,
        [program, ...(options.arguments ?? [])],
        {
          cwd: folder,
          stdio: ['ignore', 'pipe', 'pipe'],
          timeout: options.timeoutMs,
          killSignal: 'SIGKILL',
        },
      )
      let output = ''
      const collect = (chunk: Buffer): void => {
        output += chunk.toString()
      }
      child.stdout.on('data', collect)
      child.stderr.on('data', collect)
      child.on('error', reject)
      child.on('close', (exitCode) => resolve({ exitCode, output }))
    })
  } finally {
    if (own) rmSync(folder, { recursive: true, force: true })
  }
}
