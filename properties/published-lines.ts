import { type FileSystem, joinPath } from '../src/core/file-system.ts'

/** The lines that readers of a folder of text files see: those of its published files, in no order of files. */
export async function publishedLines(
  files: FileSystem,
  folder: string,
): Promise<readonly string[]> {
  const lines: string[] = []
  for (const { name, isFolder } of await files.list(folder)) {
    if (isFolder || /^[._]/.test(name)) continue
    const text = new TextDecoder().decode(await files.read(joinPath(folder, name)))
    lines.push(...text.split('\n').filter((line) => line !== ''))
  }
  return lines
}
