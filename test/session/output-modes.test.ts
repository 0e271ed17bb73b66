import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { checkCell, type Mode, modes } from './matrix/cell.ts'
import { answerOf, matrix } from './matrix/shapes.ts'

// The matrix of docs/output-modes.md, cell by cell: what is allowed runs and gives the rows that the
// rules promise, worked out by hand; what is refused says why and what to do.

const cells = matrix.flatMap((shape) =>
  modes.map((mode) => [shape.row, shape.name, mode, shape] as const),
)

test.each(cells)('%s: %s, in %s mode', async (_row, _name, mode, shape) => {
  await checkCell(shape, mode, shape[mode])
})

test('every cell of the table in the docs has an entry here, and says the same', () => {
  const text = readFileSync(new URL('../../docs/output-modes.md', import.meta.url), 'utf8')
  const [, ...body] = text.slice(text.indexOf('| query |')).split('\n')
  const table = body.slice(1, body.indexOf(''))
  expect(table.length).toBeGreaterThan(20)
  const documented = table.map((line) =>
    line
      .split('|')
      .slice(1, 5)
      .map((cell) => cell.trim()),
  )
  const rows = [...new Set(matrix.map(({ row }) => row))]
  const tested = rows.map((row) => [row, ...modes.map((mode) => answerOf(row, mode))])
  const answered = documented.map(([row = '', ...answers]) => [
    row,
    ...answers.map((answer) => /^(yes|no)\b/.exec(answer)?.[0] ?? answer),
  ])
  expect(answered).toEqual(tested)
})

test('shapes of one row of the table agree, and no shape is there twice', () => {
  const names = matrix.map(({ row, name }) => `${row}: ${name}`)
  expect(names).toEqual([...new Set(names)])
  const split = matrix.filter((shape) =>
    modes.some(
      (mode: Mode) => ('gives' in shape[mode] ? 'yes' : 'no') !== answerOf(shape.row, mode),
    ),
  )
  expect(split.map(({ row, name }) => `${row}: ${name}`)).toEqual([])
})
