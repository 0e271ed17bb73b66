import type { DataFrame } from 'millrace'
import { avg, col, count, window } from 'millrace/functions'

/** The rule by which a flight is late, in milliseconds for the model of `late-model.ts`. */
export const lateRule = { delayMs: 30 * 60_000, windowMs: 60 * 60_000 }

/**
 * Flights and their average delay per hour and origin. The same function makes the streaming query
 * and the batch query that it is compared with; on a batch frame the watermark changes nothing.
 */
export function flightsPerHour(flights: DataFrame): DataFrame {
  return flights
    .withWatermark('scheduled', '30 minutes')
    .groupBy(window('scheduled', '1 hour'), 'origin')
    .agg(count('*').alias('flights'), avg('delay').alias('averageDelay'))
    .select(col('window.start').alias('hour'), 'origin', 'flights', 'averageDelay')
}
