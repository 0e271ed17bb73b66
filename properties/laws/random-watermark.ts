import fc from 'fast-check'
import type { WatermarkOptions } from '../../src/plan/watermark-rules.ts'

/** Mostly such that nothing is left out but for being late: then the answer can be compared with a batch. */
export const watermarkOptions: fc.Arbitrary<WatermarkOptions> = fc.constantFrom<WatermarkOptions>(
  { nullTime: 'keep' },
  { nullTime: 'keep' },
  { nullTime: 'keep' },
  { nullTime: 'keep' },
  { nullTime: 'keep' },
  { nullTime: 'keep', late: 'drop' },
  // The clocks of the first lives stand at the beginning of the times of random rows.
  { nullTime: 'keep', maxFutureSkew: '10 seconds' },
  {},
)
