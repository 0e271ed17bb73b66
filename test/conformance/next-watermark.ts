import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'

/** The members of the coordinator's watermarks, in a manifest, that say what the next epoch will use. */
interface Time {
  /** By node and source partition: the watermark, and when it last moved; microseconds. */
  readonly nodes: Readonly<Record<string, Readonly<Record<string, readonly [number, number]>>>>
  /** The watermark of the last epoch. */
  readonly evicted: number
}

/**
 * The watermark that the next epoch will use, milliseconds: from the newest manifest of the
 * checkpoint, as an empty epoch that would change nothing is not run and so leaves no progress.
 * A node that has had no row counts as 0.
 */
export async function nextWatermarkMs(
  checkpoint: string,
  rule: { readonly policy: 'min' | 'max'; readonly nodeCount: number },
): Promise<number> {
  const time = await newestTime(checkpoint)
  if (time === undefined) return 0
  const nodes = Object.values(time.nodes).map((partitions) => {
    const watermarks = Object.values(partitions).map(([watermark]) => watermark)
    return watermarks.length === 0 ? 0 : Math.min(...watermarks)
  })
  while (nodes.length < Math.max(1, rule.nodeCount)) nodes.push(0)
  const combined = rule.policy === 'max' ? Math.max(...nodes) : Math.min(...nodes)
  return Math.max(time.evicted, combined) / 1000
}

async function newestTime(checkpoint: string): Promise<Time | undefined> {
  const folder = join(checkpoint, 'log')
  const numbers = (await readdir(folder)).map(Number).filter(Number.isInteger)
  for (const number of numbers.sort((a, b) => b - a)) {
    const time = timeOf(JSON.parse(await readFile(join(folder, String(number)), 'utf8')))
    if (time !== undefined) return time
  }
  return undefined
}

/** The log wraps an entry with its checksum. */
function timeOf(file: {
  readonly entry?: { readonly manifest?: { readonly time: Time } }
  readonly manifest?: { readonly time: Time }
}): Time | undefined {
  return (file.entry ?? file).manifest?.time
}
