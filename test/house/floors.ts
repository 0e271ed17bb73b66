import { dirname, join, normalize } from 'node:path'
import { codeOf } from './source-text.ts'
import type { FileTexts } from './tree.ts'

/** From the basement up. A file may import its own room, and any room on a lower floor. */
const floors: readonly (readonly string[])[] = [
  ['src/core'],
  ['src/batch', 'state'],
  ['src/codecs', 'src/json'],
  ['src/expr', 'src/flow'],
  ['src/plan', 'src/operators', 'src/connectors', 'actors'],
  ['src/sql', 'src/dataframe', 'src/physical'],
  ['src/runtime'],
  ['src/session'],
  ['src/ui'],
  [
    'src/index.ts',
    'src/functions.ts',
    'src/types.ts',
    'src/streaming.ts',
    'src/avro.ts',
    'src/protobuf.ts',
  ],
  ['properties'],
]

const floorOfRoom = new Map(floors.flatMap((rooms, floor) => rooms.map((room) => [room, floor])))

/** Each third-party package has one door: a file, or a folder where the path ends in `/`. */
const doors: ReadonlyMap<string, string> = new Map([
  ['nact', 'actors/nact-system.ts'],
  ['rocksdb', 'state/rocksdb-store.ts'],
  ['apache-arrow', 'src/batch/'],
  ['fast-check', 'properties/'],
  ['kafkajs', 'src/connectors/kafka/kafkajs-transport.ts'],
  ['fzstd', 'src/connectors/kafka/records/zstd.ts'],
  ['msgpackr', 'src/operators/user-state-codec.ts'],
  ['protobufjs', 'src/codecs/protobuf/protobufjs.ts'],
])

export interface Import {
  readonly file: string
  /** What stands between the quotes. */
  readonly specifier: string
  /** The imported file relative to the project; absent for packages and Node's own modules. */
  readonly target?: string
}

/** Every static, dynamic, type-only and re-exporting import of one file. */
export function importsOf(file: string, text: string): readonly Import[] {
  const named = codeOf(text).matchAll(/\b(?:from|import|require)\s*\(?\s*(['"])([^'"]+)\1/g)
  return [...named].map(([, , specifier = '']) =>
    specifier.startsWith('.')
      ? { file, specifier, target: normalize(join(dirname(file), specifier)) }
      : { file, specifier },
  )
}

/** The room of a file: a folder of the table, or the file itself when it is a public one. */
export function roomOf(file: string): string {
  const [first = '', second = ''] = file.split('/')
  return first === 'src' ? `src/${second}` : first
}

/** Files in no room of the table; nothing could say what they may import. */
export function homeless(files: FileTexts): readonly string[] {
  return [...files.keys()].filter((file) => !floorOfRoom.has(roomOf(file)))
}

/** Imports that go up a floor, across one, out of the house, or to a file that is not there. */
export function climbing(files: FileTexts): readonly string[] {
  return allImports(files).flatMap(({ file, target }) => {
    if (target === undefined) return []
    if (!files.has(target)) return [`${file} imports ${target}, which is in no room`]
    const allowed = roomOf(file) === roomOf(target) || floorOf(target) < floorOf(file)
    return allowed ? [] : [`${file} imports ${target}`]
  })
}

/** Packages imported anywhere but at their door, and packages without a door. */
export function throughWalls(files: FileTexts): readonly string[] {
  return allImports(files).flatMap(({ file, specifier, target }) => {
    if (target !== undefined || specifier.startsWith('node:')) return []
    const door = doors.get(packageOf(specifier))
    if (door === undefined) return [`${file} imports ${specifier}, which has no door`]
    const allowed = door.endsWith('/') ? file.startsWith(door) : file === door
    return allowed ? [] : [`${file} imports ${specifier}, whose door is ${door}`]
  })
}

/** Groups of files that import each other in a circle, type-only imports included. */
export function circles(files: FileTexts): readonly string[] {
  const edges = new Map<string, string[]>()
  for (const { file, target } of allImports(files)) {
    if (target !== undefined) edges.set(file, [...(edges.get(file) ?? []), target])
  }
  const found: string[] = []
  const done = new Set<string>()
  for (const start of files.keys()) walk(start, [], { edges, done, found })
  return found
}

interface Walk {
  readonly edges: ReadonlyMap<string, readonly string[]>
  /** Files from which every path was followed to its end. */
  readonly done: Set<string>
  readonly found: string[]
}

function walk(file: string, path: readonly string[], context: Walk): void {
  const before = path.indexOf(file)
  if (before !== -1) {
    context.found.push([...path.slice(before), file].join(' → '))
    return
  }
  if (context.done.has(file)) return
  for (const target of context.edges.get(file) ?? []) walk(target, [...path, file], context)
  context.done.add(file)
}

export function allImports(files: FileTexts): readonly Import[] {
  return [...files].flatMap(([file, text]) => importsOf(file, text))
}

/** A room that the table does not list is above everything, so nothing may import it. */
function floorOf(file: string): number {
  return floorOfRoom.get(roomOf(file)) ?? Number.POSITIVE_INFINITY
}

function packageOf(specifier: string): string {
  const [scope = '', name = ''] = specifier.split('/')
  return scope.startsWith('@') ? `${scope}/${name}` : scope
}
