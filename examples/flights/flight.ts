/** A flight as the query reads it, one JSON line each. */
export interface Flight {
  /** Its number in the data set; makes every row one of its own. */
  readonly flight: number
  /** When it was to take off: the event time, ISO text in UTC. */
  readonly scheduled: string
  /** Minutes; negative when it was early. */
  readonly delay: number
  readonly distance: number
  readonly origin: string
  readonly destination: string
}

/** The columns of a flight as DDL. */
export const flightSchema =
  'flight INT, scheduled TIMESTAMP, delay INT, distance INT, origin STRING, destination STRING'

/** A record of the data set. */
export interface FlightRecord {
  /** Local time without a zone, such as `2001/01/01 00:47`; taken as UTC. */
  readonly date: string
  readonly delay: number
  readonly distance: number
  readonly origin: string
  readonly destination: string
}

/**
 * The flights in the order in which the world learns of them: scheduled time plus delay. That is
 * what makes the stream disordered and some of its rows late. Equal times keep the order of the data.
 */
export function inOrderOfArrival(records: readonly FlightRecord[]): readonly Flight[] {
  const flights = records.map(({ date, ...rest }, flight) => ({
    flight,
    scheduled: scheduledAt(date),
    ...rest,
  }))
  return flights.sort((left, right) => knownAtMs(left) - knownAtMs(right))
}

/** Milliseconds since 1970 at which a flight took off. */
export function knownAtMs({ scheduled, delay }: Flight): number {
  return Date.parse(scheduled) + delay * 60_000
}

function scheduledAt(date: string): string {
  const [day = '', time = ''] = date.split(' ')
  return new Date(`${day.replaceAll('/', '-')}T${time}:00Z`).toISOString()
}
