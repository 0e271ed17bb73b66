import { codeOf, commentsOf } from './source-text.ts'
import type { FileTexts } from './tree.ts'

/** A word that may stand behind certain doors only. */
interface Ban {
  readonly words: RegExp
  readonly why: string
  /** How the paths of files begin that may say it. */
  readonly doors: readonly string[]
}

const types = 'the compiler cannot check it'

/** In the code of the rooms, comments and strings aside. */
const bansInRooms: readonly Ban[] = [
  {
    words:
      /\b(?:Date\.now|Date\(\s*\)|performance\.\w+|hrtime|setTimeout|setInterval|setImmediate|queueMicrotask|nextTick)\b|\bDate\(\s*\)/g,
    why: 'time comes from the Clock',
    // What user code asks for is disturbed on purpose.
    doors: ['src/core/system-clock.ts', 'properties/hidden-inputs.ts'],
  },
  {
    words: /\b(?:Math\.random|randomUUID|randomBytes|randomInt|getRandomValues)\b/g,
    why: 'chance comes from Random',
    doors: ['src/core/random.ts', 'properties/hidden-inputs.ts'],
  },
  {
    words: /['"](?:node:(?!path['"])[\w/]+|fs|net|http|child_process|worker_threads)['"]/g,
    why: 'the outside world comes through a port of src/core',
    doors: [
      'src/core/node-',
      'src/core/random.ts',
      'src/core/system-clock.ts',
      'state/rocksdb-store.ts',
      'src/codecs/protobuf/protobufjs.ts',
      // Digests are plain functions of bytes.
      'src/expr/functions-hash.ts',
    ],
  },
  {
    words: /(?<![\w.])(?:console|process|globalThis)(?=\s*\.\s*\w)|(?<=await )fetch(?=\()/g,
    why: 'a library prints nothing, exits nothing and listens to no signal by itself',
    // A native binary names the platform on which it does not load.
    doors: [
      'src/core/node-',
      'src/core/system-clock.ts',
      'state/rocksdb-store.ts',
      'properties/hidden-inputs.ts',
    ],
  },
  {
    words: /\b(?:eval|new\s+Function)\s*\(/g,
    why: 'code is generated in one place for expressions and in one for decoders',
    doors: ['src/expr/compile-code.ts', 'src/json/scanner-code.ts'],
  },
  {
    words: /\bcreateRequire\b/g,
    why: 'it is a way round',
    // What is loaded only where it is needed, and at once.
    doors: ['state/rocksdb-store.ts', 'src/codecs/protobuf/protobufjs.ts'],
  },
]

/** In the code of every TypeScript file. */
const bansInCode: readonly Ban[] = [
  {
    // Annotations are left to Biome's noExplicitAny: without a parser they look like a value named any.
    words: /\bas\s+any\b|<\s*any\b|\bany\s*(?:\[\s*\]|>)/g,
    why: types,
    doors: [],
  },
  { words: /\bexport\s+default\b/g, why: 'exports have names', doors: ['vitest.config.ts'] },
  {
    words: /\b(?:it|test|describe)\s*\.\s*(?:skip|only|todo|fails)\b/g,
    why: 'a test runs or is deleted',
    doors: [],
  },
  { words: /\b(?:enum|namespace)\s+\w+\s*\{/g, why: 'it cannot be erased', doors: [] },
]

/** In every comment of TypeScript. */
const bansInComments: readonly Ban[] = [
  { words: /@ts-(?:ignore|nocheck)\b/g, why: types, doors: [] },
  { words: /@ts-expect-error\b/g, why: types, doors: ['test/'] },
  { words: /\b(?:eslint|prettier)-\w+/g, why: 'Biome is the linter', doors: [] },
]

/** Anywhere in files that we write. The patterns are written so that they do not match themselves. */
const bansInText: readonly Ban[] = [
  {
    words:
      /\b(?:TO[D]O|FIX[M]E|X[X]X|HA[C]K)\b|\b[nN]ot (?:yet )?implemente[d]\b|\b[sS]tubb?e?[d]?\b/g,
    why: 'what is there is finished',
    doors: ['test/house/tidy.test.ts'],
  },
  {
    words: /(?<![\w.])\/(?:work|root|home|Users)\/\w+/g,
    why: 'a path of one machine means nothing on another',
    doors: ['test/house/tidy.test.ts'],
  },
  {
    words: /\bhttps?:\/\/[^\s/'"]*(?:registry|artifactory|nexus|verdaccio)[^\s'"]*/g,
    why: 'every user has a registry of their own',
    doors: ['test/house/tidy.test.ts'],
  },
]

/** Words outside their doors in the rooms of the house, as `file:line word: why`. */
export function banned(files: FileTexts, rooms: readonly string[]): readonly string[] {
  return [...files].flatMap(([file, text]) => {
    if (!file.endsWith('.ts')) return find(file, text, bansInText)
    const inRoom = rooms.some((room) => file.startsWith(`${room}/`))
    const code = codeOf(text)
    return [
      ...(inRoom ? find(file, code, bansInRooms) : []),
      ...find(file, code, bansInCode),
      ...commentsOf(text).flatMap((comment) =>
        find(file, comment, bansInComments, lineOf(text, text.indexOf(comment)) - 1),
      ),
      ...find(file, text, bansInText),
    ]
  })
}

function find(file: string, text: string, bans: readonly Ban[], linesBefore = 0): string[] {
  return bans.flatMap(({ words, why, doors }) => {
    if (doors.some((door) => file.startsWith(door))) return []
    return [...text.matchAll(words)].map(
      (match) => `${file}:${linesBefore + lineOf(text, match.index)} ${match[0]}: ${why}`,
    )
  })
}

function lineOf(text: string, index: number): number {
  return text.slice(0, index).split('\n').length
}

/** The longest a comment line may be; the formatter holds the lines of code to 100. */
const commentColumnsMax = 140

/** Comment lines that nobody can read on a laptop. Lines of tables may be longer. */
export function wideComments(files: FileTexts): readonly string[] {
  return [...files].flatMap(([file, text]) =>
    text.split('\n').flatMap((line, index) => {
      const comment = /^\s*(?:\/\/|\/\*|\*)/.test(line) && !/^\s*\* \|/.test(line)
      return comment && line.length > commentColumnsMax
        ? [`${file}:${index + 1}: ${line.length}`]
        : []
    }),
  )
}

const fileLinesMax = 400

/** Files over 400 lines whose first comment does not say why, in the words "over 400 lines". */
export function longFiles(files: FileTexts): readonly string[] {
  return [...files].flatMap(([file, text]) => {
    const lines = text.trimEnd().split('\n').length
    const [first = ''] = commentsOf(text)
    const explained = /\bover 400 lines\b/i.test(first.replace(/\s*\n\s*\*?\s*/g, ' '))
    return lines <= fileLinesMax || explained ? [] : [`${file}: ${lines} lines`]
  })
}

/** Documents that do not begin with a `#` heading, or have more than that one. */
export function headings(documents: FileTexts): readonly string[] {
  return [...documents].flatMap(([file, text]) => {
    const prose = text.replace(/^```.*?^```/gms, '')
    const count = [...prose.matchAll(/^# \S/gm)].length
    const first = text.startsWith('# ')
    return count === 1 && first ? [] : [`${file}: ${count} top headings, first line: ${first}`]
  })
}

/** Addresses in a lock file; with them an install works only where that host is reached. */
export function resolvedAddresses(lockFile: string): readonly string[] {
  return [...lockFile.matchAll(/"resolved":\s*"(?:https?|git|file)[^"]*"/g)].map(([match]) => match)
}
