import type { Batch } from '../batch/batch.ts'
import type { Epoch } from '../core/units.ts'
import type { Sink } from '../flow/connector.ts'
import { type Subscription, subscription } from './subscription.ts'

/** Batches of one epoch on their way to a reader. */
export interface TappedEpoch {
  readonly epoch: Epoch
  readonly batches: readonly Batch[]
}

/** Lets readers see what goes to a sink, from the moment they subscribe. Costs nothing without readers. */
export interface Tap {
  /** The sink with the tap in front; may be asked again for the sink of the next attempt. */
  into(sink: Sink): Sink
  /** Whole epochs once they are committed; with `uncommitted` batches as soon as they are written. */
  subscribe(options: { readonly uncommitted: boolean }): AsyncIterable<TappedEpoch>
  /**
   * No longer waits for readers, until there is a sink again: what stops a query or an attempt must not
   * depend on a reader, who may have gone away without a word.
   */
  release(): void
  end(error?: unknown): void
}

const queueLimit = 16

export function createTap(): Tap {
  const committed = new Set<Subscription<TappedEpoch>>()
  const uncommitted = new Set<Subscription<TappedEpoch>>()
  /** Whether the query waits for readers that are behind. */
  let waits = true
  const waitForReaders = (wait: boolean): void => {
    waits = wait
    for (const reader of [...committed, ...uncommitted]) reader.waitForReader(wait)
  }
  let ended = false

  const tapped = (sink: Sink): Sink => {
    const held = new Map<Epoch, Batch[]>()
    return {
      ...sink,

      async write(batch, epoch) {
        for (const reader of uncommitted) await reader.push({ epoch, batches: [batch] })
        if (committed.size > 0) {
          const batches = held.get(epoch) ?? []
          batches.push(batch)
          held.set(epoch, batches)
        }
        await sink.write(batch, epoch)
      },

      async commit(epoch, committable) {
        await sink.commit(epoch, committable)
        const batches = held.get(epoch)
        held.delete(epoch)
        if (batches === undefined) return
        for (const reader of committed) await reader.push({ epoch, batches })
      },

      async abort(epoch) {
        for (const each of held.keys()) if (each >= epoch) held.delete(each)
        await sink.abort(epoch)
      },
    }
  }

  return {
    into(sink) {
      waitForReaders(true)
      return tapped(sink)
    },

    subscribe(options) {
      const readers = options.uncommitted ? uncommitted : committed
      const reader = subscription<TappedEpoch>(queueLimit, () => {
        readers.delete(reader)
      })
      reader.waitForReader(waits)
      readers.add(reader)
      if (ended) reader.end()
      return reader.items
    },

    release: () => waitForReaders(false),

    end(error) {
      ended = true
      for (const reader of [...committed, ...uncommitted]) reader.end(error)
    },
  }
}
