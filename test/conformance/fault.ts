import type { DataFrame } from '../../src/dataframe/data-frame.ts'
import { col, udf } from '../../src/functions.ts'
import type { Step } from './case.ts'

/** A failure in user code that a case asks for. */
export interface Fault {
  arm(): void
  disarm(): void
  /** Throws when it is armed and strikes here. */
  strike(place: Place): void
  /** The frame with the fault in a user function over a column, if that is its place. */
  within(frame: DataFrame): DataFrame
}

/** Where a fault may strike: a row before the plan, the function of a `process` node, the sink. */
export type Place = 'rows' | 'function' | 'sink'

/**
 * Reads where a fault strikes and when, told in words: `first time value = 4 is seen` waits for a row,
 * `every call` for none; what is said to be first strikes once.
 */
export function faultOf({ where = '', when = '' }: Pick<Step, 'where' | 'when'> = {}): Fault {
  const [, column, wanted] = /(\w+) ?(?:=|==|is) ?(\S+) is seen/.exec(when) ?? []
  const isRows = column !== undefined || /map|filter|project|source|before/.test(where)
  const own: Place = where.includes('sink') ? 'sink' : isRows ? 'rows' : 'function'
  const isOnce = /first|once/.test(when)
  let isArmed = false
  const fault: Fault = {
    arm() {
      isArmed = true
    },
    disarm() {
      isArmed = false
    },
    strike(place) {
      if (!isArmed || place !== own) return
      if (isOnce) isArmed = false
      throw new Error('injected failure')
    },
    within(frame) {
      const [name, type] =
        frame.dtypes.find(([each]) => column === undefined || each === column) ?? []
      if (own !== 'rows' || name === undefined || type === undefined || when === '') return frame
      const identity = udf((value: unknown) => {
        if (wanted === undefined || String(value) === wanted) fault.strike('rows')
        return value
      }, type)
      return frame.withColumn(name, identity(col(`\`${name}\``)))
    },
  }
  return fault
}
