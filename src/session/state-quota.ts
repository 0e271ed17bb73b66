import type { StateQuota } from '../../actors/state-quota.ts'
import { readConfig, type SessionConfig } from './config.ts'

/** Options of `writeStream` that limit the state of the one query; the session's are for all. */
export const quotaOptions = ['statemaxrows', 'statemaxbytes', 'statequotapolicy']

/**
 * How large the state of a query may get; `undefined` = as large as it does.
 * @throws StreamError `CONFIG_INVALID`
 */
export function stateQuotaOf(
  session: SessionConfig,
  options: Readonly<Record<string, string>>,
): StateQuota | undefined {
  const given = Object.entries(options).filter(([name]) => quotaOptions.includes(name))
  const own = readConfig(new Map(given))
  const maxRows = own.stateMaxRows ?? session.stateMaxRows
  const maxBytes = own.stateMaxBytes ?? session.stateMaxBytes
  if (maxRows === undefined && maxBytes === undefined) return undefined
  const isOwnPolicy = given.some(([name]) => name === 'statequotapolicy')
  return {
    ...(maxRows === undefined ? {} : { maxRows }),
    ...(maxBytes === undefined ? {} : { maxBytes }),
    policy: isOwnPolicy ? own.stateQuotaPolicy : session.stateQuotaPolicy,
  }
}
