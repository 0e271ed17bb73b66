import {
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Flight, type FlightRecord, inOrderOfArrival } from './flight.ts'

/** So few that some flights come after the watermark has passed them: about two hours of traffic. */
export const flightsPerFile = 25

/** Any fixed day: a stream of files is read by modification time, so the files get ascending ones. */
const firstFileSeconds = Date.UTC(2001, 3, 1) / 1000

/** The records of the npm package `vega-datasets`: 20,000 flights in the United States, early 2001. */
export function readRecords(): readonly FlightRecord[] {
  // The package exports its entry only; the data lies beside it.
  const entry = fileURLToPath(import.meta.resolve('vega-datasets'))
  return JSON.parse(readFileSync(join(dirname(entry), '../data/flights-20k.json'), 'utf8'))
}

/** Splits flights over files, in order. */
export function filesOf(flights: readonly Flight[]): readonly (readonly Flight[])[] {
  const files: (readonly Flight[])[] = []
  for (let at = 0; at < flights.length; at += flightsPerFile) {
    files.push(flights.slice(at, at + flightsPerFile))
  }
  return files
}

/**
 * Writes the flights into `folder`, unless it is there. The folder appears at once with everything
 * in it, so a run that was killed here starts anew, and one that was killed later finds the same files.
 */
export function prepare(folder: string, records: readonly FlightRecord[]): void {
  if (existsSync(folder)) return
  const unfinished = `${folder}.unfinished`
  rmSync(unfinished, { recursive: true, force: true })
  mkdirSync(unfinished, { recursive: true })
  filesOf(inOrderOfArrival(records)).forEach((flights, index) => {
    const file = join(unfinished, `flights-${String(index).padStart(5, '0')}.json`)
    writeFileSync(file, flights.map((flight) => `${JSON.stringify(flight)}\n`).join(''))
    utimesSync(file, firstFileSeconds + index, firstFileSeconds + index)
  })
  renameSync(unfinished, folder)
}
