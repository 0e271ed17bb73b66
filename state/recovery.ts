import { unreachable } from '../src/core/error.ts'
import type { Json } from '../src/core/json.ts'
import { type Epoch, initialEpoch, nextEpoch } from '../src/core/units.ts'
import { corrupt } from './corrupt.ts'
import type { LogEntry, Manifest } from './manifest.ts'

/**
 * Which checkpoint an authoritative sink says it committed last; `'none'`: it has no word of any. It commits the
 * initial checkpoint before anything is decided, so later on `'none'` means that its word was lost.
 */
export type Authoritative =
  | { readonly epoch: Epoch; readonly snapshotId: string }
  | 'none'
  | undefined

/** An epoch whose header was decided. */
export interface Decided {
  readonly epoch: Epoch
  readonly header: Json
}

/** What has to be done before new epochs are decided, in this order. */
export interface RecoveryPlan {
  /** Published first: manifests newer than this never stood, if there are any. */
  readonly voids: Extract<LogEntry, { type: 'void' }> | undefined
  /** The checkpoint that stands; `undefined` on a first start. */
  readonly manifest: Manifest | undefined
  /**
   * Every sink that can commit twice does so with what the manifest holds; anything prepared for
   * later epochs is aborted. `undefined` when no epoch was committed yet.
   */
  readonly commitAgain:
    | {
        readonly epoch: Epoch
        readonly snapshotId: string
        readonly committables: Readonly<Record<string, Json>>
        /** The log does not yet say that all sinks have it. */
        readonly noteMissing: boolean
      }
    | undefined
  /** These epochs run again with these headers, in this order. */
  readonly runAgain: readonly Decided[]
}

/**
 * What to do after a restart, from the log and, if there is an authoritative sink, its word.
 *
 * @throws StreamError `CHECKPOINT_CORRUPT` for every history that this engine cannot have written.
 */
export function planRecovery(
  entries: readonly LogEntry[],
  authoritative?: Authoritative,
): RecoveryPlan {
  const history = replay(entries)
  const newest = history.standing.at(-1)
  const manifest = standingManifest(history, authoritative)
  if (manifest === undefined) {
    if (history.decided.length > 0) throw damaged('epochs were decided before the first checkpoint')
    return { voids: undefined, manifest: undefined, commitAgain: undefined, runAgain: [] }
  }
  const { epoch, snapshotId, committables } = manifest
  return {
    voids: manifest === newest ? undefined : { type: 'void', epoch, snapshotId },
    manifest,
    commitAgain:
      epoch === initialEpoch
        ? undefined
        : { epoch, snapshotId, committables, noteMissing: history.committed !== snapshotId },
    runAgain: history.decided.filter((decision) => decision.epoch > epoch),
  }
}

interface History {
  /** Manifests not voided, oldest first; each is the parent of the next. */
  readonly standing: Manifest[]
  readonly decided: Decided[]
  /** The snapshotId of the last committed note. */
  committed: string | undefined
  committedEpoch: Epoch | undefined
}

/** Walks the log and checks that every entry may follow the ones before. Its beginning may be pruned. */
function replay(entries: readonly LogEntry[]): History {
  const history: History = {
    standing: [],
    decided: [],
    committed: undefined,
    committedEpoch: undefined,
  }
  for (const entry of entries) {
    switch (entry.type) {
      case 'attempt':
        break
      case 'decision':
        addDecision(history, entry)
        break
      case 'manifest':
        addManifest(history, entry.manifest)
        break
      case 'committed':
        addCommitted(history, entry)
        break
      case 'void':
        addVoid(history, entry)
        break
      default:
        return unreachable(entry)
    }
  }
  return history
}

function addDecision(history: History, { epoch, header }: Decided): void {
  const before = history.decided.at(-1)
  const expected = before === undefined ? undefined : nextEpoch(before.epoch)
  if (expected !== undefined && epoch !== expected) {
    throw damaged(`epoch ${epoch} was decided where ${expected} is next`)
  }
  const newest = history.standing.at(-1)
  if (newest !== undefined && epoch <= newest.epoch) {
    throw damaged(`epoch ${epoch} was decided after its checkpoint`)
  }
  history.decided.push({ epoch, header })
}

