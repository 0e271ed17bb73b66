import type { OpenSession, RunOptions } from './adapter.ts'
import type { Case } from './case.ts'
import { missingFeatures } from './missing.ts'
import { runCase } from './run-case.ts'

/**
 * Runs the cases one after the other and prints every failure with what was expected, every skipped
 * case with what is missing, then the sums. Returns how many failed.
 */
export async function report(
  cases: readonly Case[],
  open: OpenSession,
  run: RunOptions,
  print: (line: string) => void,
): Promise<number> {
  let passed = 0
  let failed = 0
  let skipped = 0
  for (const subject of cases) {
    const missing = missingFeatures(subject)
    if (missing.length > 0) {
      skipped++
      print(`skipped ${subject.id}: needs ${missing.join(', ')}`)
      continue
    }
    const problem = await runCase(subject, open, run)
    if (problem === undefined) {
      passed++
      continue
    }
    failed++
    print(`FAILED ${subject.id}: ${problem}`)
  }
  print(`${passed} passed, ${failed} failed, ${skipped} skipped`)
  return failed
}
