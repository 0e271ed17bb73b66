import { spawnSync } from 'node:child_process'
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { runCompiler } from './built-package.ts'
import { codeBlocks } from './code-blocks.ts'
import { type Outcome, runProgram } from './run-program.ts'
import { projectRoot, sourceRoots } from './tree.ts'

interface PackageFile {
  readonly exports: Readonly<Record<string, unknown>>
  readonly devDependencies: Readonly<Record<string, string>>
}

interface Packed {
  readonly filename: string
  readonly files: readonly { readonly path: string }[]
}

const manifest: PackageFile = JSON.parse(readFileSync(join(projectRoot, 'package.json'), 'utf8'))
const subpaths = Object.keys(manifest.exports).filter((path) => path !== './package.json')

const top = mkdtempSync(join(tmpdir(), 'millrace-pack-'))
const user = join(top, 'user')
let packed: Packed

// Packing builds, and installing may reach for the registry.
beforeAll(() => {
  packed = pack()
  mkdirSync(user)
  const own = { name: 'user', version: '1.0.0', type: 'module', private: true }
  writeFileSync(join(user, 'package.json'), JSON.stringify(own))
  npm(user, ['install', '--prefer-offline', join(top, packed.filename)])
}, 300_000)

afterAll(() => rmSync(top, { recursive: true, force: true }))

test('the package holds what users need and nothing else', () => {
  const paths = packed.files.map(({ path }) => path)
  const wanted =
    /^(?:dist\/(?:src|actors|state|properties)\/.*\.(?:js|d\.ts)|package\.json|README\.md|LICENSE|CHANGELOG\.md)$/
  expect(paths.filter((path) => !wanted.test(path))).toEqual([])
  expect(paths).toEqual(expect.arrayContaining(['README.md', 'LICENSE', 'CHANGELOG.md']))
  expect(paths.filter((path) => path.endsWith('.js')).length).toBeGreaterThan(40)
})

test('what a user needs loads in a project that has nothing else, without a word', async () => {
  const needed = subpaths.filter((path) => path !== './properties')
  expect(needed.length).toBeGreaterThanOrEqual(4)
  expect(await importAll(needed)).toEqual({ exitCode: 0, output: '' })
  // The test kit needs the peer, which is not there yet.
  expect(await importAll(['./properties'])).toMatchObject({ exitCode: 1 })
})

test('the test kit loads beside fast-check', async () => {
  npm(user, ['install', '--prefer-offline', `fast-check@${manifest.devDependencies['fast-check']}`])
  expect(await importAll(subpaths)).toEqual({ exitCode: 0, output: '' })
}, 120_000)

/** How each runner is installed and started, and where its words come from. */
const runners = [
  { name: 'vitest', words: 'vitest', install: 'vitest@4', run: ['vitest/vitest.mjs', 'run'] },
  {
    name: 'jest',
    words: '@jest/globals',
    install: 'jest@30',
    run: ['jest/bin/jest.js'],
    node: ['--experimental-vm-modules'],
  },
  { name: 'node:test', words: 'node:test', run: [], node: ['--test'] },
]

for (const { name, words, install, run, node = [] } of runners) {
  test(`the test kit proves a query right and another one wrong under ${name}`, async ({
    skip,
  }) => {
    // What comes with Node needs no more than the user has by now.
    const folder = install === undefined ? user : join(top, name)
    if (install !== undefined && !installRunner(folder, install)) {
      return skip(`${install} does not install here`)
    }
    writeFileSync(join(folder, 'query.test.js'), kitTest(words))
    const [file = 'query.test.js', ...rest] = run.map((path, index) =>
      index === 0 ? join(folder, 'node_modules', path) : path,
    )
    const outcome = spawnSync(process.execPath, [...node, file, ...rest], {
      cwd: folder,
      encoding: 'utf8',
      timeout: 120_000,
    })
    expect(outcome.status, outcome.stdout + outcome.stderr).toBe(0)
    expect(outcome.stdout + outcome.stderr).toContain('a sum per key survives every crash')
  }, 300_000)
}

/** Beside the kit in a project of its own; `false` where the registry is not reached, and nothing has to run. */
function installRunner(folder: string, runner: string): boolean {
  mkdirSync(folder)
  const own = { name: 'kit', version: '1.0.0', type: 'module', private: true, jest: jestOptions }
  writeFileSync(join(folder, 'package.json'), JSON.stringify(own))
  const kit = [join(top, packed.filename), `fast-check@${manifest.devDependencies['fast-check']}`]
  try {
    npm(folder, ['install', '--prefer-offline', ...kit, runner])
    return true
  } catch (thrown) {
    if (process.env['CI'] === 'true') throw thrown
    return false
  }
}

/** Jest would compile modules to an older kind. */
const jestOptions = { transform: {}, verbose: true }

/** A test as a user writes it: one query is right, the sink of the other one shows rows twice. */
function kitTest(words: string): string {
  return `
import assert from 'node:assert/strict'
import { test } from '${words}'
import fc from 'fast-check'
import { LawFailure, exactlyOnce, streamEqualsBatch } from 'millrace/properties'
import { current_timestamp, sum } from 'millrace/functions'

const inputs = [{ schema: 'k STRING, n DOUBLE', row: fc.tuple(fc.constantFrom('a', 'b'), fc.integer()) }]
const totals = { inputs, outputMode: 'update', query: ([input]) => input.groupBy('k').agg(sum('n')) }
const seconds = 20_000

test('a sum per key survives every crash', async () => {
  const { crashes } = await exactlyOnce(totals, { runs: 1, seed: 1, config: { allowUnbounded: 'true' } })
  assert.ok(crashes.crashes > 100)
}, seconds)

test('a query that asks for the time of day is found', async () => {
  const timely = { inputs, outputMode: 'append', query: ([input]) => input.withColumn('now', current_timestamp()) }
  const failure = await streamEqualsBatch(timely, { runs: 20, seed: 1 }).catch((thrown) => thrown)
  assert.ok(failure instanceof LawFailure, String(failure))
  assert.match(failure.message, /MILLRACE_REPLAY/)
}, seconds)
`
}

