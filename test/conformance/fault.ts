import type { DataFrame } from '../../src/dataframe/data-frame.ts'
import { col, udf } from '../../src/functions.ts'

/** A failure in user code that a case asks for. */
export interface Fault {
  readonly column: string | undefined
  arm(): void
  disarm(): void
  /** Throws the first time it is armed and sees the value. */
  check(value: unknown): void
  /** Throws while it is armed, if it strikes at every call. */
  strike(): void
}

/** Reads `first time value = 4 is seen`; without text the fault never strikes. */
export function faultOf(when: string | undefined): Fault {
  const [, column, wanted] = /first time (\w+) = (\S+) is seen/.exec(when ?? '') ?? []
  const isEveryCall = /every call/.test(when ?? '')
  let isArmed = false
  return {
    column,
    arm() {
      isArmed = true
    },
    disarm() {
      isArmed = false
    },
    check(value) {
      if (!isArmed || String(value) !== wanted) return
      isArmed = false
      throw new Error('injected failure')
    },
    strike() {
      if (isArmed && isEveryCall) throw new Error('injected failure')
    },
  }
}

/** The frame with the fault in a user function over its column. */
export function withFault(frame: DataFrame, fault: Fault): DataFrame {
  const { column } = fault
  const type = frame.dtypes.find(([name]) => name === column)?.[1]
  if (column === undefined || type === undefined) return frame
  const identity = udf((value: unknown) => {
    fault.check(value)
    return value
  }, type)
  return frame.withColumn(column, identity(col(column)))
}
