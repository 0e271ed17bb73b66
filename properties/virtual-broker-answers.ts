import { decodeRequest, encodeResponse } from '../src/connectors/kafka/protocol/api.ts'
import { produceApi } from '../src/connectors/kafka/protocol/data-api.ts'
import {
  describeProducersApi,
  endTxnApi,
  offsetFetchApi,
  secondTransactions,
  txnOffsetCommitApi,
} from '../src/connectors/kafka/protocol/transaction-api.ts'
import type { WireRequest } from '../src/connectors/kafka/transport.ts'
import { clusterAnswers, dataAnswers } from './virtual-broker-data.ts'
import { groupAnswers } from './virtual-broker-groups.ts'
import type { AnyAnswer } from './virtual-broker-meeting.ts'
import type { BrokerState } from './virtual-broker-state.ts'
import { transactionAnswers } from './virtual-broker-transactions.ts'

/** A request that was read, and what it does when it arrives. */
export interface Arrival {
  /** Its name and what it is about. */
  readonly name: string
  /** Changes nothing. */
  readonly isQuestion: boolean
  /** The body of the answer. */
  readonly effect: (state: BrokerState, isAway: boolean) => Uint8Array
}

const questions: ReadonlySet<AnyAnswer> = new Set([
  ...clusterAnswers,
  ...dataAnswers.filter(({ api }) => api.key !== produceApi.key),
  ...transactionAnswers.filter(
    ({ api }) => api.key === offsetFetchApi.key || api.key === describeProducersApi.key,
  ),
])

const answers: ReadonlyMap<number, AnyAnswer> = new Map(
  [...clusterAnswers, ...dataAnswers, ...transactionAnswers, ...groupAnswers].map((each) => [
    each.api.key,
    each,
  ]),
)

/** The versions that these brokers have: those of the second kind of transactions only with it. */
export function versionsOf({
  transactionVersion,
}: BrokerState): ReadonlyMap<number, { readonly oldest: number; readonly newest: number }> {
  const old = new Map<number, number>([
    [produceApi.key, secondTransactions.produce - 1],
    [txnOffsetCommitApi.key, secondTransactions.txnOffsetCommit - 1],
    [endTxnApi.key, secondTransactions.endTxn - 1],
  ])
  return new Map(
    [...answers.values()].map(({ api: { key, versions } }) => {
      const newest = transactionVersion === 1 ? (old.get(key) ?? versions[1]) : versions[1]
      return [key, { oldest: 0, newest }]
    }),
  )
}

/** Reads a request that was sent to a broker. */
export function arrivalOf(node: number, { name, key, version, body }: WireRequest): Arrival {
  const found = answers.get(key)
  if (found === undefined) throw new TypeError(`no broker answers ${name}`)
  const request = decodeRequest(found.api, version, body)
  const about = found.about(request)
  return {
    name: about === '' ? name : `${name} ${about}`,
    isQuestion: questions.has(found),
    effect: (state, isAway) =>
      encodeResponse(found.api, version, found.effect(request, { state, node, version, isAway })),
  }
}
