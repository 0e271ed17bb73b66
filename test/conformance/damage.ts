import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
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

/** Damages a checkpoint in the way that a case tells in words. */
export async function damage(checkpoint: string, how: string): Promise<void> {
  if (how.includes('stray')) return addStrayFolders(checkpoint)
  if (/(delete|remove|lose|lost|purge).*commit/.test(how)) return loseLastCommit(checkpoint)
  if (/(truncate|empty|overwrite|garbage|corrupt).*(log|commit|offset|metadata)/.test(how)) {
    return spoilNewest(checkpoint)
  }
  throw new RangeError(`unknown damage: ${how}`)
}

/** Folders that nobody asked for, beside the log and the state. */
async function addStrayFolders(checkpoint: string): Promise<void> {
  for (const place of ['log', 'state', 'sources']) {
    await mkdir(join(checkpoint, place, 'stray'), { recursive: true })
  }
}

/** The newest entry of the log is cut off in the middle. */
async function spoilNewest(checkpoint: string): Promise<void> {
  const folder = join(checkpoint, 'log')
  const numbers = (await readdir(folder)).map(Number).filter(Number.isInteger)
  const newest = join(folder, String(Math.max(...numbers)))
  const text = await readFile(newest, 'utf8')
  await writeFile(newest, text.slice(0, text.length / 2))
}
