import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { errorCodes } from '../../src/core/error.ts'
import { warningCodes } from '../../src/core/warning.ts'
import { type BuiltPackage, buildPackage } from './built-package.ts'
import { type CodeBlock, codeBlocks } from './code-blocks.ts'
import { errorsPage } from './errors-page.ts'
import { runProgram } from './run-program.ts'
import { projectRoot, readTree, sourceRoots } from './tree.ts'

const documents = readTree(['.'], ['README.md', 'CHANGELOG.md'])
const pages = readTree(['docs'], ['.md'])
const blocks = codeBlocks(new Map([...documents, ...pages, ...readTree(sourceRoots, ['.ts'])]))
const running = blocks.filter(({ noRun }) => noRun === undefined)

/** A program of the documents ends well within this. */
const programMsMax = 60_000

describe('the programs of the documents', () => {
  let built: BuiltPackage
  let errors: readonly string[]

  beforeAll(() => {
    built = buildPackage()
    mkdirSync(join(built.folder, 'blocks'))
    for (const block of blocks) {
      // Empty lines in front, so that the compiler's line numbers are those of the document.
      const text = '\n'.repeat(block.line - 1) + block.text
      writeFileSync(join(built.folder, 'blocks', `${slug(block)}.ts`), text)
    }
    errors = built.compile(blocks.map((block) => `blocks/${slug(block)}.ts`))
  }, 120_000)

  afterAll(() => built.remove())

  test('they compile together against the package as users import it', () => {
    expect(built.errors).toEqual([])
    expect(errors).toEqual([])
  })

  test.each(running.map((block) => [`${block.file}:${block.line}`, block] as const))(
    '%s runs to its end',
    async (_, block) => {
      const program = join(built.folder, 'blocks', `${slug(block)}.js`)
      const { exitCode, output } = await runProgram(program, { timeoutMs: programMsMax })
      expect(exitCode, output).toBe(0)
    },
    programMsMax + 5_000,
  )
})

test('the documents really have programs', () => {
  const perFile = new Set(blocks.map(({ file }) => file))
  expect(perFile.has('README.md')).toBe(true)
  expect(blocks.length).toBeGreaterThan(5)
  expect(running.length).toBeGreaterThan(blocks.length / 2)
})

test('docs/errors.md says what the catalogue says', () => {
  // Written by `UPDATE_GOLDEN=1 npx vitest run test/house/docs.test.ts`.
  const path = join(projectRoot, 'docs/errors.md')
  if (process.env['UPDATE_GOLDEN'] === '1')
    writeFileSync(path, errorsPage(errorCodes(), warningCodes()))
  expect(readFileSync(path, 'utf8')).toBe(errorsPage(errorCodes(), warningCodes()))
})

test('the catalogue of errors is in alphabetical order', () => {
  const codes = errorCodes().map(({ code }) => code)
  expect(codes.length).toBeGreaterThan(30)
  expect(codes).toEqual([...codes].sort())
})

test('links between documents lead somewhere', () => {
  const all = new Map([...documents, ...pages])
  const links = [...all].flatMap(([file, text]) =>
    [...text.matchAll(/\]\((?!https?:)([^)#\s]+)[^)]*\)/g)].map(([, target = '']) => ({
      file,
      target: new URL(target, `file:///${file}`).pathname.slice(1),
    })),
  )
  const known = readTree(['.'], [''])
  expect(links.length).toBeGreaterThan(5)
  expect(
    links.filter(
      ({ target }) =>
        ![...known.keys()].some(
          (file) => file === target || file.startsWith(`${target.replace(/\/$/, '')}/`),
        ),
    ),
  ).toEqual([])
})

test('blocks are found in documents and doc comments, with their lines', () => {
  const found = codeBlocks(
    new Map([
      [
        'a.md',
        '# A\n\n```ts\none()\n```\n```sh\nls\n```\n```ts no-run: it never ends\ntwo()\n```\n',
      ],
      [
        'b.ts',
        'const x = 1\n/**\n * Says.\n *\n * @example\n * ```ts\n * three()\n *   four()\n * ```\n */',
      ],
      ['c.ts', '// ```ts\n// no()\n// ```'],
    ]),
  )
  expect(found).toEqual([
    { file: 'a.md', line: 4, text: 'one()\n' },
    { file: 'a.md', line: 10, text: 'two()\n', noRun: 'it never ends' },
    { file: 'b.ts', line: 7, text: 'three()\n  four()\n' },
  ])
})

test('a block that would slip through is refused', () => {
  const markdown = (info: string) => new Map([['a.md', `\`\`\`${info}\nx()\n\`\`\`\n`]])
  expect(() => codeBlocks(markdown('typescript'))).toThrow('never checked')
  expect(() => codeBlocks(markdown('ts no-run'))).toThrow('reason')
})

function slug({ file, line }: CodeBlock): string {
  return `${file.replaceAll('/', '-')}-${line}`
}
