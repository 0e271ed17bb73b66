import type { DataType, Schema } from '../../batch/schema.ts'
import type { StatefulProgram, TimeMode } from '../../flow/stateful-processor.ts'
import type { Declarations } from './state-shape.ts'

/** Custom state per key; plain data but for the program of the user. Columns are numbers of the input. */
export interface ProcessSpec {
  readonly operator: string
  /** Which of Spark's two interfaces the program was written for. */
  readonly style: 'processor' | 'groupState'
  readonly program: StatefulProgram
  readonly declarations: Declarations
  readonly keys: readonly {
    readonly column: number
    readonly name: string
    readonly type: DataType
  }[]
  /** The columns that the program is shown: the first ones of the input. */
  readonly row: Schema
  readonly output: Schema
  readonly timeMode: TimeMode
  /** The event time of input rows, for the time mode `eventTime`. */
  readonly timeColumn?: number
  /** The column of the output that must be after the watermark. */
  readonly outputTime?: number
  /** How far this operator is behind the watermark of the query. */
  readonly watermarkShift: number
}
