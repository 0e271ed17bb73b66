import { execFile, spawn } from 'node:child_process'

/**
 * Runs a program text in a Node process of its own, for what might take the whole process down.
 * Resolves with `undefined` after a clean end, and with what it said otherwise.
 */
export function tryInChild(
  program: string,
  args: readonly string[],
  timeoutMs: number,
): Promise<string | undefined> {
  const options = { timeout: timeoutMs, windowsHide: true }
  return new Promise((resolve) => {
    execFile(process.execPath, ['-e', program, '--', ...args], options, (error, _out, said) => {
      if (error === null) resolve(undefined)
      else resolve(said.trim().split('\n').at(-1) || error.message)
    })
  })
}

/** The major version of the Node that runs this. */
export const nodeMajor: number = Number.parseInt(process.versions.node, 10)

/** How a process ended. */
export interface ChildEnd {
  /** Absent when a signal ended it. */
  readonly exitCode: number | undefined
  readonly signal: string | undefined
  /** The last of what it said on both streams. */
  readonly output: string
}

/** A process of its own. */
export interface Child {
  /** Ends it as a crash would: it can do nothing about it. */
  kill(): void
  /** Stops it where it stands, or lets it go on. */
  pause(isPaused: boolean): void
  readonly ended: Promise<ChildEnd>
}

const outputCharacters = 10_000

/** Starts a command; its first word is the program. */
export function startChild(
  [program = process.execPath, ...args]: readonly string[],
  {
    folder,
    env = {},
  }: { readonly folder: string; readonly env?: Readonly<Record<string, string>> },
): Child {
  const child = spawn(program, args, {
    cwd: folder,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    windowsHide: true,
  })
  let output = ''
  const hear = (chunk: Buffer): void => {
    output = (output + chunk.toString()).slice(-outputCharacters)
  }
  child.stdout.on('data', hear)
  child.stderr.on('data', hear)
  return {
    kill: () => void child.kill('SIGKILL'),
    pause: (isPaused) => void child.kill(isPaused ? 'SIGSTOP' : 'SIGCONT'),
    ended: new Promise((resolve, reject) => {
      child.on('error', reject)
      child.on('close', (exitCode, signal) => {
        resolve({ exitCode: exitCode ?? undefined, signal: signal ?? undefined, output })
      })
    }),
  }
}
