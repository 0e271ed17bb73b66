/** A variable that this process was started with; `undefined` if it was not given. */
export function environmentVariable(name: string): string | undefined {
  return process.env[name]
}
