import type { VirtualFileSystem } from '../../properties/virtual-file-system.ts'

/** What readers of a folder see: the lines of its files that are published, as objects. */
export async function jsonLines(
  files: VirtualFileSystem,
  folder: string,
): Promise<readonly Readonly<Record<string, unknown>>[]> {
  const lines: Readonly<Record<string, unknown>>[] = []
  for (const path of files.allFiles()) {
    const rest = path.slice(folder.length + 1)
    if (!path.startsWith(`${folder}/`) || /(^|\/)[_.]/.test(rest)) continue
    const text = new TextDecoder().decode(await files.read(path))
    for (const line of text.split('\n')) if (line !== '') lines.push(JSON.parse(line))
  }
  return lines
}
