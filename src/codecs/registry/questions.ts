import { StreamError, unreachable } from '../../core/error.ts'
import type { RegistryWorld } from './exchange.ts'
import { fetchId, fetchSchema } from './fetch-schema.ts'
import type { RegisteredSchema, Registration, Registry } from './registry.ts'

/**
 * What computations ask of schema registries. They cannot wait: one that asks what nobody knows yet goes on
 * with NULL, its run counts for nothing, and whoever ran it has the question answered and runs it again.
 * Answers are kept for the life of the process, as a registry never changes them.
 */
type Question =
  | { readonly kind: 'schema'; readonly registry: Registry; readonly id: number }
  | { readonly kind: 'id'; readonly registration: Registration }

/** Questions of one run, by their text. */
export type Questions = ReadonlyMap<string, Question>

type Answer =
  | { readonly kind: 'schema'; readonly schema: RegisteredSchema }
  | { readonly kind: 'id'; readonly id: number }
  | { readonly kind: 'failure'; readonly cause: StreamError }

/** Schemas are few: this many are a mistake or an attack, and the oldest answers go. */
const answersMax = 2000

/** A batch of rows that are none may ask for thousands. */
const atATime = 16

const answers = new Map<string, Answer>()
const underWay = new Map<string, Promise<Answer>>()
let open: Map<string, Question> | undefined

/** A run that asked nothing has a result. */
export type AskedRun<T> = { readonly result: T } | { readonly questions: Questions }

/** Runs a computation that may ask. What it throws counts only if nothing was asked. */
export function runAsking<T>(run: () => T): AskedRun<T> {
  const questions = new Map<string, Question>()
  open = questions
  try {
    const result = run()
    return questions.size === 0 ? { result } : { questions }
  } catch (thrown) {
    if (questions.size === 0) throw thrown
    return { questions }
  } finally {
    open = undefined
  }
}

/** True when the run under way counts for nothing: the user's functions need not be called for it. */
export function isRunVoid(): boolean {
  return open !== undefined && open.size > 0
}

/**
 * The schema of an id; `undefined` makes the run void.
 * @throws StreamError `SCHEMA_ID_UNKNOWN`, `EXPRESSION_MISPLACED` where nobody can wait for the answer
 */
export function schemaOf(registry: Registry, id: number): RegisteredSchema | undefined {
  const answer = answerTo(`schema ${id} ${textOf(registry)}`, { kind: 'schema', registry, id })
  return answer?.kind === 'schema' ? answer.schema : undefined
}

/**
 * The id that values of a schema are written with; `undefined` makes the run void.
 * @throws StreamError `EXPRESSION_MISPLACED` where nobody can wait for the answer
 */
export function idOf(registration: Registration): number | undefined {
  const { registry, subject, kind, text, isAdded } = registration
  const key = JSON.stringify(['id', subject, kind, isAdded, text, textOf(registry)])
  const answer = answerTo(key, { kind: 'id', registration })
  return answer?.kind === 'id' ? answer.id : undefined
}

function answerTo(key: string, question: Question): Answer | undefined {
  const known = answers.get(key)
  if (known?.kind === 'failure') throw known.cause
  if (known !== undefined) return known
  if (open === undefined) {
    throw new StreamError('EXPRESSION_MISPLACED', {
      expression: 'a function that asks a schema registry',
      why: 'only steps that compute columns wait for the answer',
      fix: 'Call it in a select, withColumn or filter before this step.',
    })
  }
  open.set(key, question)
  return undefined
}

/**
 * Has questions answered, each once however many tasks ask it; then a run that asked them can be repeated.
 * @throws StreamError for a registry that does not answer; a task that was aborted gets that at once
 */
export async function answerAll(
  questions: Questions,
  world: RegistryWorld,
  signal: AbortSignal,
): Promise<void> {
  const pairs: (readonly [string, Answer])[] = []
  const waiting = [...questions]
  while (waiting.length > 0) {
    const found = waiting.splice(0, atATime).map(async ([key, question]) => {
      const asked = underWay.get(key) ?? begin(key, question, world)
      return [key, await asked] as const
    })
    pairs.push(...(await orAborted(Promise.all(found), signal)))
  }
  // In one go, so that one answer does not throw out another of the same batch.
  makeRoom(pairs.length)
  for (const [key, answer] of pairs) answers.set(key, answer)
}

/** Ids that no registry knew may be known by now. */
export function forgetFailures(): void {
  for (const [key, answer] of answers) if (answer.kind === 'failure') answers.delete(key)
}

/** Goes on to its end even if the task that asked is gone: others may be waiting for it too. */
function begin(key: string, question: Question, world: RegistryWorld): Promise<Answer> {
  const asked = fetched(question, world).finally(() => underWay.delete(key))
  underWay.set(key, asked)
  return asked
}

/** An id that a registry does not know is the fault of a row; whatever else goes wrong is that of the query. */
async function fetched(question: Question, world: RegistryWorld): Promise<Answer> {
  switch (question.kind) {
    case 'schema':
      try {
        const schema = await fetchSchema(question.registry, question.id, world)
        return { kind: 'schema', schema }
      } catch (cause) {
        if (cause instanceof StreamError && cause.code === 'SCHEMA_ID_UNKNOWN') {
          return { kind: 'failure', cause }
        }
        throw cause
      }
    case 'id':
      return { kind: 'id', id: await fetchId(question.registration, world) }
    default:
      return unreachable(question)
  }
}

function makeRoom(count: number): void {
  for (const key of answers.keys()) {
    if (answers.size + count <= answersMax) return
    answers.delete(key)
  }
}

function orAborted<T>(result: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason)
    if (signal.aborted) abort()
    signal.addEventListener('abort', abort, { once: true })
    const settle = (): void => signal.removeEventListener('abort', abort)
    result.then(
      (value) => {
        settle()
        resolve(value)
      },
      (cause: unknown) => {
        settle()
        reject(cause)
      },
    )
  })
}

/** Tells registries apart, and users of one: a right of one is none of another. */
function textOf({ urls, userInfo = '' }: Registry): string {
  return JSON.stringify([urls, userInfo])
}
