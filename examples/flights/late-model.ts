import type { Flight } from './flight.ts'

interface Rule {
  readonly delayMs: number
  readonly windowMs: number
}

/**
 * Which flights come too late, worked out without the engine from the rule alone: after each epoch
 * the watermark is the latest scheduled time so far minus the delay; a flight is late when its
 * window ends at or before the watermark by which the epoch *before* its own was closed. One epoch
 * reads one file, so this is a function of the files.
 */
export function lateFlights(
  epochs: readonly (readonly Flight[])[],
  { delayMs, windowMs }: Rule,
): readonly number[] {
  const late: number[] = []
  let watermarkMs = 0
  let closedByMs = 0
  for (const flights of epochs) {
    let latestMs = 0
    for (const { flight, scheduled } of flights) {
      const scheduledMs = Date.parse(scheduled)
      const windowEndMs = Math.floor(scheduledMs / windowMs) * windowMs + windowMs
      if (windowEndMs <= closedByMs) late.push(flight)
      latestMs = Math.max(latestMs, scheduledMs)
    }
    closedByMs = watermarkMs
    watermarkMs = Math.max(watermarkMs, latestMs - delayMs)
  }
  return late
}
