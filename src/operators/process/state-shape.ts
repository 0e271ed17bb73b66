import { parseType } from '../../batch/ddl.ts'
import type { DataType, Field } from '../../batch/schema.ts'
import { sameType, typeText } from '../../batch/schema.ts'
import type { Value } from '../../batch/value.ts'

/** One state variable as it was declared. Plain data. */
export interface DeclaredVariable {
  readonly name: string
  readonly kind: 'value' | 'list' | 'map'
  /** Type of the values as DDL text; `packed`, or `codec:<name>`, without a type. */
  readonly type: string
  /** Maps: type of their keys. */
  readonly keyType?: string
  /** How long values live, microseconds; may change at any restart. */
  readonly ttlMicros?: number
}

/** What `init` declared. */
export interface Declarations {
  readonly variables: readonly DeclaredVariable[]
  /** Names given to `deleteIfExists`. */
  readonly deleted: readonly string[]
}

/** A variable in the checkpoint. */
export interface KeptVariable extends DeclaredVariable {
  /** Its name in state entries; never given to another variable. */
  readonly id: number
  /** Types that stored values may have, oldest first; each value says which is its own. */
  readonly types: readonly string[]
}

/** What the state of one operator is made of; kept in every manifest. */
export interface StateShape {
  readonly style: string
  readonly keys: string
  readonly timeMode: string
  readonly nextId: number
  readonly variables: readonly KeptVariable[]
  /** Names that this version of the program gives up. */
  readonly deleted: readonly string[]
}

/** The shape of state that nothing was written to yet. */
export function firstShape(
  place: Pick<StateShape, 'style' | 'keys' | 'timeMode'>,
  { variables, deleted }: Declarations,
): StateShape {
  const kept = variables.map((variable, id) => ({ ...variable, id, types: [variable.type] }))
  return { ...place, nextId: kept.length, variables: kept, deleted }
}

/** The shape after a change that `shapeDifference` allows. */
export function nextShape(before: StateShape, now: StateShape): StateShape {
  let { nextId } = before
  const variables = now.variables.map((variable): KeptVariable => {
    const known = before.deleted.includes(variable.name)
      ? undefined
      : before.variables.find(({ name }) => name === variable.name)
    if (known === undefined) return { ...variable, id: nextId++, types: [variable.type] }
    // Stored values say the position of their type, so positions never move.
    const isKnown = known.types.includes(variable.type)
    return {
      ...variable,
      id: known.id,
      types: isKnown ? known.types : [...known.types, variable.type],
    }
  })
  return { ...now, nextId, variables }
}

/** Why state of one shape cannot be read by a program of another; `undefined` if it can. */
export function shapeDifference(before: StateShape, now: StateShape): string | undefined {
  for (const part of ['style', 'keys', 'timeMode'] as const) {
    if (before[part] !== now[part]) return `its ${part} was ${before[part]} and is ${now[part]}`
  }
  for (const variable of before.variables) {
    if (now.deleted.includes(variable.name)) continue
    const other = now.variables.find(({ name }) => name === variable.name)
    const difference =
      other === undefined ? goneText(variable, before, now) : variableDifference(variable, other)
    if (difference !== undefined) return difference
  }
  return undefined
}

function goneText(variable: KeptVariable, before: StateShape, now: StateShape): string {
  const added = now.variables.filter(
    ({ name }) => !before.variables.some((known) => known.name === name),
  )
  const like = added.find(({ kind, type }) => kind === variable.kind && type === variable.type)
  const renamed = like === undefined ? '' : ` (a rename to ${like.name} would lose its values)`
  return `the state variable ${variable.name} is gone${renamed}: declare it, or call handle.deleteIfExists('${variable.name}') in init to drop it`
}

function variableDifference(before: KeptVariable, now: DeclaredVariable): string | undefined {
  const what = `the state variable ${before.name}`
  if (before.kind !== now.kind) return `${what} was a ${before.kind} and is a ${now.kind}`
  if (before.keyType !== now.keyType) {
    return `the keys of ${what} were ${before.keyType} and are ${now.keyType}`
  }
  if (before.type === now.type) return undefined
  const to = typeOf(now.type)
  // Values that were not written since may still be of any earlier type.
  for (const text of [...before.types].reverse()) {
    const from = typeOf(text)
    if (from === undefined || to === undefined) {
      return `${what} was kept as ${before.type} and is now ${now.type}`
    }
    const why = typeDifference(from, to, text === before.type)
    if (why !== undefined) return `${what} cannot go from ${text} to ${now.type}: ${why}`
  }
  return undefined
}

