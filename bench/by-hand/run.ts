/** One hand-written program in a process of its own: `node dist/bench/by-hand/run.js q5 events.jsonl`. */
import { checksumSink } from '../checksum.ts'
import { reportRun } from '../measured-run.ts'
import { resultSchemas } from '../nexmark/results.ts'
import { byHandNamed, byHandPrograms } from './programs.ts'

const [name, path] = process.argv.slice(2)
const query = byHandNamed(name)
if (query === undefined || path === undefined) {
  throw new RangeError('usage: run.js <query> <file of JSON lines>')
}
const sink = checksumSink(resultSchemas[query])
await reportRun(() => {
  byHandPrograms[query](path, sink)
  return sink.result()
})
