import type { RowBytes } from '../../batch/row-codec.ts'

const pageBytes = 1 << 18

interface Page extends RowBytes {
  /** Bytes handed out from the start. */
  used: number
  /** Bytes of them that still count. */
  live: number
}

/**
 * Encoded rows in pages of 256 KB, so that a growing state is never copied and a page whose rows all
 * went is given back at once: rows come and go in order of time. An address is good until `clear`.
 */
export class RowPages {
  #pages: (Page | undefined)[] = []
  #current = -1
  #bytes = 0
  #live = 0

  /** Keeps a copy of some bytes; the answer is their address. */
  add(source: Uint8Array, start: number, end: number): number {
    const size = end - start
    const { page, index } = this.#withRoom(size)
    const at = page.used
    const target = page.bytes
    for (let from = start, to = at; from < end; from++, to++) target[to] = source[from] as number
    page.used += size
    page.live += size
    this.#live += size
    return index * pageBytes + at
  }

  /** Where the row of an address lies: a page, and the position given by `offsetOf`. */
  pageOf(address: number): RowBytes {
    // Every address was handed out by `add` and not freed since.
    return this.#pages[Math.floor(address / pageBytes)] as Page
  }

  offsetOf(address: number): number {
    return address % pageBytes
  }

  /** The row of `size` bytes at an address is no longer needed. */
  free(address: number, size: number): void {
    const index = Math.floor(address / pageBytes)
    const page = this.#pages[index]
    if (page === undefined) return
    page.live -= size
    this.#live -= size
    if (page.live > 0 || index === this.#current) return
    this.#bytes -= page.bytes.length
    this.#pages[index] = undefined
  }

  /** True when most of the memory holds rows that are gone. */
  get isSparse(): boolean {
    return this.#bytes > 4 * pageBytes && this.#live < this.#bytes / 2
  }

  byteLength(): number {
    return this.#bytes
  }

  #withRoom(size: number): { readonly page: Page; readonly index: number } {
    const current = this.#pages[this.#current]
    if (current !== undefined && current.used + size <= current.bytes.length) {
      return { page: current, index: this.#current }
    }
    if (current !== undefined && current.live === 0) {
      this.#bytes -= current.bytes.length
      this.#pages[this.#current] = undefined
    }
    // Few rows need no whole page: the first one starts small. A row larger than a page has its own.
    const first = this.#current < 0 ? 4096 : pageBytes
    const bytes = new Uint8Array(Math.max(first, size))
    const page = { bytes, view: new DataView(bytes.buffer), used: 0, live: 0 }
    this.#current = this.#pages.push(page) - 1
    this.#bytes += bytes.length
    return { page, index: this.#current }
  }
}
