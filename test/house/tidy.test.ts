import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { functionLinesMax, type LongFunctions, longFunctions } from './function-length.ts'
import { banned, headings, longFiles, resolvedAddresses, wideComments } from './tidy.ts'
import { type FileTexts, projectRoot, readTree, sourceRoots } from './tree.ts'

const written = readTree(['.'], ['.ts', '.md', '.json', '.sh', 'run', '.npmrc', '.txt'])
const ours = new Map([...written].filter(([file]) => file !== 'package-lock.json'))
const rooms = readTree(sourceRoots, ['.ts'])
const documents = new Map([...ours].filter(([file]) => file.endsWith('.md')))

/** Functions that were too long before the rule was. Entries may shrink and go, never come or grow. */
const longOnes: LongFunctions = JSON.parse(
  readFileSync(join(projectRoot, 'test/house/long-functions.json'), 'utf8'),
)

test('no banned word stands outside its door', () => {
  expect(banned(ours, sourceRoots)).toEqual([])
})

test('the linter holds what a search for words cannot', () => {
  const configuration: {
    readonly linter: { readonly rules: Readonly<Record<string, Readonly<Record<string, string>>>> }
  } = JSON.parse(readFileSync(join(projectRoot, 'biome.json'), 'utf8'))
  const { rules } = configuration.linter
  expect(rules['suspicious']).toMatchObject({ noExplicitAny: 'error' })
  expect(rules['style']).toMatchObject({ noDefaultExport: 'error', noNonNullAssertion: 'error' })
})

test('comments fit the screen', () => {
  expect(wideComments(new Map([...ours].filter(([file]) => file.endsWith('.ts'))))).toEqual([])
})

test('a source file over 400 lines says why in its first comment', () => {
  expect(longFiles(rooms)).toEqual([])
})

test('no function is over 70 lines but those on the list, and the list has no slack', () => {
  expect(longFunctions(sourceRoots)).toEqual(longOnes)
})

test('a document has one top heading, and begins with it', () => {
  expect(headings(documents)).toEqual([])
})

test('the lock file installs from any registry', () => {
  expect(resolvedAddresses(readFileSync(join(projectRoot, 'package-lock.json'), 'utf8'))).toEqual(
    [],
  )
})

test('the tree was really looked at', () => {
  expect(rooms.size).toBeGreaterThan(40)
  expect(ours.size).toBeGreaterThan(rooms.size + 20)
  expect(documents.size).toBeGreaterThan(5)
  expect(ours.has('.ci/run')).toBe(true)
})

test.each([
  ['const now = Date.now()', 'Date.now'],
  ['const now = new Date()', 'Date()'],
  ['const t = performance.now()', 'performance.now'],
  ['setTimeout(call, 1)', 'setTimeout'],
  ['setImmediate(call)', 'setImmediate'],
  ['queueMicrotask(call)', 'queueMicrotask'],
  ['process.nextTick(call)', 'nextTick'],
  ['const x = Math.random()', 'Math.random'],
  ['const id = crypto.randomUUID()', 'randomUUID'],
  [`import { readFile } from 'node:fs/promises'`, `'node:fs/promises'`],
  [`import net from 'node:net'`, `'node:net'`],
  [`const { spawn } = await import('node:child_process')`, `'node:child_process'`],
  [`console.log('x')`, 'console'],
  ['process.exit(1)', 'process'],
  [`process.on('SIGTERM', stop)`, 'process'],
  [`const body = await fetch(url)`, 'fetch'],
  ['const f = new Function(text)', 'new Function('],
])('%s in a room is found', (line, word) => {
  const found = banned(new Map([['src/plan/x.ts', `// Fine.\n${line}\n`]]), sourceRoots)
  expect(found.map((text) => text.slice(0, text.lastIndexOf(': ')))).toContain(
    `src/plan/x.ts:2 ${word}`,
  )
})

