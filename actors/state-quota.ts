import type { EpochReport } from '../src/flow/operator.ts'

/** How large the state of a query may get, over all its operators and lanes. */
export interface StateQuota {
  readonly maxRows?: number
  /** Of tables in memory and of what lies in local stores. */
  readonly maxBytes?: number
  /** `fail`: an epoch that would leave more is not committed. `warn`: it is, and told of. */
  readonly policy: 'fail' | 'warn'
}

/** A limit that the state behind an epoch exceeds. */
export interface QuotaExcess {
  readonly unit: 'rows' | 'bytes'
  /** The option that sets the limit. */
  readonly option: 'stateMaxRows' | 'stateMaxBytes'
  readonly size: number
  readonly limit: number
  /** The operator that has most, and how much. */
  readonly operator: string
  readonly share: number
}

/** The first limit that the state exceeds which all tasks report for an epoch; rows come first. */
export function quotaExcess(quota: StateQuota, report: EpochReport): QuotaExcess | undefined {
  const operators = Object.entries(report.progress ?? {})
  const excess = (
    unit: QuotaExcess['unit'],
    limit: number | undefined,
    amounts: readonly (readonly [operator: string, amount: number])[],
  ): QuotaExcess | undefined => {
    const size = amounts.reduce((sum, [, amount]) => sum + amount, 0)
    if (limit === undefined || size <= limit) return undefined
    const [operator, share] = amounts.reduce((most, each) => (each[1] > most[1] ? each : most))
    const option = unit === 'rows' ? 'stateMaxRows' : 'stateMaxBytes'
    return { unit, option, size, limit, operator, share }
  }
  return (
    excess(
      'rows',
      quota.maxRows,
      operators.map(([name, { rowsTotal = 0 }]) => [name, rowsTotal]),
    ) ??
    excess(
      'bytes',
      quota.maxBytes,
      operators.map(([name, { memoryUsedBytes = 0, storedBytes = 0 }]) => [
        name,
        memoryUsedBytes + storedBytes,
      ]),
    )
  )
}
