/**
 * `npm run conformance -- FILE.json [--store memory|rocksdb] [--lanes n] [--each-row]`: the cases of a file through
 * the public API; with `--each-row` those whose answer does not depend on it, a row per epoch.
 */
import { readFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import type { CaseFile } from './case.ts'
import { report } from './report.ts'
import { openSession } from './sessions.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    store: { type: 'string', default: 'rocksdb' },
    lanes: { type: 'string', default: '1' },
    'each-row': { type: 'boolean', default: false },
    only: { type: 'string', default: '' },
  },
})
const [path] = positionals
if (path === undefined) {
  throw new RangeError(
    'usage: npm run conformance -- FILE.json [--store memory|rocksdb] [--lanes n] [--each-row] [--only text]',
  )
}
const file: CaseFile = JSON.parse(await readFile(path, 'utf8'))
const failed = await report(
  file.cases.filter(
    ({ id, batching }) => id.includes(values.only) && (!values['each-row'] || batching === 'free'),
  ),
  openSession,
  { store: values.store, lanes: Number(values.lanes), eachRow: values['each-row'] },
  (line) => process.stdout.write(`${line}\n`),
)
// A case that hung would keep the process alive.
process.exit(failed > 0 ? 1 : 0)
