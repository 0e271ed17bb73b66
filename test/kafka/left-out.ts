import { missingForBrokers } from './real-brokers.ts'

/** Whether tests with real brokers are left out here, which is said; where everything is there by promise it is an error. */
export function leaveOutWithoutBrokers(what: string): boolean {
  const missing = missingForBrokers()
  if (missing === undefined) return false
  if (process.env['CI'] === 'true') throw new Error(missing)
  process.stdout.write(`${what}, with real brokers of Kafka: left out, ${missing}\n`)
  return true
}
