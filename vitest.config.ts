import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    pool: 'forks',
    // A process keeps its modules from one file to the next: loading them anew would take a tenth of the time.
    isolate: false,
    // Lives are short and leave much garbage, nearly all of it young.
    execArgv: ['--max-semi-space-size=64'],
    // Some tests wait for processes that they started, or for npm: nobody should wait with them.
    maxWorkers: availableParallelism() + 1,
    globalSetup: ['test/laws/gates/figures.ts'],
    testTimeout: 30_000,
    // Hooks remove folders of ten thousand files beside tests that use all cores.
    hookTimeout: 60_000,
  },
})
