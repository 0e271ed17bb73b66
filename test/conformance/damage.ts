import { mkdir, readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'

/**
 * Takes the newest manifest and everything after it out of the log, as if the process had died when the
 * sink had the rows of the epoch but the epoch was not committed.
 */
export async function loseLastCommit(checkpoint: string): Promise<void> {
  // Who dies leaves no note of where the log ends.
  await rm(join(checkpoint, 'lock'), { force: true })
  const folder = join(checkpoint, 'log')
  const numbers = (await readdir(folder)).map(Number).filter(Number.isInteger)
  for (const number of numbers.sort((a, b) => b - a)) {
    const path = join(folder, String(number))
    const isManifest = (await readFile(path, 'utf8')).includes('"type":"manifest"')
    await rm(path)
    if (isManifest) return
  }
}

/** Folders that nobody asked for, beside the log and the state. */
export async function addStrayFolders(checkpoint: string, how: string): Promise<void> {
  if (!how.includes('stray directories')) throw new RangeError(`unknown damage: ${how}`)
  for (const place of ['log', 'state', 'sources']) {
    await mkdir(join(checkpoint, place, 'stray'), { recursive: true })
  }
}
