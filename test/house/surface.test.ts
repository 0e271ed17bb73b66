import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { exportedNames } from './exported-names.ts'
import { projectRoot } from './tree.ts'

/** By subpath of the package. `UPDATE_GOLDEN=1 npx vitest run test/house/surface.test.ts` accepts a change. */
const entries = {
  '.': ['src/index.ts', 'index.txt'],
  './functions': ['src/functions.ts', 'functions.txt'],
  './types': ['src/types.ts', 'types.txt'],
  './avro': ['src/avro.ts', 'avro.txt'],
  './protobuf': ['src/protobuf.ts', 'protobuf.txt'],
  './streaming': ['src/streaming.ts', 'streaming.txt'],
  './properties': ['properties/index.ts', 'properties.txt'],
} as const

test.each(Object.values(entries))('%s exports what %s lists, no more and no less', (file, list) => {
  const names = namesOf(file)
  const golden = join(projectRoot, 'test/house/surface', list)
  if (process.env['UPDATE_GOLDEN'] === '1') {
    mkdirSync(dirname(golden), { recursive: true })
    writeFileSync(golden, names.map((name) => `${name}\n`).join(''))
  }
  const listed = readFileSync(golden, 'utf8').split('\n').filter(Boolean)
  expect(names).toEqual(listed)
})

test('the package has exactly the subpaths whose names are listed', () => {
  const manifest: { readonly exports: Readonly<Record<string, unknown>> } = JSON.parse(
    readFileSync(join(projectRoot, 'package.json'), 'utf8'),
  )
  const subpaths = Object.keys(manifest.exports).filter((path) => path !== './package.json')
  expect(subpaths).toEqual(Object.keys(entries))
})

test('the main entry stays small enough to be read in one go', () => {
  expect(namesOf('src/index.ts').length).toBeLessThanOrEqual(40)
})

test('every form of export is read', () => {
  const text = `
    export { b, type c, d as e } from './x.ts'
    export type { f, g as h } from './y.ts'
    export const i = 1
    export async function j() {}
    export interface K {}
    export type L = 1
    export abstract class A {}
    // export const no = 1
  `
  expect(exportedNames(text)).toEqual([
    'A',
    'type K',
    'type L',
    'b',
    'type c',
    'e',
    'type f',
    'type h',
    'i',
    'j',
  ])
})

test('a name that is added or lost changes the list, and nameless exports are refused', () => {
  expect(exportedNames('export { a, b }')).not.toEqual(exportedNames('export { a }'))
  expect(exportedNames('export { a }')).not.toEqual(exportedNames('export { type a }'))
  expect(() => exportedNames(`export * from './x.ts'`)).toThrow('export *')
  expect(() => exportedNames('export default 1')).toThrow('default')
})

/** Nothing is exported by a file that is not there. */
function namesOf(file: string): readonly string[] {
  const path = join(projectRoot, file)
  return existsSync(path) ? exportedNames(readFileSync(path, 'utf8')) : []
}
