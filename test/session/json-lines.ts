import { publishedLines } from '../../properties/published-lines.ts'
import type { FileSystem } from '../../src/core/file-system.ts'

/** What readers of a folder of JSON lines see, as objects. */
export async function jsonLines(
  files: FileSystem,
  folder: string,
): Promise<readonly Readonly<Record<string, unknown>>[]> {
  return (await publishedLines(files, folder)).map((line) => JSON.parse(line))
}