test("the README's programs compile under strict and run", async () => {
  for (const program of compiledPrograms()) await runWith(process.execPath, program)
}, 180_000)

for (const major of [22, 24]) {
  test(`the README's programs, and one with much state, run on Node ${major}`, async ({ skip }) => {
    const executable = nodeOf(major)
    if (executable === undefined) return skip(`node@${major} does not install or start here`)
    for (const program of compiledPrograms()) await runWith(executable, program)
    writeFileSync(join(user, 'spills.js'), spills)
    expect(await runWith(executable, 'spills.js')).toBe('4000 groups\n')
  }, 300_000)
}

/**
 * State goes to a store here. It is the one in memory: the prebuilt binary of RocksDB ends these Nodes,
 * see docs/guarantees.md, and to compile it takes longer than all other tests.
 */
const spills = `
import { Session } from 'millrace'
const spark = Session.builder.config('store', 'memory').config('stateCache', '4 KB').getOrCreate()
const input = spark.memoryStream('k INT')
const query = input.toDF().groupBy('k').count()
  .writeStream.format('memory').queryName('groups').outputMode('complete').start()
for (let epoch = 0; epoch < 4; epoch++) {
  input.addData(Array.from({ length: 1000 }, (_, k) => [k * 4 + epoch]))
  await query.processAllAvailable()
}
console.log((await spark.table('groups').collect()).length + ' groups')
await spark.stop()
`

async function runWith(executable: string, program: string): Promise<string> {
  const outcome = await runProgram(join(user, program), { executable, timeoutMs: 60_000 })
  expect(outcome.exitCode, outcome.output).toBe(0)
  return outcome.output
}

/** The programs of the README as the compiler left them in the user's folder. */
function compiledPrograms(): readonly string[] {
  const readme = readFileSync(join(projectRoot, 'README.md'), 'utf8')
  const blocks = codeBlocks(new Map([['README.md', readme]]))
  expect(blocks.length).toBeGreaterThan(0)
  const names = blocks.map((block, index) => {
    writeFileSync(join(user, `readme-${index}.ts`), block.text)
    return `readme-${index}`
  })
  const namespaces = subpaths.map((path, index) => `export * as n${index} from '${nameOf(path)}'`)
  writeFileSync(join(user, 'namespaces.ts'), namespaces.join('\n'))
  const files = [...names, 'namespaces'].map((name) => `${name}.ts`)
  expect(runCompiler(user, { compilerOptions: strict, files })).toEqual([])
  return names.map((name) => `${name}.js`)
}

/** The Node of a major version from the package `node`; `undefined` where that does not install or start. */
function nodeOf(major: number): string | undefined {
  const ask = `console.log(process.versions.node.split('.')[0], process.execPath)`
  const args = ['--yes', '--prefer-offline', '--package', `node@${major}`, 'node', '-e', ask]
  const { stdout } = spawnSync('npx', args, { cwd: top, encoding: 'utf8', timeout: 120_000 })
  const [found, path] = (stdout ?? '').trim().split(' ')
  return found === String(major) ? path : undefined
}

/** As a careful user sets the compiler. */
const strict = {
  target: 'es2022',
  module: 'nodenext',
  strict: true,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  skipLibCheck: true,
  typeRoots: [join(projectRoot, 'node_modules/@types')],
  types: ['node'],
}

/** Imports subpaths and fails if one of them has no names. */
async function importAll(paths: readonly string[]): Promise<Outcome> {
  const lines = paths.map(
    (path) =>
      `if (Object.keys(await import('${nameOf(path)}')).length === 0) throw new Error('${path}')`,
  )
  const program = join(user, 'imports.js')
  writeFileSync(program, lines.join('\n'))
  return runProgram(program, { timeoutMs: 60_000 })
}

function nameOf(subpath: string): string {
  return `millrace${subpath.slice(1)}`
}

/** Packs a copy, so that the build of the working tree is left alone. */
function pack(): Packed {
  const copy = join(top, 'millrace')
  mkdirSync(copy)
  const files = ['package.json', 'tsconfig.json', 'README.md', 'LICENSE', 'CHANGELOG.md']
  for (const path of [...files, ...sourceRoots]) {
    cpSync(join(projectRoot, path), join(copy, path), { recursive: true })
  }
  symlinkSync(join(projectRoot, 'node_modules'), join(copy, 'node_modules'))
  const args = ['pack', '--json', '--silent', '--pack-destination', top]
  const made: readonly Packed[] = JSON.parse(npm(copy, args))
  const [first] = made
  if (first === undefined) throw new Error('npm pack made nothing')
  return first
}

function npm(folder: string, args: readonly string[]): string {
  const { stdout, stderr, status } = spawnSync('npm', [...args], { cwd: folder, encoding: 'utf8' })
  if (status !== 0) throw new Error(`npm ${args[0]} ended with ${status}: ${stdout}${stderr}`)
  return stdout
}
