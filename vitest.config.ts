import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    pool: 'forks',
    // By default one core is left idle.
    maxWorkers: '100%',
    globalSetup: ['test/laws/gates/figures.ts'],
    testTimeout: 30_000,
  },
})
