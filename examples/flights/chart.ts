/** One row of the result: the flights of one origin in one hour. */
export interface HourOfOrigin {
  /** ISO text in UTC. */
  readonly hour: string
  readonly origin: string
  readonly flights: number
  readonly averageDelay: number
}

const barColumns = 32

/** The busiest hours of the day over all origins and days, as lines for a terminal. */
export function busiestHours(rows: readonly HourOfOrigin[], count: number): readonly string[] {
  const hours = new Map<number, { flights: number; delay: number }>()
  for (const { hour, flights, averageDelay } of rows) {
    const ofDay = new Date(hour).getUTCHours()
    const total = hours.get(ofDay) ?? { flights: 0, delay: 0 }
    total.flights += flights
    total.delay += flights * averageDelay
    hours.set(ofDay, total)
  }
  const busiest = [...hours].sort(([, left], [, right]) => right.flights - left.flights)
  const most = busiest[0]?.[1].flights ?? 1
  return busiest.slice(0, count).map(([hour, { flights, delay }]) => {
    const bar = '█'.repeat(Math.max(1, Math.round((flights / most) * barColumns)))
    const figures = `${String(flights).padStart(5)} flights, ${(delay / flights).toFixed(1).padStart(5)} min late`
    return `${String(hour).padStart(2, '0')}:00 ${bar.padEnd(barColumns)} ${figures}`
  })
}
