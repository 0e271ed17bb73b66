import { expect, test } from 'vitest'
import { allImports, circles, climbing, homeless, importsOf, throughWalls } from './floors.ts'
import { type FileTexts, readTree, sourceRoots } from './tree.ts'

const house = readTree(sourceRoots, ['.ts'])

test('every source file is in a room', () => {
  expect(homeless(house)).toEqual([])
})

test('every import stays in its room or goes down a floor', () => {
  expect(climbing(house)).toEqual([])
})

test('no files import each other in a circle, not even for types', () => {
  expect(circles(house)).toEqual([])
})

test('every third-party package is imported at its one door only', () => {
  expect(throughWalls(house)).toEqual([])
})

test('the house was really looked at', () => {
  // A checker that reads nothing finds nothing wrong; the figures are far below what any real tree has.
  expect(house.size).toBeGreaterThan(40)
  expect(allImports(house).length).toBeGreaterThan(100)
  expect(new Set([...house.keys()].map((file) => file.split('/')[0]))).toEqual(new Set(sourceRoots))
})

test('an import up, across or out of the house is found', () => {
  const files = planted({
    'src/core/low.ts': `import type { Plan } from '../plan/logical.ts'`,
    'src/plan/logical.ts': `import { a } from '../core/low.ts'\nimport '../operators/filter.ts'`,
    'src/operators/filter.ts': `export { b } from '../../actors/task.ts'`,
    'src/runtime/run.ts': `const late = await import('../session/session.ts')`,
    'src/session/session.ts': `import type { Row } from '../../test/house/tree.ts'`,
    'src/types.ts': `export type { X } from './index.ts'`,
    'src/index.ts': `export { b } from './operators/filter.ts'`,
    'actors/task.ts': `import { low } from '../src/core/low.ts'`,
  })
  expect(climbing(files)).toEqual([
    'src/core/low.ts imports src/plan/logical.ts',
    'src/plan/logical.ts imports src/operators/filter.ts',
    'src/operators/filter.ts imports actors/task.ts',
    'src/runtime/run.ts imports src/session/session.ts',
    'src/session/session.ts imports test/house/tree.ts, which is in no room',
    'src/types.ts imports src/index.ts',
  ])
})

test('a circle of any length is found, type-only imports included', () => {
  expect(
    circles(
      planted({
        'src/core/a.ts': `import { b } from './b.ts'`,
        'src/core/b.ts': `import type { C } from './c.ts'`,
        'src/core/c.ts': `export * from './a.ts'`,
        'src/core/d.ts': `import './a.ts'`,
      }),
    ),
  ).toEqual(['src/core/a.ts → src/core/b.ts → src/core/c.ts → src/core/a.ts'])
  expect(circles(planted({ 'src/core/a.ts': `import { a } from './a.ts'` }))).toHaveLength(1)
})

test('two ways to one file are no circle', () => {
  const files = planted({
    'src/core/a.ts': `import './b.ts'\nimport './c.ts'`,
    'src/core/b.ts': `import './d.ts'`,
    'src/core/c.ts': `import './d.ts'`,
    'src/core/d.ts': '',
  })
  expect(circles(files)).toEqual([])
})

test('a package imported beside its door is found', () => {
  const files = planted({
    'actors/coordinator-actor.ts': `import { spawn } from 'nact'`,
    'actors/nact-system.ts': `import { spawn } from 'nact'`,
    'src/batch/arrow.ts': `import { Table } from 'apache-arrow/Arrow.node.js'`,
    'src/core/fetch.ts': `import axios from 'axios'\nimport fs from 'node:fs'`,
    'src/plan/arrow.ts': `import type { Table } from 'apache-arrow'`,
    'state/other.ts': `const rocks = require('rocksdb')`,
  })
  expect(throughWalls(files)).toEqual([
    'actors/coordinator-actor.ts imports nact, whose door is actors/nact-system.ts',
    'src/core/fetch.ts imports axios, which has no door',
    'src/plan/arrow.ts imports apache-arrow, whose door is src/batch/',
    'state/other.ts imports rocksdb, whose door is state/rocksdb-store.ts',
  ])
})

test('a file in no room is found', () => {
  const files = planted({ 'src/helpers/x.ts': '', 'src/main.ts': '', 'lib/y.ts': '' })
  expect(homeless(files)).toEqual(['src/helpers/x.ts', 'src/main.ts', 'lib/y.ts'])
})

test('every spelling of an import is read, and none inside comments, strings and templates', () => {
  const text = [
    `import a from './a.ts'`,
    `import { type b } from "./b.ts"`,
    `import {\n  c,\n} from './c.ts'`,
    `export * from './d.ts'`,
    `const e: import('./e.ts').E = await import('./f.ts')`,
    `// import x from './x1.ts'`,
    `/* import x from './x2.ts' */`,
    `const t = \`import x from "./x3.ts" \${await import('./g.ts')} from './x4.ts'\``,
    `const s = "import x from './x5.ts'"`,
    `const r = /'/.test(q) ? 1 / 2 : 2 / 1 // it's from './x6.ts'`,
    `import h from './h.ts'`,
  ].join('\n')
  const targets = importsOf('src/core/z.ts', text).map(({ target }) => target)
  expect(targets).toEqual(['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'].map((x) => `src/core/${x}.ts`))
})

function planted(files: Readonly<Record<string, string>>): FileTexts {
  return new Map(Object.entries(files))
}
