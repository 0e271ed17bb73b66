import type { WatermarkSpec } from '../operators/watermark.ts'
import { schemaOf, type Watermark } from '../plan/logical.ts'

/** The operator of a declared event-time column; `deadLetters` tells whether the query has a place for them. */
export function watermarkSpec(plan: Watermark, deadLetters: boolean): WatermarkSpec {
  const { node, column, delayMicros, rules } = plan
  const { nullTime, maxFutureSkewMicros, idleTimeoutMicros } = rules
  return {
    node,
    column,
    delayMicros,
    input: schemaOf(plan),
    nullTime,
    future: deadLetters ? 'deadLetter' : 'drop',
    ...(maxFutureSkewMicros === undefined ? {} : { maxFutureSkewMicros }),
    ...(idleTimeoutMicros === undefined ? {} : { idleTimeoutMicros }),
  }
}
