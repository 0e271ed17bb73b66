import { saveModeOption } from '../option-spec.ts'
import type { SinkFactory } from '../registry.ts'

/** Takes everything and keeps nothing: for measuring a query without its output. */
export const noopSink: SinkFactory = {
  format: 'noop',
  options: [saveModeOption],
  modes: ['append', 'update', 'complete'],
  create: async () => ({
    description: 'noop',
    // Those who read the rows of the query beside it get them when they are committed.
    kind: 'repeatable',
    keepsNothing: true,
    open: async () => undefined,
    write: async () => undefined,
    prepare: async () => null,
    commit: async () => undefined,
    abort: async () => undefined,
    close: async () => undefined,
  }),
}
