import { equalValues } from '../../src/batch/compare.ts'
import { eventTimeColumns } from '../../src/plan/event-time.ts'
import { type Deduplicate, schemaOf } from '../../src/plan/logical.ts'
import { heldBackBy, watermarkDelay } from './join-time.ts'
import type { Evaluate, Row } from './oracle-node.ts'

/** Rules D1 and D2: late rows go first, then every row but the first of its key while that is remembered. */
export function deduplicateNode(
  plan: Deduplicate,
  input: Evaluate,
  late: (row: Row) => void,
): Evaluate {
  const schema = schemaOf(plan.input)
  const times = eventTimeColumns(plan.input)
  const time = plan.within?.time ?? times.find(({ index }) => plan.keys.includes(index))
  const delay = plan.within?.delayMicros ?? 0
  let remembered: { readonly row: Row; readonly until: number }[] = []

  const timeOf = (row: Row): number | undefined => {
    const value = time === undefined ? null : (row[time.index] ?? null)
    if (value === null) return undefined
    return time?.kind === 'window' ? ((value as Row)[1] as number) : (value as number)
  }
  const same = (left: Row, right: Row): boolean =>
    plan.keys.every((index) => {
      const field = schema[index]
      return (
        field !== undefined && equalValues(field.type, left[index] ?? null, right[index] ?? null)
      )
    })

  const held = watermarkDelay(plan.input)
  return (given, rows) => {
    const header = heldBackBy(held, given)
    const output: Row[] = []
    for (const row of input(given, rows)) {
      const at = timeOf(row)
      if (at !== undefined && at <= header.lateWatermark) late(row)
      else if (!remembered.some((each) => same(each.row, row))) {
        output.push(row)
        remembered.push({ row, until: at === undefined ? Number.POSITIVE_INFINITY : at + delay })
      }
    }
    remembered = remembered.filter(({ until }) => until > header.evictWatermark)
    return output
  }
}
