import { StreamError } from '../../core/error.ts'
import { partitionName } from './offsets-json.ts'
import {
  type Api,
  type BrokerVersions,
  commonVersion,
  decodeResponse,
  encodeRequest,
  versionOf,
} from './protocol/api.ts'
import {
  apiVersionsApi,
  type BrokerAddress,
  coordinatorOf,
  findCoordinatorApi,
  type MetadataResponse,
  metadataApi,
} from './protocol/cluster-api.ts'
import { noUuid } from './protocol/codec.ts'
import { WireFault } from './protocol/wire-fault.ts'
import { kafkaError, type TopicPartition } from './transaction-requests.ts'
import type { BrokerLink, HostPort, KafkaTransport } from './transport.ts'

/** Who leads a partition. */
export interface Leader {
  readonly node: number
  readonly leaderEpoch: number
}

/** What a coordinator is asked for. */
export interface CoordinatorKey {
  readonly type: keyof typeof coordinatorOf
  readonly key: string
}

/** What a cluster has agreed upon. */
export interface ClusterFeatures {
  /** Transactions begin with their first record or offset, and every one has an epoch of its own (KIP-890). */
  readonly hasSecondTransactions: boolean
}

/** The brokers of one cluster: who is to be asked, and in which words. Nothing is repeated here. */
export interface KafkaCluster {
  /**
   * The topics as they are now; `undefined` = all of them.
   * @throws StreamError `KAFKA_UNREACHABLE` when none of the brokers answers
   */
  metadata(topics: readonly string[] | undefined): Promise<MetadataResponse>
  /** Who leads the partition, as far as is known; `undefined` if nobody does. */
  leader(of: TopicPartition): Promise<Leader | undefined>
  /** The leader is another one, or is away: it is looked up anew when it is asked for again. */
  forgetLeader(of: TopicPartition): void
  /** The answer with a code in place of the broker while there is none. */
  coordinator(of: CoordinatorKey): Promise<{ readonly error: number; readonly node: number }>
  forgetCoordinator(of: CoordinatorKey): void
  features(): Promise<ClusterFeatures>
  /**
   * Asks a broker; `maxVersion` is for whoever may not use the newest one.
   * @throws StreamError as `BrokerLink.request`, and `KAFKA_ANSWER_INVALID`
   */
  ask<Request, Response>(
    node: number,
    api: Api<Request, Response>,
    request: Request,
    maxVersion?: number,
  ): Promise<Response>
  close(): Promise<void>
}

interface Cluster {
  readonly transport: KafkaTransport
  readonly bootstrap: readonly HostPort[]
  /** By number of the node. */
  readonly nodes: Map<number, BrokerLink>
  readonly leaders: Map<string, Leader>
  readonly coordinators: Map<string, number>
  /** The one that was asked last without a node in mind. */
  any: BrokerLink | undefined
  features: ClusterFeatures | undefined
}

/** The cluster that these brokers belong to. Nothing is connected before something is asked. */
export function kafkaCluster(
  transport: KafkaTransport,
  bootstrap: readonly HostPort[],
): KafkaCluster {
  const own: Cluster = {
    transport,
    bootstrap,
    nodes: new Map(),
    leaders: new Map(),
    coordinators: new Map(),
    any: undefined,
    features: undefined,
  }
  return {
    metadata: (topics) => metadata(own, topics),
    leader: (of) => leader(own, of),
    forgetLeader: (of) => void own.leaders.delete(partitionName(of)),
    coordinator: (of) => coordinator(own, of),
    forgetCoordinator: ({ type, key }) => void own.coordinators.delete(`${type} ${key}`),
    features: () => features(own),
    async ask(node, api, request, maxVersion) {
      const link = own.nodes.get(node) ?? (await linkTo(own, node))
      return askOver(link, api, request, maxVersion)
    },
    close: () => transport.close(),
  }
}

async function metadata(
  own: Cluster,
  topics: readonly string[] | undefined,
): Promise<MetadataResponse> {
  const found = await askAny(own, metadataApi, {
    topics: topics?.map((name) => ({ id: noUuid, name })),
    mayCreate: false,
    wantsClusterRights: false,
    wantsTopicRights: false,
  })
  for (const broker of found.brokers) know(own, broker)
  for (const { name = '', partitions } of found.topics) {
    for (const { partition, leader: node, leaderEpoch } of partitions) {
      const of = partitionName({ topic: name, partition })
      if (node >= 0) own.leaders.set(of, { node, leaderEpoch })
      else own.leaders.delete(of)
    }
  }
  return found
}