test.each([
  ['const x = y as any', 'as any'],
  ['function f(x: any[]) {}', 'any[]'],
  ['const m = new Map<string, any>()', 'any>'],
  ['export default 1', 'export default'],
  [`test.only('x', () => {})`, 'test.only'],
  [`describe.skip('x', () => {})`, 'describe.skip'],
  ['enum Colour { Red }', 'enum Colour {'],
  ['// @ts-ignore', '@ts-ignore'],
  ['// TODO later', 'TODO'],
  ['const text = "not implemented"', 'not implemented'],
  [`const path = '/home/someone/x'`, '/home/someone'],
  [`const host = 'https://registry.example.com/x'`, 'https://registry.example.com/x'],
])('%s in any TypeScript is found', (line, word) => {
  const found = banned(new Map([['bench/x.ts', line]]), sourceRoots)
  expect(found.map((text) => text.slice(0, text.lastIndexOf(': ')))).toEqual([
    `bench/x.ts:1 ${word}`,
  ])
})

test('a word in a comment is reported with its line in the file', () => {
  const found = banned(new Map([['bench/x.ts', 'call()\n/*\n * @ts-nocheck */']]), sourceRoots)
  expect(found).toEqual(['bench/x.ts:3 @ts-nocheck: the compiler cannot check it'])
})

test('words in comments and strings, longer words and words behind their doors are fine', () => {
  const files: FileTexts = new Map([
    ['src/core/system-clock.ts', 'const now = Date.now()\nsetTimeout(call, 1)'],
    ['src/core/random.ts', `import { randomUUID } from 'node:crypto'`],
    ['src/plan/a.ts', '// Date.now() is banned here.\nconst text = "console.log(1)"'],
    ['src/plan/b.ts', `const value = new Date(micros / 1000)\nimport { join } from 'node:path'`],
    ['src/plan/c.ts', 'const company: anyValue = { any: 1, most: any }\noperator.process(batch)'],
    ['examples/d.ts', `console.log('x')`],
    ['test/types/e.ts', '// @ts-expect-error a wrong column does not compile'],
  ])
  expect(banned(files, sourceRoots)).toEqual([])
})

test('a wide comment is found, a wide table row is not', () => {
  const wide = 'x'.repeat(150)
  expect(wideComments(new Map([['a.ts', `// ok\n// ${wide}\n/** ${wide} */`]]))).toHaveLength(2)
  expect(wideComments(new Map([['a.ts', ` * | ${wide} |\nconst a = '${wide}'`]]))).toEqual([])
})

test('a long file is found unless its first comment gives a reason', () => {
  const lines = 'call()\n'.repeat(401)
  expect(longFiles(new Map([['a.ts', lines]]))).toEqual(['a.ts: 401 lines'])
  expect(longFiles(new Map([['a.ts', 'call()\n'.repeat(400)]]))).toEqual([])
  const reason = '/**\n * Over 400\n * lines: one table belongs together.\n */\n'
  expect(longFiles(new Map([['a.ts', reason + lines]]))).toEqual([])
  expect(longFiles(new Map([['a.ts', `// Calls.\n${reason}${lines}`]]))).toHaveLength(1)
})

test('a long function of any form is found', () => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-long-'))
  try {
    const body = (lines: number) => 'call()\n'.repeat(lines)
    const over = body(functionLinesMax + 5)
    writeFileSync(
      join(folder, 'a.ts'),
      `function a() {\n${over}}\nconst b = () => {\n${over}}\nclass C {\nd() {\n${over}}\n}\n`,
    )
    writeFileSync(join(folder, 'b.ts'), `function a() {\n${body(functionLinesMax - 5)}}\n`)
    const found = longFunctions(['.'], folder)
    expect(Object.keys(found)).toEqual(['a.ts'])
    expect(found['a.ts']).toHaveLength(3)
  } finally {
    rmSync(folder, { recursive: true })
  }
})

test('a document without a top heading, or with two, is found', () => {
  const fenced = '# One\n```sh\n# a comment\n```\n'
  const files: FileTexts = new Map([
    ['good.md', fenced],
    ['none.md', '## Two\n'],
    ['two.md', '# One\n# Two\n'],
    ['late.md', 'Text\n# One\n'],
  ])
  expect(headings(files).map((line) => line.split(':')[0])).toEqual([
    'none.md',
    'two.md',
    'late.md',
  ])
})

test('an address in a lock file is found', () => {
  const line = '"resolved": "https://registry.example.com/nact/-/nact-7.6.2.tgz"'
  expect(resolvedAddresses(`{ ${line}, "integrity": "sha512-x" }`)).toEqual([line])
})
