import type { AbortedTransaction } from '../protocol/data-api.ts'
import type { BatchHeader } from './batch-header.ts'

/** Says which batches of one answer belong to transactions that were aborted. Asked for each batch, in order. */
export interface AbortedTransactions {
  /** `endsIt`: the batch is the end of its producer's transaction, and says that it was aborted. */
  isAborted(header: BatchHeader, endsIt: boolean): boolean
}

/**
 * The list of a broker names transactions by their producers and first offsets, in the order in which they were aborted,
 * so one that began earlier may stand behind. A producer's records are left out from its first offset to its abort.
 */
export function abortedTransactions(list: readonly AbortedTransaction[]): AbortedTransactions {
  const waiting = list.toSorted((left, right) => left.firstOffset - right.firstOffset)
  const aborted = new Set<number>()
  let next = 0
  return {
    isAborted(header, endsIt) {
      for (; next < waiting.length; next++) {
        const { producerId, firstOffset } = waiting[next] as AbortedTransaction
        if (firstOffset > header.lastOffset) break
        aborted.add(producerId)
      }
      if (endsIt) aborted.delete(header.producerId)
      return header.isTransactional && aborted.has(header.producerId)
    },
  }
}
