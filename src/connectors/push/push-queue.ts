import type { Value } from '../../batch/value.ts'
import type { Clock } from '../../core/clock.ts'
import { type RememberedIds, rememberedIds } from './remembered-ids.ts'
import { type AcceptedRows, type UnreadRows, unreadRows } from './unread-rows.ts'

/** The rows of one push. */
export interface PushedRows {
  readonly id: string | undefined
  readonly rows: readonly (readonly Value[])[]
  /** About the memory they take. */
  readonly byteLength: number
}

/** Where accepted rows go while a query reads them. */
export interface Intake {
  /** Takes rows in, durably if it can, and says the number after the last of each group. */
  accept(groups: readonly PushedRows[]): Promise<readonly number[]>
  /** Ids accepted in earlier runs. */
  readonly ids: ReadonlyMap<string, number>
  /** Groups accepted in earlier runs that the query may have yet to read. */
  readonly unread: readonly AcceptedRows[]
  /** Another place has other rows under the same numbers. */
  readonly place: string
}

interface Waiting extends PushedRows {
  readonly resolve: (end: number) => void
  readonly reject: (error: unknown) => void
}

/** Pushes in their order, until there is an intake and room in it. */
export interface PushQueue {
  readonly size: number
  readonly ids: RememberedIds
  readonly isAttached: boolean
  /** Resolves with the number after the last row once the rows are accepted. */
  enqueue(pushed: PushedRows): Promise<number>
  attach(intake: Intake): void
  /** Resolves when nothing is being written. */
  detach(): Promise<void>
  consumed(row: number): void
  refuse(error: unknown): void
}

export function pushQueue(options: {
  readonly clock: Clock
  readonly bufferBytes: number
  readonly rememberIds: number
}): PushQueue {
  const { clock, bufferBytes } = options
  const ids = rememberedIds(options.rememberIds)
  let queue: Waiting[] = []
  let unread = unreadRows([])
  let intake: Intake | undefined
  let writing: Promise<void> | undefined

  const write = async (to: Intake, group: readonly Waiting[]): Promise<void> => {
    try {
      const ends = await to.accept(group)
      const accepted = group.map(({ byteLength }, index) => ({ end: ends[index] ?? 0, byteLength }))
      unread.add(accepted)
      for (const [index, { id, resolve }] of group.entries()) {
        const end = accepted[index]?.end ?? 0
        ids.add(id, end)
        resolve(end)
      }
    } catch (thrown) {
      for (const each of group) each.reject(thrown)
    }
  }

  const writeAll = async (): Promise<void> => {
    while (queue.length > 0) {
      // Pushes of the same turn of the event loop share one fsync.
      await clock.yield()
      if (intake === undefined) return
      const group = takeGroup(queue, { ids, unread, bufferBytes })
      if (group.length === 0) return
      await write(intake, group)
    }
  }

  const startWriting = (): void => {
    if (writing !== undefined || intake === undefined || queue.length === 0) return
    writing = writeAll().finally(() => {
      writing = undefined
      // A push, room or an intake may have come after the loop looked for the last time.
      if (hasRoom(unread.bytes, queue[0], bufferBytes)) startWriting()
    })
  }

  return {
    ids,
    get size() {
      return queue.length
    },
    get isAttached() {
      return intake !== undefined
    },
    enqueue: (pushed) =>
      new Promise((resolve, reject) => {
        queue.push({ ...pushed, resolve, reject })
        startWriting()
      }),
    attach(to) {
      intake = to
      for (const [id, end] of to.ids) ids.add(id, end)
      unread = unreadRows(to.unread)
      startWriting()
    },
    async detach() {
      intake = undefined
      await writing
    },
    consumed(row) {
      if (unread.consumed(row)) startWriting()
    },
    refuse(error) {
      const refused = queue
      queue = []
      for (const each of refused) each.reject(error)
    },
  }
}

/** Takes the next pushes that there is room for; repeated ones are answered at once. */
function takeGroup(
  queue: Waiting[],
  {
    ids,
    unread,
    bufferBytes,
  }: {
    readonly ids: RememberedIds
    readonly unread: UnreadRows
    readonly bufferBytes: number
  },
): readonly Waiting[] {
  const group: Waiting[] = []
  const names = new Set<string>()
  let bytes = unread.bytes
  for (let next = queue[0]; next !== undefined; next = queue[0]) {
    const known = next.id === undefined ? undefined : ids.all.get(next.id)
    if (known === undefined && !hasRoom(bytes, next, bufferBytes)) break
    // The second of two pushes with one id is answered when the first is accepted.
    if (next.id !== undefined && names.has(next.id)) break
    queue.shift()
    if (known !== undefined) {
      next.resolve(known)
      continue
    }
    group.push(next)
    if (next.id !== undefined) names.add(next.id)
    bytes += next.byteLength
  }
  return group
}

/** A single push that is larger than the buffer goes alone. */
function hasRoom(bytes: number, next: Waiting | undefined, bufferBytes: number): boolean {
  return next !== undefined && (bytes === 0 || bytes + next.byteLength <= bufferBytes)
}
