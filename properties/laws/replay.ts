import { environmentVariable } from '../../src/core/node-environment.ts'

/** One case of one law. */
export interface ReplayToken {
  readonly law: string
  readonly seed: number
  /** The way through the random choices, as fast-check writes it. */
  readonly path: string
}

const variable = 'MILLRACE_REPLAY'

/** How to see a case again: the text for the option `replay`, and a line for a shell. */
export function replayCommand({ law, seed, path }: ReplayToken): {
  readonly replay: string
  readonly command: string
} {
  const replay = `${law}/${seed}/${path}`
  return { replay, command: `${variable}='${replay}' ${testCommand()}` }
}

/** The case of this law that is asked for; `undefined` if none is, or one of another law. */
export function replayOf(law: string, given: string | undefined): ReplayToken | undefined {
  const text = given ?? environmentVariable(variable)
  const [name, seed, path] = text?.split('/') ?? []
  if (name !== law || seed === undefined || path === undefined) return undefined
  return { law, seed: Number(seed), path }
}

/** How the tests of this process were started, as far as can be told. */
function testCommand(): string {
  if (environmentVariable('VITEST') !== undefined) return 'npx vitest run'
  if (environmentVariable('JEST_WORKER_ID') !== undefined) return 'npx jest'
  if (environmentVariable('NODE_TEST_CONTEXT') !== undefined) return 'node --test'
  return 'npm test'
}
