import { type FileSystem, joinPath } from '../../core/file-system.ts'

/** A file that a source may read. */
export interface FoundFile {
  readonly path: string
  readonly byteLength: number
  readonly modifiedMs: number
}

export interface ListOptions {
  /** Files of every folder below, not only those of `key=value` folders. */
  readonly recursive: boolean
  /** Names that count; a glob. */
  readonly nameGlob: string | undefined
  /** Files that need not be looked at again. */
  readonly isSeen: (path: string) => boolean
}

/** True when the text is a pattern and not one path. */
export function isGlob(path: string): boolean {
  return /[*?[\]{}]/.test(path)
}

/** Whether one name fits a glob of `*`, `?`, `[…]` and `{a,b}`. */
export function globTest(glob: string): (name: string) => boolean {
  const source = glob.replace(/\*|\?|\[[^\]]*\]|[{},]|[\\^$.+()|/]/g, (part) => {
    if (part === '*') return '[^/]*'
    if (part === '?') return '[^/]'
    if (part === '{') return '(?:'
    if (part === '}') return ')'
    if (part === ',') return glob.includes('{') ? '|' : ','
    if (part.startsWith('[')) return part.replace('[!', '[^').replace(/\\/g, '\\\\')
    return `\\${part}`
  })
  const pattern = new RegExp(`^${source}$`)
  return (name) => pattern.test(name)
}

/**
 * The files that a path, folder or glob means and that are not seen yet, by time of modification and
 * then by path. Names that begin with `_` or `.` are hidden.
 */
export async function listFiles(
  files: FileSystem,
  path: string,
  options: ListOptions,
): Promise<readonly FoundFile[]> {
  const nameFits = options.nameGlob === undefined ? () => true : globTest(options.nameGlob)
  const paths: string[] = []
  for (const root of isGlob(path) ? await globPaths(files, path) : [path]) {
    const stat = await files.stat(root)
    if (stat === undefined) continue
    if (stat.isFolder) await collect(files, root, options.recursive, paths)
    else paths.push(root)
  }
  const wanted = paths.filter((found) => nameFits(nameOf(found)) && !options.isSeen(found))
  return (await statAll(files, wanted)).sort(byTime)
}

function byTime(left: FoundFile, right: FoundFile): number {
  const time = left.modifiedMs - right.modifiedMs
  return time !== 0 ? time : left.path < right.path ? -1 : left.path > right.path ? 1 : 0
}

async function collect(
  files: FileSystem,
  folder: string,
  recursive: boolean,
  into: string[],
): Promise<void> {
  for (const { name, isFolder } of await files.list(folder)) {
    if (isHidden(name)) continue
    const path = joinPath(folder, name)
    if (!isFolder) into.push(path)
    else if (recursive || name.includes('=')) await collect(files, path, recursive, into)
  }
}

/** Follows the pattern folder by folder, so that only matching folders are listed. */
async function globPaths(files: FileSystem, glob: string): Promise<readonly string[]> {
  let roots = [glob.startsWith('/') ? '/' : '']
  for (const part of splitGlob(glob)) {
    if (!isGlob(part)) {
      roots = roots.map((root) => joinPath(root, part))
      continue
    }
    const fits = globTest(part)
    const next: string[] = []
    for (const root of roots) {
      for (const { name } of await files.list(root === '' ? '.' : root)) {
        if (!isHidden(name) && fits(name)) next.push(joinPath(root, name))
      }
    }
    roots = next
  }
  return roots
}

/** Slashes inside of braces do not divide. */
function splitGlob(glob: string): readonly string[] {
  return (glob.match(/(?:\{[^}]*\}|[^/])+/g) ?? []).filter((part) => part !== '.')
}

const statsAtOnce = 32

async function statAll(files: FileSystem, paths: readonly string[]): Promise<FoundFile[]> {
  const found: FoundFile[] = []
  for (let start = 0; start < paths.length; start += statsAtOnce) {
    const some = paths.slice(start, start + statsAtOnce)
    const stats = await Promise.all(some.map((path) => files.stat(path)))
    stats.forEach((stat, index) => {
      const path = some[index]
      if (stat === undefined || stat.isFolder || path === undefined) return
      found.push({ path, byteLength: stat.byteLength, modifiedMs: stat.modifiedMs })
    })
  }
  return found
}

function isHidden(name: string): boolean {
  return name.startsWith('_') || name.startsWith('.')
}

/** The last part of a path. */
export function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}
