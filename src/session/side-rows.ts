import { type Batch, liveRows } from '../batch/batch.ts'
import { columnOf } from '../batch/build.ts'
import { toRows } from '../batch/edge-row.ts'
import { longType } from '../batch/schema.ts'
import { StreamError } from '../core/error.ts'
import type { WriteSpec } from '../dataframe/launch.ts'
import type { DeadLetter, LateRow } from '../dataframe/streaming-query.ts'
import type { Sink } from '../flow/connector.ts'
import type { PhysicalPlan } from '../physical/physical.ts'
import { type SideOutput, sideOutputsOf } from '../runtime/side-outputs.ts'
import type { Engine } from './engine.ts'
import { makeSink } from './formats.ts'
import type { RowTaps } from './query-rows.ts'
import { badRowsOf } from './query-sinks.ts'

/** The option that says where the rows of a side output are written. */
const pathOption = { lateRows: 'lateRowsPath', deadLetters: 'deadLetterPath' } as const

/** Where the rows of a side output are written, if anywhere. */
export function sidePath(spec: WriteSpec, name: SideOutput['name']): string | undefined {
  return spec.options[pathOption[name].toLowerCase()]
}

/**
 * Side outputs need places of their own, and dead letters need a place.
 * @throws StreamError `DEAD_LETTERS_NOWHERE`, `CONFIG_INVALID`
 */
export function checkSideOutputs(physical: PhysicalPlan, spec: WriteSpec): void {
  const isAsked = sideOutputsOf(physical).some(({ name }) => name === 'deadLetters')
  const hasLetters = isAsked || badRowsOf(spec) === 'deadLetter'
  const letters = sidePath(spec, 'deadLetters')
  if (hasLetters && letters === undefined) throw new StreamError('DEAD_LETTERS_NOWHERE', {})
  const others = [sidePath(spec, 'lateRows'), spec.options['path']]
  const twice = letters !== undefined && others.includes(letters)
  const path = twice ? letters : others[0]
  if (path === undefined || (!twice && others[0] !== others[1])) return
  throw new StreamError('CONFIG_INVALID', {
    option: twice ? pathOption.deadLetters : pathOption.lateRows,
    value: path,
    expected: 'a folder that nothing else of the query is written to',
  })
}

/** Rows of a side output go to files of JSON lines, each with its epoch, or nowhere. */
export async function makeSideSink(
  { ports, registry }: Engine,
  spec: WriteSpec,
  name: SideOutput['name'],
): Promise<Sink> {
  const path = sidePath(spec, name)
  const sink = await makeSink(registry, ports, {
    format: path === undefined ? 'noop' : 'json',
    options: path === undefined ? {} : { path },
    // Lines of JSON have the columns that each batch brings: the rows of operators differ.
    schema: [],
    mode: 'append',
    partitionBy: [],
    queryName: '',
  })
  return path === undefined ? sink : withEpochs(sink)
}

function withEpochs(sink: Sink): Sink {
  return {
    ...sink,
    write: (batch, epoch) => sink.write(withEpoch(batch, epoch), epoch),
  }
}

function withEpoch(batch: Batch, epoch: number): Batch {
  const epochs = new Array<bigint>(batch.rowCount).fill(BigInt(epoch))
  return {
    ...batch,
    schema: [{ name: 'epoch', type: longType, nullable: false }, ...batch.schema],
    columns: [columnOf(longType, epochs), ...batch.columns],
  }
}

/** The late rows of each committed epoch, from now on. */
export async function* lateRowsOf({ late, edge }: RowTaps): AsyncGenerator<LateRow> {
  for await (const { epoch, batches } of late.subscribe({ uncommitted: false })) {
    for (const batch of batches) {
      // The columns are those of `withLateRows`.
      for (const row of toRows(batch, edge)) yield { epoch, ...row } as unknown as LateRow
    }
  }
}

/** The dead letters of each committed epoch, from now on. */
export async function* deadLettersOf({ dead, edge }: RowTaps): AsyncGenerator<DeadLetter> {
  for await (const { epoch, batches } of dead.subscribe({ uncommitted: false })) {
    for (const batch of batches) {
      if (liveRows(batch) === 0) continue
      // The columns are those of `letterBatch`.
      for (const row of toRows(batch, edge)) yield { epoch, ...row } as unknown as DeadLetter
    }
  }
}