function addManifest(history: History, manifest: Manifest): void {
  const { epoch, parentSnapshotId } = manifest
  const parent = history.standing.at(-1)
  // The first manifest that is left may have a parent that was pruned.
  if (parent !== undefined) {
    if (epoch !== nextEpoch(parent.epoch) || parentSnapshotId !== parent.snapshotId) {
      throw damaged(`the checkpoint of epoch ${epoch} does not follow that of ${parent.epoch}`)
    }
    // Decisions follow each other. Those before the first one that is left were pruned: it may stand ahead of
    // the checkpoints of epochs that were decided before it.
    const [first] = history.decided
    const last = history.decided.at(-1)
    const isPruned = first !== undefined && epoch < first.epoch
    if (!isPruned && (last === undefined || epoch > last.epoch)) {
      throw damaged(`the checkpoint of epoch ${epoch} has no decision`)
    }
  } else if ((epoch === initialEpoch) !== (parentSnapshotId === undefined)) {
    throw damaged(`the checkpoint of epoch ${epoch} is not a first one`)
  }
  history.standing.push(manifest)
}

function addCommitted(
  history: History,
  { epoch, snapshotId }: Extract<LogEntry, { type: 'committed' }>,
): void {
  const oldest = history.standing[0]
  // Its manifest was pruned.
  if (oldest === undefined || epoch < oldest.epoch) return
  if (!history.standing.some((manifest) => manifest.snapshotId === snapshotId)) {
    throw damaged(`epoch ${epoch} was committed with an unknown checkpoint ${snapshotId}`)
  }
  if (history.committedEpoch !== undefined && epoch < history.committedEpoch) {
    throw damaged(`epoch ${epoch} was committed after epoch ${history.committedEpoch}`)
  }
  history.committed = snapshotId
  history.committedEpoch = epoch
}

function addVoid(
  history: History,
  { epoch, snapshotId }: Extract<LogEntry, { type: 'void' }>,
): void {
  const index = history.standing.findIndex((manifest) => manifest.snapshotId === snapshotId)
  if (index < 0) {
    const oldest = history.standing[0]
    if (oldest !== undefined && epoch >= oldest.epoch) {
      throw damaged(`the checkpoint ${snapshotId} to go back to is unknown`)
    }
    // It was pruned, as a newer one stands; whatever is left from before it never did.
    history.standing.splice(0)
    return
  }
  if (history.committedEpoch !== undefined && epoch < history.committedEpoch) {
    throw damaged(`committed epoch ${history.committedEpoch} was taken back`)
  }
  history.standing.splice(index + 1)
}

function standingManifest(history: History, authoritative: Authoritative): Manifest | undefined {
  const newest = history.standing.at(-1)
  if (authoritative === undefined) return newest
  if (authoritative === 'none') return withoutWord(history, newest)
  const named = history.standing.find(({ snapshotId }) => snapshotId === authoritative.snapshotId)
  const said = `checkpoint ${authoritative.snapshotId}`
  if (named === undefined) {
    throw damaged(`the sink says that it committed ${said}, which the log does not know`)
  }
  if (history.committedEpoch !== undefined && named.epoch < history.committedEpoch) {
    throw damaged(`the sink committed ${said}, but epoch ${history.committedEpoch} was noted`)
  }
  // The manifest of N+1 is published only after the sink committed N.
  if (newest !== undefined && newest.epoch - named.epoch > 1) {
    throw damaged(`the sink committed ${said}, but epoch ${newest.epoch} was published`)
  }
  return named
}

/** The newest checkpoint, if it is known to be committed without asking the sink. */
function withoutWord({ committed }: History, newest: Manifest | undefined): Manifest | undefined {
  // It is the first start, or one that was cut short.
  if (newest === undefined || newest.epoch === initialEpoch) return newest
  // What a sink keeps may expire while the query is stopped.
  if (newest.snapshotId === committed) return newest
  throw damaged(
    `the sink does not know what it committed, and nothing says that it has epoch ${newest.epoch}`,
  )
}

function damaged(what: string): ReturnType<typeof corrupt> {
  return corrupt('log', what)
}
