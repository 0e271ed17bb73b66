import { StreamError } from '../../core/error.ts'
import type { Json } from '../../core/json.ts'
import {
  ask,
  type RegistryAnswer,
  type RegistryRequest,
  type RegistryWorld,
  refused,
} from './exchange.ts'
import type {
  NamedSchema,
  RegisteredSchema,
  Registration,
  Registry,
  SchemaKind,
} from './registry.ts'

/** More schemas than this do not belong to one. */
const referencesMax = 1000

/**
 * The schema of an id, with all that it names.
 * @throws StreamError `SCHEMA_ID_UNKNOWN` and those of `ask`
 */
export async function fetchSchema(
  registry: Registry,
  id: number,
  world: RegistryWorld,
): Promise<RegisteredSchema> {
  const request: RegistryRequest = { method: 'GET', path: `/schemas/ids/${id}` }
  const answer = await ask(registry, request, world)
  if (answer.status === 404) {
    throw new StreamError('SCHEMA_ID_UNKNOWN', { url: urlOf(registry), id })
  }
  const { kind, text, references } = readSchema(registry, request, answer)
  const found = new Map<string, NamedSchema>()
  await addReferences(references, { registry, world, found, path: new Set() })
  return { kind, text, references: [...found.values()] }
}

/**
 * The id of a schema under a subject, which it is added to if need be.
 * @throws StreamError `SCHEMA_REGISTRY_REFUSED` and those of `ask`
 */
export async function fetchId(registration: Registration, world: RegistryWorld): Promise<number> {
  const { registry, subject, kind, text, isAdded } = registration
  const path = `/subjects/${encodeURIComponent(subject)}${isAdded ? '/versions' : ''}`
  const body = { schema: text, ...(kind === 'AVRO' ? {} : { schemaType: kind }) }
  const request: RegistryRequest = { method: 'POST', path, body }
  const answer = await ask(registry, request, world)
  const id = fieldOf(answer.body, 'id')
  if (answer.status === 200 && typeof id === 'number') return id
  throw refusal(registry, request, answer)
}

interface Reference {
  readonly name: string
  readonly subject: string
  readonly version: number
}

interface Walk {
  readonly registry: Registry
  readonly world: RegistryWorld
  /** By subject and version, in the order in which they can be read. */
  readonly found: Map<string, NamedSchema>
  /** Those that are being looked into. */
  readonly path: Set<string>
}

/** Adds the schemas, each behind those that it names itself. */
async function addReferences(references: readonly Reference[], walk: Walk): Promise<void> {
  const { registry, world, found, path } = walk
  for (const { name, subject, version } of references) {
    const key = `${subject}\n${version}`
    if (found.has(key) || path.has(key)) continue
    const request: RegistryRequest = {
      method: 'GET',
      path: `/subjects/${encodeURIComponent(subject)}/versions/${version}`,
    }
    if (found.size + path.size >= referencesMax) {
      throw refused(urlOf(registry), request, 200, `it names over ${referencesMax} schemas`)
    }
    const schema = readSchema(registry, request, await ask(registry, request, world))
    path.add(key)
    await addReferences(schema.references, walk)
    path.delete(key)
    found.set(key, { name, text: schema.text })
  }
}

const kinds: readonly SchemaKind[] = ['AVRO', 'JSON', 'PROTOBUF']

function readSchema(
  registry: Registry,
  request: RegistryRequest,
  answer: RegistryAnswer,
): { readonly kind: SchemaKind; readonly text: string; readonly references: readonly Reference[] } {
  const { status, body } = answer
  const text = fieldOf(body, 'schema')
  // Registries leave the kind out where it is the oldest one.
  const named = fieldOf(body, 'schemaType') ?? 'AVRO'
  const kind = kinds.find((each) => each === named)
  if (status !== 200 || typeof text !== 'string') throw refusal(registry, request, answer)
  if (kind === undefined) {
    throw refused(urlOf(registry), request, status, `the schema is of the unknown type ${named}`)
  }
  const given = fieldOf(body, 'references')
  const references = Array.isArray(given) ? given.flatMap(readReference) : []
  return { kind, text, references }
}

function readReference(json: Json): readonly Reference[] {
  const name = fieldOf(json, 'name')
  const subject = fieldOf(json, 'subject')
  const version = fieldOf(json, 'version')
  const isWhole =
    typeof name === 'string' && typeof subject === 'string' && typeof version === 'number'
  return isWhole ? [{ name, subject, version }] : []
}

function refusal(
  registry: Registry,
  request: RegistryRequest,
  { status, body }: RegistryAnswer,
): StreamError<'SCHEMA_REGISTRY_REFUSED'> {
  const message = fieldOf(body, 'message')
  const why = typeof message === 'string' ? message : 'the answer is none of a schema registry'
  return refused(urlOf(registry), request, status, why)
}

function fieldOf(json: Json, name: string): Json | undefined {
  return typeof json === 'object' && json !== null && !Array.isArray(json)
    ? (json as Readonly<Record<string, Json>>)[name]
    : undefined
}

function urlOf({ urls }: Registry): string {
  return urls.join(',')
}