/** The data type a text stands for; `undefined` for codecs and packed values. */
export function typeOf(text: string): DataType | undefined {
  return text === 'packed' || text.startsWith('codec:') ? undefined : parseType(text)
}

const wholeKinds = ['byte', 'short', 'int', 'long']

/**
 * Why values of one type cannot be read as another; `undefined` if they can. `direct`: the one follows
 * the other, so that a field that goes while another comes looks like a rename.
 */
function typeDifference(from: DataType, to: DataType, direct: boolean): string | undefined {
  if (sameType(from, to)) return undefined
  if (from.kind === 'struct' && to.kind === 'struct')
    return fieldsDifference(from.fields, to.fields, direct)
  if (from.kind === 'array' && to.kind === 'array')
    return typeDifference(from.element, to.element, direct)
  if (from.kind === 'map' && to.kind === 'map') {
    return typeDifference(from.key, to.key, direct) ?? typeDifference(from.value, to.value, direct)
  }
  if (widens(from, to)) return undefined
  return widens(to, from)
    ? `${typeText(to)} is narrower than ${typeText(from)}`
    : `${typeText(from)} does not widen to ${typeText(to)}`
}

function fieldsDifference(
  from: readonly Field[],
  to: readonly Field[],
  direct: boolean,
): string | undefined {
  const gone = from.filter(({ name }) => !to.some((field) => field.name === name))
  const added = to.filter(({ name }) => !from.some((field) => field.name === name))
  for (const field of direct ? gone : []) {
    const like = added.find(({ type }) => sameType(type, field.type))
    if (like !== undefined) {
      return `the field ${field.name} is gone and ${like.name} is new, which looks like a rename and would lose its values; add and remove fields in two steps`
    }
  }
  for (const field of from) {
    const other = to.find(({ name }) => name === field.name)
    const why = other === undefined ? undefined : typeDifference(field.type, other.type, direct)
    if (why !== undefined) return `field ${field.name}: ${why}`
  }
  return undefined
}

function widens(from: DataType, to: DataType): boolean {
  const [low, high] = [wholeKinds.indexOf(from.kind), wholeKinds.indexOf(to.kind)]
  if (low >= 0 && high >= 0) return low < high
  if (from.kind === 'decimal' && to.kind === 'decimal') {
    return to.scale === from.scale && to.precision > from.precision
  }
  // A whole number of 32 bits is exact as a double; a float has 24 bits.
  if (to.kind === 'double') return from.kind === 'float' || (low >= 0 && from.kind !== 'long')
  return to.kind === 'float' && (from.kind === 'byte' || from.kind === 'short')
}

/** A value of an older type as a value of a newer one. */
export function widened(from: DataType, to: DataType, value: Value): Value {
  if (value === null || sameType(from, to)) return value
  if (to.kind === 'long') return BigInt(Number(value))
  if (from.kind === 'struct' && to.kind === 'struct') {
    // Values of a struct are lists.
    const values = value as readonly Value[]
    return to.fields.map(({ name, type }) => {
      const index = from.fields.findIndex((field) => field.name === name)
      const old = from.fields[index]
      return old === undefined ? null : widened(old.type, type, values[index] ?? null)
    })
  }
  if (from.kind === 'array' && to.kind === 'array') {
    return (value as readonly Value[]).map((item) => widened(from.element, to.element, item))
  }
  if (from.kind === 'map' && to.kind === 'map' && typeof value === 'object' && 'entries' in value) {
    const { entries } = value
    if (typeof entries === 'function') return value
    return {
      entries: entries.map(
        ([key, item]) =>
          [widened(from.key, to.key, key), widened(from.value, to.value, item)] as const,
      ),
    }
  }
  return value
}

/** As it is kept in manifests. */
export function shapeText(shape: StateShape): string {
  return JSON.stringify(shape)
}

/** Reads what `shapeText` wrote; `undefined` if it is the shape of another operator. */
export function readShape(text: string | undefined): StateShape | undefined {
  if (text === undefined || !text.startsWith('{')) return undefined
  // Written by `shapeText`; the checksum of the log entry vouches for it.
  return JSON.parse(text) as StateShape
}
