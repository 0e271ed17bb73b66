import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

let folder: string | undefined

/** Called by vitest before all tests: whatever they and their processes leave behind lies in one folder … */
export function setup(): void {
  folder = mkdtempSync(join(tmpdir(), 'millrace-tests-'))
  for (const name of ['TMPDIR', 'TMP', 'TEMP']) process.env[name] = folder
}

/** … which goes with the last of them, also what a process could not remove that was killed. */
export function teardown(): void {
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true, maxRetries: 3 })
}
