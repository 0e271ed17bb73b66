import { batchOf } from '../../src/batch/build.ts'
import type { Value } from '../../src/batch/value.ts'
import { encodeJson } from '../../src/connectors/encode-json.ts'
import { inputsOf, isStreaming, type LogicalPlan } from '../../src/plan/logical.ts'
import { sessionKeyOf } from '../../src/plan/session-columns.ts'
import type { LateRow } from '../oracles/oracle-node.ts'
import { mustBeSameRows } from './same-rows.ts'

type Row = readonly Value[]

/**
 * Every late row is delivered once, by the name of the step it came too late for, with the epoch and the
 * watermark that decided that.
 * @throws Error with the rows that differ
 */
export function mustBeLateRows(
  plan: LogicalPlan,
  lines: readonly string[],
  expected: readonly LateRow[],
): void {
  const names = stepNames(plan)
  const delivered = expected.filter(({ plan: step }) => delivers(step))
  const wanted = delivered.map(({ epoch, plan: step, side, watermark, row, schema }) => {
    const batch = batchOf(schema, [row])
    const text = new TextDecoder().decode(encodeJson(batch, [0]))
    return [epoch, names.get(step) ?? '', side ?? null, watermark, jsonValue(JSON.parse(text))]
  })
  const found = lines.map((line): Row => {
    const { epoch, operator, input = null, watermark, row } = JSON.parse(line)
    return [epoch, operator, input, Date.parse(watermark) * 1000, jsonValue(row)]
  })
  mustBeSameRows('the late rows', found, wanted)
}

/** Whether some watermark below a step wants its late rows handed out. */
function delivers(step: LogicalPlan): boolean {
  if (step.kind === 'watermark' && step.rules.late === 'output') return true
  return inputsOf(step).some(delivers)
}

/** What JSON says, as values that are compared with a tolerance for sums. */
function jsonValue(json: unknown): Value {
  if (Array.isArray(json)) return json.map(jsonValue)
  if (typeof json !== 'object' || json === null) return json as Value
  return Object.entries(json).map(([key, value]) => [key, jsonValue(value)])
}

/** The names of the steps that drop late rows: by kind, counted from the result down and from the left. */
function stepNames(plan: LogicalPlan): ReadonlyMap<LogicalPlan, string> {
  const names = new Map<LogicalPlan, string>()
  const counts = new Map<string, number>()
  const visit = (node: LogicalPlan): void => {
    const kind = kindOf(node)
    if (kind !== undefined) {
      const count = counts.get(kind) ?? 0
      counts.set(kind, count + 1)
      names.set(node, `${kind}-${count}`)
    }
    for (const input of inputsOf(node)) visit(input)
  }
  visit(plan)
  return names
}

function kindOf(node: LogicalPlan): string | undefined {
  switch (node.kind) {
    case 'aggregate':
      return sessionKeyOf(node) === undefined ? 'aggregate' : 'session'
    case 'join':
      return isStreaming(node.left) && isStreaming(node.right) ? 'join' : undefined
    case 'asofJoin':
      return 'asof'
    case 'deduplicate':
    case 'process':
    case 'topN':
      return node.kind
    default:
      return undefined
  }
}
