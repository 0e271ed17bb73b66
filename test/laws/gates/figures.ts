import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'
import { gateTable, type TableRow } from './gate.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** Where tests leave the figures of their gates for the table at the end of the run. */
    figures: string
  }
}

let folder: string | undefined

/** Called by vitest before all tests: says where figures are left. */
export function setup(project: TestProject): void {
  folder = mkdtempSync(join(tmpdir(), 'millrace-figures-'))
  project.provide('figures', folder)
}

/** Called by vitest behind all tests: prints what they left, whichever file they are in, as one table. */
export function teardown(): void {
  if (folder === undefined) return
  const from = folder
  const rows = readdirSync(from).map(
    (name): TableRow => JSON.parse(readFileSync(join(from, name), 'utf8')),
  )
  rmSync(from, { recursive: true, force: true })
  const inOrder = rows.toSorted((left, right) => numberOf(left.id) - numberOf(right.id))
  if (rows.length > 0) process.stdout.write(`\n${gateTable(inOrder)}\n`)
}

/** Leaves the figures of a gate for the table. */
export function leaveFigures(into: string, row: TableRow): void {
  writeFileSync(join(into, `${row.id}.json`), JSON.stringify(row))
}

/** G1, G1F, G2, … G10. */
function numberOf(id: string): number {
  const [, digits = '0', letter = ''] = /^G(\d+)(.*)$/.exec(id) ?? []
  return Number(digits) + (letter === '' ? 0 : 0.5)
}
