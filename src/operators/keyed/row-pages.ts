import { copyBytes } from '../../batch/byte-writer.ts'
import type { RowBytes } from '../../batch/row-codec.ts'
import { PagePool, pageBytes } from './page-pool.ts'

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
  readonly #pool: PagePool
  /** Places of pages that were given back. */
  readonly #vacant: number[] = []
  #bytes = 0
  #live = 0

  /** The pool may be shared with others, who then use the pages that are given back. */
  constructor(pool = new PagePool()) {
    this.#pool = pool
  }

  /** Keeps a copy of some bytes; the answer is their address. */
  add(source: Uint8Array, start: number, end: number): number {
    const size = end - start
    const { page, index } = this.#withRoom(size)
    const at = page.used
    copyBytes(source, start, end, page.bytes, at)
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
    this.#giveBack(index, page)
  }

  /**
   * The rows close together when most memory between them is empty: `each` moves them all, one by one, by
   * address and size, and gets their new addresses. These pages are then given back.
   */
  tidied(each: (move: (address: number, size: number) => number) => void): RowPages {
    if (!this.isSparse) return this
    const after = new RowPages(this.#pool)
    each((address, size) => {
      const start = this.offsetOf(address)
      const moved = after.add(this.pageOf(address).bytes, start, start + size)
      // Page by page, so that the rows are not held twice.
      this.free(address, size)
      return moved
    })
    this.clear()
    return after
  }

  /** Gives every page back. */
  clear(): void {
    this.#pages.forEach((page, index) => {
      if (page !== undefined) this.#giveBack(index, page)
    })
    this.#current = -1
    this.#live = 0
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
    if (current !== undefined && current.live === 0) this.#giveBack(this.#current, current)
    const page = { ...this.#newPage(size), used: 0, live: 0 }
    this.#current = this.#vacant.pop() ?? this.#pages.length
    this.#pages[this.#current] = page
    this.#bytes += page.bytes.length
    return { page, index: this.#current }
  }

  /** Few rows need no whole page: the first one starts small. A row larger than a page has its own. */
  #newPage(size: number): RowBytes {
    if (this.#current >= 0 && size <= pageBytes) return this.#pool.take()
    const bytes = new Uint8Array(Math.max(this.#current < 0 ? 4096 : pageBytes, size))
    return { bytes, view: new DataView(bytes.buffer) }
  }

  #giveBack(index: number, page: Page): void {
    this.#bytes -= page.bytes.length
    this.#pool.giveBack(page)
    this.#pages[index] = undefined
    this.#vacant.push(index)
  }
}
