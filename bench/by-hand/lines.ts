import { closeSync, openSync, readdirSync, readSync, statSync } from 'node:fs'
import { join } from 'node:path'

const chunkBytes = 1 << 20
const newline = 10

/**
 * Reads a file, or the files of a folder by name, in chunks and hands out the lines. The quickest of
 * the simple ways that were tried.
 */
export function forEachLine(path: string, call: (line: string) => void): void {
  if (!statSync(path).isDirectory()) return readLines(path, call)
  for (const name of readdirSync(path).sort()) readLines(join(path, name), call)
}

function readLines(path: string, call: (line: string) => void): void {
  const file = openSync(path, 'r')
  let buffer = Buffer.allocUnsafe(2 * chunkBytes)
  let held = 0
  for (;;) {
    if (buffer.length - held < chunkBytes) buffer = Buffer.concat([buffer], 2 * buffer.length)
    const read = readSync(file, buffer, held, chunkBytes, null)
    if (read === 0) break
    held += read
    let start = 0
    for (;;) {
      const end = buffer.indexOf(newline, start)
      if (end < 0 || end >= held) break
      call(buffer.toString('utf8', start, end))
      start = end + 1
    }
    buffer.copyWithin(0, start, held)
    held -= start
  }
  if (held > 0) call(buffer.toString('utf8', 0, held))
  closeSync(file)
}
