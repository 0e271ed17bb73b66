import type { Batch } from '../../batch/batch.ts'
import { type EdgeRow, toRows } from '../../batch/edge-row.ts'
import { reasonOf, StreamError } from '../../core/error.ts'
import type { Epoch } from '../../core/units.ts'
import type { Sink } from '../../flow/connector.ts'
import { type BadRow, rowLetters } from '../../flow/dead-letters.ts'
import type { SinkContext, SinkFactory } from '../registry.ts'

/**
 * What `foreach` calls, epoch by epoch: `open`, then `process` for every row, then `close`, with what
 * went wrong if anything did. `open` that answers `false` passes over the rows.
 */
export interface ForeachTarget {
  open?(partitionId: number, epochId: number): boolean | Promise<boolean>
  process(row: EdgeRow): void | Promise<void>
  close?(error: unknown): void | Promise<void>
}

/**
 * Hands every row to user code as it comes: at least once. A row that `process` throws for ends the query,
 * or is left out and the others go on.
 */
export const foreachSink: SinkFactory = {
  format: 'foreach',
  options: [],
  modes: ['append', 'update', 'complete'],
  async create(context) {
    if (isTarget(context.handle)) return sinkOf(context.handle, context)
    throw new StreamError('CONFIG_INVALID', {
      option: 'foreach',
      value: 'left out',
      expected: 'an object with a function process(row)',
    })
  },
}

function sinkOf(target: ForeachTarget, context: SinkContext): Sink {
  let opened: { readonly epoch: Epoch; readonly wantsRows: boolean } | undefined

  const open = async (epoch: Epoch): Promise<boolean> => {
    if (opened?.epoch !== epoch) {
      await close('a new epoch began')
      const answer = await calling('foreach.open', () => target.open?.(0, epoch))
      opened = { epoch, wantsRows: answer !== false }
    }
    return opened.wantsRows
  }

  /** Ends an epoch that does not come to its own end. */
  const close = async (why: string): Promise<void> => {
    if (opened === undefined) return
    opened = undefined
    const error = new StreamError('QUERY_STOPPED', { name: context.queryName, why })
    await calling('foreach.close', () => target.close?.(error))
  }

  const { badRows } = context
  let rejected: Batch | undefined

  const process = async (batch: Batch): Promise<void> => {
    const rows = toRows(batch, context.edge)
    const bad: BadRow[] = []
    for (let at = 0; at < rows.length; at++) {
      try {
        const wait = target.process(rows[at] as EdgeRow)
        // Awaiting nothing would cost more than most functions do.
        if (wait !== undefined) await wait
      } catch (cause) {
        if (badRows === undefined) return ended(cause)
        bad.push({ row: batch.selection?.[at] ?? at, cause: failed('foreach.process', cause) })
      }
    }
    rejected = bad.length === 0 ? undefined : rowLetters('sink(foreach)', batch, batch.schema, bad)
  }

  const ended = async (cause: unknown): Promise<never> => {
    opened = undefined
    // What `close` throws on top must not hide the first error.
    await calling('foreach.close', () => target.close?.(cause)).catch(() => undefined)
    throw failed('foreach.process', cause)
  }

  return {
    description: 'foreach',
    kind: context.immediate === true ? 'immediate' : 'bestEffort',
    open: async () => undefined,
    async write(batch, epoch) {
      if (await open(epoch)) await process(batch)
    },
    async prepare(epoch) {
      // As in Spark, an epoch without rows is opened and closed too.
      await open(epoch)
      opened = undefined
      await calling('foreach.close', () => target.close?.(undefined))
      return null
    },
    commit: async () => undefined,
    abort: (epoch) => close(`epoch ${epoch} is run again`),
    close: () => close('the query ended within an epoch'),
    ...(badRows === undefined ? {} : { badRows }),
    takeRejected() {
      const taken = rejected
      rejected = undefined
      return taken
    },
  }
}

async function calling<T>(name: string, call: () => T): Promise<Awaited<T>> {
  try {
    return await call()
  } catch (cause) {
    throw failed(name, cause)
  }
}

function failed(name: string, cause: unknown): StreamError<'USER_FUNCTION_FAILED'> {
  return new StreamError('USER_FUNCTION_FAILED', { name, why: reasonOf(cause) }, { cause })
}

function isTarget(handle: object | undefined): handle is ForeachTarget {
  return handle !== undefined && 'process' in handle && typeof handle.process === 'function'
}
