import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** They take minutes: begun last, one of them would run alone at the end. */
const longest = [
  'laws/crashes.property',
  'laws/faults.property',
  'crash/kills',
  'laws/broker.property',
  'house/pack',
  'house/docs',
]

/** Lives are short and leave much garbage, nearly all of it young; and most code is not run for long enough to … */
const manyShortLives = ['--max-semi-space-size=64']
/** … be worth compiling when Node would: a tenth of all the time. Later versions do not know the option. */
if (process.versions.node.startsWith('20.')) manyShortLives.push('--interrupt-budget=1000000')

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const placeOf = ({ moduleId }: TestSpecification): number => {
      const place = longest.findIndex((name) => moduleId.endsWith(`test/${name}.test.ts`))
      return place < 0 ? longest.length : place
    }
    const sorted = await super.sort(files)
    return sorted.toSorted((left, right) => placeOf(left) - placeOf(right))
  }
}

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    pool: 'forks',
    // A process keeps its modules from one file to the next: loading them anew would take a tenth of the time.
    isolate: false,
    sequence: { sequencer: LongestFirst },
    execArgv: manyShortLives,
    // One more would use the time in which tests wait for processes, and cost more than that by getting in the way.
    maxWorkers: availableParallelism(),
    globalSetup: ['test/temporary-folder.ts', 'test/laws/gates/figures.ts'],
    testTimeout: 30_000,
    // Hooks remove folders of ten thousand files beside tests that use all cores.
    hookTimeout: 60_000,
  },
})
