import { parseType } from '../../batch/ddl.ts'
import type { EdgeOptions } from '../../batch/edge-row.ts'
import { plainType } from '../../batch/plain-type.ts'
import { typeText } from '../../batch/schema.ts'
import { intervalMicros, parseInterval } from '../../core/duration.ts'
import { StreamError } from '../../core/error.ts'
import type {
  ListOptions,
  ListState,
  MapOptions,
  MapState,
  QueryInfo,
  StateCodec,
  StatefulHandle,
  StatefulProcessor,
  StateType,
  TimeMode,
  TimeToLive,
  ValueState,
} from '../../flow/stateful-processor.ts'
import { type StateScope, scopeOf, type VariableParts } from './scope.ts'
import { mapKeyCodec, variableCodec } from './state-codec.ts'
import type { Declarations, DeclaredVariable, KeptVariable, StateShape } from './state-shape.ts'
import { listVariable, mapVariable, valueVariable } from './variables.ts'

/** What a processor declares its state for. */
export interface HandleParts {
  readonly timeMode: TimeMode
  readonly edge: EdgeOptions
  /** The state as it is kept; absent while the query is planned. */
  readonly shape?: StateShape
}

type Given = StateType | StateCodec<unknown> | undefined

const nowhere: QueryInfo = { queryId: '', runId: '', batchId: -1 }

/** What a processor declared, and the variables as a task needs them. */
export interface Declared {
  readonly declarations: Declarations
  readonly variables: ReadonlyMap<string, VariableParts>
}

/**
 * Lets a processor declare its state, and says what it declared. May be called at any time: variables
 * stand for the state of whatever task runs a handler.
 * @throws StreamError `STATE_VARIABLE_INVALID`
 */
export function initProcessor(
  processor: StatefulProcessor<unknown, unknown, unknown>,
  parts: HandleParts,
): Declared {
  const declaring = new Declaring(parts)
  const result: unknown = processor.init(handleOf(declaring, scopeOf(processor)))
  if (result instanceof Promise) refuse('init', 'init returned a promise', 'Declare state at once.')
  declaring.isOpen = false
  const { variables, deleted, parts: variableParts } = declaring
  return { declarations: { variables, deleted }, variables: variableParts }
}

class Declaring {
  readonly #how: HandleParts
  readonly variables: DeclaredVariable[] = []
  readonly deleted: string[] = []
  readonly parts = new Map<string, VariableParts>()
  isOpen = true

  constructor(how: HandleParts) {
    this.#how = how
  }

  add(declared: DeclaredVariable, given: Given, options: MapOptions): void {
    const { name } = declared
    this.check(name)
    const ttl = this.#ttl(name, options)
    const isForEver = ttl === Number.POSITIVE_INFINITY
    this.variables.push(isForEver ? declared : { ...declared, ttlMicros: ttl })
    const { edge, shape } = this.#how
    const kept = shape?.variables.find((known) => known.name === name)
    const variable: KeptVariable = kept ?? { ...declared, id: -1, types: [declared.type] }
    this.parts.set(name, {
      variable,
      codec: variableCodec(variable, isCodec(given) ? given : undefined, edge),
      keys: mapKeyCodec(variable, edge),
      ttl,
      cap: capOf(name, options),
    })
  }

  check(name: string): void {
    if (!/^\w+$/.test(name)) {
      refuse(name, 'its name is not of letters, digits and _', 'Choose another name.')
    }
    if (!this.isOpen) {
      refuse(name, 'init is over', 'Declare every variable in init and keep the handle in a field.')
    }
    if (this.variables.some((known) => known.name === name)) {
      refuse(name, 'there is one of this name already', 'Give each variable a name of its own.')
    }
    if (this.deleted.includes(name)) {
      refuse(name, 'deleteIfExists gave it up', 'Declare it, or delete it, not both.')
    }
  }

  #ttl(name: string, { ttl }: TimeToLive): number {
    if (ttl === undefined) return Number.POSITIVE_INFINITY
    if (this.#how.timeMode === 'none') {
      refuse(
        name,
        'it has a ttl but no time passes in the time mode none',
        "Use timeMode 'processingTime' or 'eventTime'.",
      )
    }
    const micros = intervalMicros(parseInterval(ttl))
    if (micros <= 0) refuse(name, `its ttl ${ttl} is not positive`, 'Write for example 30 minutes.')
    return micros
  }
}

function handleOf(declaring: Declaring, scope: StateScope): StatefulHandle {
  const handle = {
    valueState(name: string, type?: Given, ttl: TimeToLive = {}): ValueState<unknown> {
      declaring.add({ name, kind: 'value', type: textOf(type) }, type, ttl)
      return valueVariable(scope, name)
    },
    listState(name: string, type?: Given, options: ListOptions = {}): ListState<unknown> {
      declaring.add({ name, kind: 'list', type: textOf(type) }, type, options)
      return listVariable(scope, name)
    },
    mapState(
      name: string,
      keyType: StateType,
      type?: Given,
      options: MapOptions = {},
    ): MapState<unknown, unknown> {
      const types = { type: textOf(type), keyType: textOf(keyType) }
      declaring.add({ name, kind: 'map', ...types }, type, options)
      return mapVariable(scope, name)
    },
    deleteIfExists(name: string): void {
      declaring.check(name)
      declaring.deleted.push(name)
    },
    queryInfo: (): QueryInfo => scope.current?.query ?? nowhere,
  }
  // The overloads give each handle the type that its schema or codec holds it to at run time.
  return handle as unknown as StatefulHandle
}

function isCodec(given: Given): given is StateCodec<unknown> {
  return typeof given === 'object' && 'encode' in given
}

function textOf(given: Given): string {
  if (given === undefined) return 'packed'
  if (isCodec(given)) return `codec:${given.name}`
  return typeText(typeof given === 'string' ? parseType(given) : plainType(given))
}

function capOf(name: string, { cap }: MapOptions): number {
  if (cap === undefined) return Number.POSITIVE_INFINITY
  if (!Number.isSafeInteger(cap) || cap < 1) {
    refuse(name, `its cap ${cap} is no whole number from 1 up`, 'Correct the cap.')
  }
  return cap
}

function refuse(variable: string, why: string, fix: string): never {
  throw new StreamError('STATE_VARIABLE_INVALID', { variable, why, fix })
}
