import { createRequire } from 'node:module'
import { reasonOf, StreamError } from '../../core/error.ts'

/** What of protobufjs is used: its parser, and the definitions it makes. */
export interface ProtobufLibrary {
  readonly Root: new () => LibraryRoot
  parse(
    source: string,
    root: LibraryRoot,
    options: { readonly keepCase: true },
  ): { readonly package?: string | null; readonly imports?: readonly string[] | null }
  /** Definitions of Google's that every compiler has. */
  readonly common: { get(path: string): { readonly nested?: object } | null }
}

export interface LibraryScope {
  readonly nestedArray: readonly LibraryObject[]
}

export interface LibraryRoot extends LibraryScope {
  addJSON(nested: object): unknown
  /** Finds what names stand for. @throws Error for one that stands for nothing */
  resolveAll(): unknown
}

/** A namespace, message, enum or service; told apart by what it has. */
export interface LibraryObject {
  /** With a dot in front. */
  readonly fullName: string
  readonly nestedArray?: readonly LibraryObject[]
  readonly fieldsArray?: readonly LibraryField[]
  readonly valuesById?: Readonly<Record<string, string>>
  readonly values?: Readonly<Record<string, number>>
  readonly group?: boolean
  readonly _features?: { readonly enum_type?: string }
}

export interface LibraryField {
  readonly name: string
  readonly id: number
  readonly type: string
  readonly resolvedType: LibraryObject | null
  readonly repeated: boolean
  readonly required: boolean
  readonly map: boolean
  readonly keyType?: string
  readonly partOf: { readonly name: string } | null
  readonly hasPresence: unknown
  readonly packed: boolean
  readonly delimited: unknown
  readonly options?: Readonly<Record<string, unknown>> | null
}

let loaded: ProtobufLibrary | undefined

/**
 * The library, loaded when it is first needed: only texts of definitions are.
 * @throws StreamError `PACKAGE_MISSING`
 */
export function protobufLibrary(): ProtobufLibrary {
  loaded ??= checkedLibrary(loadPackage)
  return loaded
}

/**
 * What a package that was loaded is good for; tests load others.
 * @throws StreamError `PACKAGE_MISSING`
 */
export function checkedLibrary(load: () => unknown): ProtobufLibrary {
  const found = loadOr(load)
  if (isLibrary(found)) return found
  throw missing('it has no parser', undefined)
}

function loadOr(load: () => unknown): unknown {
  try {
    return load()
  } catch (cause) {
    throw missing(reasonOf(cause).split('\n')[0] ?? '', cause)
  }
}

/** At once, as the columns of a message have to be known when a query is written. */
function loadPackage(): unknown {
  return createRequire(import.meta.url)('protobufjs')
}

function isLibrary(found: unknown): found is ProtobufLibrary {
  return typeof found === 'object' && found !== null && 'parse' in found && 'Root' in found
}

function missing(why: string, cause: unknown): StreamError<'PACKAGE_MISSING'> {
  const details = { what: 'A .proto text', package: 'protobufjs', why }
  return new StreamError('PACKAGE_MISSING', details, { cause })
}
