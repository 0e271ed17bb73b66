/** Cuts bytes that come in pieces of any size into lines of UTF-8. */
export interface LineCutter {
  /** The lines that these bytes complete, without their line ends (`\n` or `\r\n`). */
  add(bytes: Uint8Array): readonly string[]
  /** The line that has no end yet; it is forgotten. */
  takeRest(): string
  /** Bytes of the line that has no end yet. */
  readonly restLength: number
}

const lineFeed = 10

export function lineCutter(): LineCutter {
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
  let pieces: Uint8Array[] = []
  let restLength = 0

  const take = (): string => {
    const line = new Uint8Array(restLength)
    let at = 0
    for (const piece of pieces) {
      line.set(piece, at)
      at += piece.length
    }
    pieces = []
    restLength = 0
    return decoder.decode(line).replace(/\r$/, '')
  }
  const keep = (piece: Uint8Array): void => {
    if (piece.length === 0) return
    // The buffer of a socket may be used again by whoever gave it.
    pieces.push(piece.slice())
    restLength += piece.length
  }

  return {
    add(bytes) {
      const lines: string[] = []
      let start = 0
      for (let end = bytes.indexOf(lineFeed); end >= 0; end = bytes.indexOf(lineFeed, start)) {
        keep(bytes.subarray(start, end))
        lines.push(take())
        start = end + 1
      }
      keep(bytes.subarray(start))
      return lines
    },
    takeRest: take,
    get restLength() {
      return restLength
    },
  }
}
