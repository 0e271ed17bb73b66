import { execFile } from 'node:child_process'

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
