import type { RankedRecords, RecordPlace } from './ranked-record.ts'

/** The best of the records it is given, in order; among equal ones the earlier given goes first. */
export class BestRecords {
  readonly places: RecordPlace[] = []
  /** Whether a record was turned away or pushed out. */
  isCut = false
  readonly #records: RankedRecords
  readonly #limit: number

  constructor(records: RankedRecords, limit: number) {
    this.#records = records
    this.#limit = limit
  }

  /** `keep` gives the record a place that lasts, once it is known to enter. */
  add(place: RecordPlace, keep?: (place: RecordPlace) => RecordPlace): void {
    const { places } = this
    const last = places.at(-1)
    if (last !== undefined && this.#records.compare(place, last) >= 0) {
      if (places.length === this.#limit) this.isCut = true
      else places.push(keep?.(place) ?? place)
      return
    }
    let low = 0
    let high = places.length - 1
    while (low < high) {
      const middle = (low + high) >> 1
      if (this.#records.compare(place, places[middle] as RecordPlace) < 0) high = middle
      else low = middle + 1
    }
    places.splice(low, 0, keep?.(place) ?? place)
    if (places.length <= this.#limit) return
    places.pop()
    this.isCut = true
  }
}
