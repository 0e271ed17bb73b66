/** Rows that were accepted together. */
export interface AcceptedRows {
  /** The number after the last one. */
  readonly end: number
  readonly byteLength: number
}

/** What was accepted and not read yet; pushes wait when it is too much. */
export interface UnreadRows {
  readonly bytes: number
  add(accepted: readonly AcceptedRows[]): void
  /** Rows below the number were read; says whether that made room. */
  consumed(row: number): boolean
}

export function unreadRows(accepted: readonly AcceptedRows[]): UnreadRows {
  const unread = [...accepted]
  let bytes = sum(unread)
  return {
    get bytes() {
      return bytes
    },
    add(more) {
      for (const each of more) unread.push(each)
      bytes += sum(more)
    },
    consumed(row) {
      const first = unread.findIndex(({ end }) => end > row)
      const read = unread.splice(0, first < 0 ? unread.length : first)
      bytes -= sum(read)
      return read.length > 0
    },
  }
}

function sum(accepted: readonly AcceptedRows[]): number {
  return accepted.reduce((bytes, each) => bytes + each.byteLength, 0)
}
