import type { FileSystem } from '../../src/core/file-system.ts'
import type { DataFrame } from '../../src/dataframe/data-frame.ts'
import type { Session } from '../../src/session/session.ts'
import type { SourceUnderCrash } from './own-parts.ts'

type Rows = readonly (readonly unknown[])[]

/** How many partitions a stream in memory has. */
export const partitions = 2

/** How the names of sources of one's own begin; the number of the input follows. */
export const ownPrefix = 'input-'

/** An input of a machine. */
export interface WorldInput {
  readonly frame: DataFrame
  /** Rows arrive; with `isAgain` they did in an earlier life, which only what lives in memory has forgotten. */
  add(rows: Rows, isAgain: boolean): Promise<void>
}

/** Rows go to the partitions in turn, each arrival beginning at the first. */
export function memoryInput(session: Session, schema: string): WorldInput {
  const stream = session.memoryStream(schema, { partitions })
  return {
    frame: stream.toDF(),
    async add(rows) {
      rows.forEach((row, at) => {
        stream.addData([row], { partition: at % partitions })
      })
    },
  }
}

interface OwnInput {
  readonly own: SourceUnderCrash
  readonly index: number
  readonly format: string
  readonly files: FileSystem
}

/** A source of one's own, fed by its own hand. */
export function ownInput(
  session: Session,
  schema: string,
  { own, index, format, files }: OwnInput,
): WorldInput {
  const reader = session.readStream.format(format).name(`${ownPrefix}${index}`).schema(schema)
  const names = partitionsOf(own)
  return {
    frame: reader.options(own.options ?? {}).load(),
    async add(rows, isAgain) {
      if (isAgain) return
      // All of it begins now: whoever writes there does not care in which moment a process dies.
      const arrivals = names.map((name, at) => {
        const share = rows.filter((_, row) => row % names.length === at)
        return share.length > 0 ? own.arrive(share, name, files) : undefined
      })
      await Promise.all(arrivals)
    },
  }
}

/** The partitions of an input, as positions name them. */
export function partitionsOf(own: SourceUnderCrash | undefined): readonly string[] {
  if (own === undefined) return Array.from({ length: partitions }, (_, index) => String(index))
  return own.partitions ?? ['0']
}
