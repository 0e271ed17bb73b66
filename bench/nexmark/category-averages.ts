import type { MapState, StatefulHandle, ValueState } from '../../src/streaming.ts'
import { LongType, StructType } from '../../src/types.ts'

/** A bid on an auction, by the auction's category. */
export const finalPrice = StructType()
  .add('category', LongType())
  .add('auction', LongType())
  .add('price', LongType())

/** The result of q4. */
export const categoryAverage = StructType().add('category', LongType()).add('average', LongType())

interface FinalPrice {
  readonly category: bigint | null
  readonly auction: bigint | null
  readonly price: bigint | null
}

/** q4's second half: the average, over the auctions of a category, of the highest bid of each. */
export class CategoryAverages {
  #highest: MapState<bigint, bigint> | undefined
  #sum: ValueState<bigint> | undefined
  #auctions: ValueState<bigint> | undefined

  init(handle: StatefulHandle): void {
    this.#highest = handle.mapState('highest', LongType(), LongType())
    this.#sum = handle.valueState('sum', LongType())
    this.#auctions = handle.valueState('auctions', LongType())
  }

  *handleInputRows(category: bigint | null, rows: readonly FinalPrice[]) {
    let sum = this.#sum?.get() ?? 0n
    let auctions = this.#auctions?.get() ?? 0n
    for (const { auction, price } of rows) {
      if (auction === null || price === null) continue
      const known = this.#highest?.get(auction)
      if (known !== undefined && known >= price) continue
      if (known === undefined) auctions++
      sum += price - (known ?? 0n)
      this.#highest?.put(auction, price)
    }
    this.#sum?.update(sum)
    this.#auctions?.update(auctions)
    if (auctions > 0n) yield { category, average: sum / auctions }
  }
}
