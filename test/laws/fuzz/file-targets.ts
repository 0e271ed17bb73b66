import { compareBytes } from '../../../src/batch/compare.ts'
import {
  decodeEntry,
  decodeFrames,
  encodeEntry,
} from '../../../src/connectors/push/journal-entry.ts'
import { readPart } from '../../../state/delta.ts'
import { packEntries, unpackEntries } from '../../../state/entry-block.ts'
import { decodeFirstNote, decodeLogEntry } from '../../../state/local-epoch-log.ts'
import { encodeLogFile } from '../../../state/log-file.ts'
import type { DeltaPart, LogEntry, ShardVersion } from '../../../state/manifest.ts'
import { readGolden } from '../golden/golden-file.ts'
import type { FuzzTarget } from './target.ts'

const root = 'checkpoint'
const number = 5
const refusals = ['CHECKPOINT_CORRUPT', 'CHECKPOINT_NEWER_FORMAT']
const pushed = [
  encodeEntry({ firstRow: 0, rowCount: 2, id: 'one', rows: Uint8Array.of(1, 2, 3) }),
  encodeEntry({ firstRow: 2, rowCount: 1, id: undefined, rows: Uint8Array.of(9) }),
]

/** Files that are written for a later start: those of a query that was released, and of pushed rows. */
export async function fileTargets(): Promise<readonly FuzzTarget[]> {
  const golden = await readGolden('format-1', 'sessions')
  if (golden === undefined) throw new Error('there is no golden checkpoint of sessions')
  const { disk } = golden
  const bytesOf = async (path: string): Promise<Uint8Array> =>
    (await disk.read(`${root}/${path}`)) ?? new Uint8Array()
  const entries = await Promise.all(
    Array.from({ length: 12 }, async (_, at) => {
      return decodeLogEntry('log', await bytesOf(`log/${at}`), at).entry
    }),
  )
  const parts = deltaParts(entries)
  const path = parts[0]?.path ?? ''
  const own = parts.filter((part) => part.path === path)
  const blocks = (): Promise<readonly Uint8Array[]> =>
    Promise.all(own.map((part) => readPart(disk, root, part)))
  const targets = [
    asWritten({
      name: 'entries of the log',
      samples: entries.map((entry) => encodeLogFile({ number, atMs: 12, entry })),
      read: (bytes) => [decodeLogEntry('log/5', bytes, number)],
      refusals,
    }),
    asWritten({
      name: 'the note on a pruned log',
      samples: [
        encodeLogFile({ number, atMs: 12, entry: { type: 'first', token: 1, queryId: 'q' } }),
      ],
      read: (bytes) => [decodeFirstNote('log/first-5', bytes, number)],
      refusals,
    }),
    asWritten({
      name: 'the journal of pushed rows',
      samples: pushed,
      read: (bytes) => decodeFrames(bytes).map(decodeEntry),
      refusals: [],
    }),
    asWritten({
      name: 'changes of state',
      samples: [await bytesOf(path)],
      async read(bytes) {
        disk.tamper(`${root}/${path}`, () => bytes)
        return (await blocks()).map(unpackEntries)
      },
      refusals,
    }),
  ]
  return [
    {
      name: 'changes of state, unchecked',
      samples: await blocks(),
      read(bytes) {
        const again = packEntries(unpackEntries(bytes))
        if (compareBytes(again, bytes) !== 0) throw new Error('entries are not what the bytes say')
      },
      // The checksum in front of them was right, so it is a mistake of ours.
      refusals: ['INTERNAL'],
    },
    ...(await Promise.all(targets)),
  ]
}

/** The parts that the newest manifest is made of. */
function deltaParts(entries: readonly LogEntry[]): readonly DeltaPart[] {
  const newest = entries.findLast((entry) => entry.type === 'manifest')
  const shards = Object.values(newest?.manifest.state ?? {}).flatMap(Object.values<ShardVersion>)
  return shards.flatMap(({ deltas }) => deltas)
}

interface CheckedFile extends Omit<FuzzTarget, 'read'> {
  readonly read: (bytes: Uint8Array) => readonly unknown[] | Promise<readonly unknown[]>
}

/** A file with checksums: whatever is read from it, somebody wrote. */
async function asWritten({ name, samples, read, refusals }: CheckedFile): Promise<FuzzTarget> {
  const written = new Set<string>()
  for (const sample of samples) {
    for (const each of await read(sample)) written.add(JSON.stringify(each))
  }
  return {
    name,
    samples,
    async read(bytes) {
      const foreign = (await read(bytes)).find((each) => !written.has(JSON.stringify(each)))
      if (foreign !== undefined) throw new Error(`nobody wrote ${JSON.stringify(foreign)}`)
    },
    refusals,
  }
}
