import { readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The top folder of the project, whatever the working directory is. */
export const projectRoot = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '')

/** File texts by path relative to the project, with `/` on every platform. */
export type FileTexts = ReadonlyMap<string, string>

/** The rooms that hold what users install. */
export const sourceRoots = ['src', 'actors', 'state', 'properties'] as const

/** Made by tools, never by us. */
const ignored = new Set(['node_modules', 'dist', '.git', '.millrace', 'coverage'])

/** Every file below `roots` whose name ends in one of `endings`, sorted by path. */
export function readTree(roots: readonly string[], endings: readonly string[]): FileTexts {
  const files = roots.flatMap((root) => filesBelow(join(projectRoot, root)))
  const chosen = files.filter((path) => endings.some((ending) => path.endsWith(ending)))
  return new Map(
    chosen.sort().map((path) => [relative(projectRoot, path), readFileSync(path, 'utf8')]),
  )
}

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (ignored.has(entry.name)) return []
    const path = join(folder, entry.name)
    return entry.isDirectory() ? filesBelow(path) : [path]
  })
}
