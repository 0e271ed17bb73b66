import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type BuiltPackage, buildPackage } from '../house/built-package.ts'
import { codeBlocks } from '../house/code-blocks.ts'
import { runProgram } from '../house/run-program.ts'
import { readTree } from '../house/tree.ts'

const page = 'docs/testing-your-query.md'
const blocks = codeBlocks(new Map([[page, readTree(['docs'], ['.md']).get(page) ?? '']]))
const programs = new Map(blocks.map(({ text }, at) => [`example-${at}`, text]))

/** A fault of the page's programs is found within this. */
const findMsMax = 30_000

let built: BuiltPackage

beforeAll(() => {
  built = buildPackage()
  mkdirSync(join(built.folder, 'worked'))
  for (const [name, text] of programs) {
    writeFileSync(join(built.folder, 'worked', `${name}.ts`), text)
  }
  expect(built.compile([...programs.keys()].map((name) => `worked/${name}.ts`))).toEqual([])
}, 120_000)

afterAll(() => built.remove())

test.each([
  { at: 1, law: 'exactlyOnce', says: 'The process died before step' },
  { at: 2, law: 'stateFunction', says: 'run again at another time of day' },
  { at: 3, law: 'sourceLaw', says: 'a range read twice' },
])(
  'the fault of example $at is found with default settings, in a few rows',
  async ({ at, law, says }) => {
    const program = join(built.folder, 'worked', `example-${at}.js`)
    const { exitCode, output } = await runProgram(program, { timeoutMs: findMsMax })
    expect(exitCode, output).toBe(0)
    expect(output).toContain(`${law} does not hold: `)
    expect(output).toContain(says)
    expect(output).toMatch(/MILLRACE_REPLAY='\w+\/-?\d+\/[\d:]+'/)
    const counts = [...output.matchAll(/rows: (\d+)|(\d+) rows arrive/g)]
    const rows = counts.reduce((sum, [, one, other]) => sum + Number(one ?? other), 0)
    expect(rows).toBeGreaterThan(0)
    expect(rows).toBeLessThanOrEqual(5)
    console.log(output)
  },
  findMsMax + 10_000,
)