async function leader(own: Cluster, of: TopicPartition): Promise<Leader | undefined> {
  const known = own.leaders.get(partitionName(of))
  if (known !== undefined) return known
  await metadata(own, [of.topic])
  return own.leaders.get(partitionName(of))
}

async function coordinator(
  own: Cluster,
  { type, key }: CoordinatorKey,
): Promise<{ readonly error: number; readonly node: number }> {
  const name = `${type} ${key}`
  const known = own.coordinators.get(name)
  if (known !== undefined) return { error: kafkaError.none, node: known }
  const found = await askAny(own, findCoordinatorApi, { key, type: coordinatorOf[type] })
  if (found.error !== kafkaError.none) return { error: found.error, node: -1 }
  know(own, found)
  own.coordinators.set(name, found.node)
  return { error: kafkaError.none, node: found.node }
}

async function features(own: Cluster): Promise<ClusterFeatures> {
  if (own.features !== undefined) return own.features
  const { finalizedFeatures } = await askAny(own, apiVersionsApi, {
    softwareName: 'millrace',
    softwareVersion: '0',
  })
  const transactions = finalizedFeatures.find(({ name }) => name === 'transaction.version')
  own.features = { hasSecondTransactions: (transactions?.newest ?? 0) >= 2 }
  return own.features
}

/** Asks the broker that answered last, and if it does not, one after the other. */
async function askAny<Request, Response>(
  own: Cluster,
  api: Api<Request, Response>,
  request: Request,
): Promise<Response> {
  const known = [...own.nodes.values()]
  const links = [
    ...(own.any === undefined ? [] : [own.any]),
    ...known.filter((link) => link !== own.any),
    ...own.bootstrap.map((address) => own.transport.link(address)),
  ]
  let failure: unknown
  for (const link of links) {
    try {
      const answer = await askOver(link, api, request)
      own.any = link
      return answer
    } catch (thrown) {
      failure ??= thrown
      if (own.any === link) own.any = undefined
    }
  }
  throw failure
}

async function linkTo(own: Cluster, node: number): Promise<BrokerLink> {
  await metadata(own, [])
  const link = own.nodes.get(node)
  if (link !== undefined) return link
  throw new StreamError('KAFKA_UNREACHABLE', {
    address: `broker ${node}`,
    step: 'lookup',
    why: 'the cluster does not name it',
  })
}

/** A broker may come back under another address. */
function know(own: Cluster, { node, host, port }: BrokerAddress): void {
  if (node < 0) return
  const before = own.nodes.get(node)?.address
  if (before?.host === host && before.port === port) return
  own.nodes.set(node, own.transport.link({ host, port }))
}

async function askOver<Request, Response>(
  link: BrokerLink,
  api: Api<Request, Response>,
  request: Request,
  maxVersion = Number.POSITIVE_INFINITY,
): Promise<Response> {
  const { host, port } = link.address
  const broker = (await link.versions()).get(api.key)
  const version = commonVersion(api, atMost(broker, maxVersion))
  if (version === undefined) {
    throw new StreamError('KAFKA_VERSION_UNSUPPORTED', {
      address: `${host}:${port}`,
      request: api.name,
      wanted: api.versions.join(' to '),
      found: broker === undefined ? 'none' : `${broker.oldest} to ${broker.newest}`,
    })
  }
  const { isFlexible } = versionOf(api, version)
  const body = encodeRequest(api, version, request)
  const answer = await link.request({ name: api.name, key: api.key, version, isFlexible, body })
  try {
    return decodeResponse(api, version, answer)
  } catch (thrown) {
    if (!(thrown instanceof WireFault)) throw thrown
    throw new StreamError('KAFKA_ANSWER_INVALID', {
      address: `${host}:${port}`,
      request: api.name,
      what: thrown.message,
    })
  }
}

function atMost(
  broker: BrokerVersions | undefined,
  maxVersion: number,
): BrokerVersions | undefined {
  return broker && { ...broker, newest: Math.min(broker.newest, maxVersion) }
}
