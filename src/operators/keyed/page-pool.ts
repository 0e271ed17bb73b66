import type { RowBytes } from '../../batch/row-codec.ts'

/** Bytes of a page. */
export const pageBytes = 1 << 18

/** Pages of the largest slab: 32 MB, from which on the C library asks the system for each block. */
const slabPagesMax = 128

interface Slab {
  readonly memory: Uint8Array<ArrayBuffer>
  readonly pages: number
  /** Numbers of pages that nobody has. */
  readonly vacant: number[]
}

/**
 * Pages cut from large slabs. State that outlives most of what the process allocates would pin the heap
 * of the C library between blocks that come and go, and the process would hold a third more memory than
 * it uses. Slabs grow with what is taken, so few pages need little; memory of a slab that was never
 * written to is not resident.
 */
export class PagePool {
  #slabs: Slab[] = []
  #taken = 0

  /** A page whose bytes are of no account. */
  take(): RowBytes {
    const slab = this.#slabs.find(({ vacant }) => vacant.length > 0) ?? this.#addSlab()
    this.#taken++
    return pageOf(slab.memory, (slab.vacant.pop() as number) * pageBytes)
  }

  /** The page goes to whoever takes one next: nobody may read it any more. */
  giveBack({ bytes }: RowBytes): void {
    const slab = this.#slabs.find(({ memory }) => memory.buffer === bytes.buffer)
    if (slab === undefined) return
    this.#taken--
    slab.vacant.push(bytes.byteOffset / pageBytes)
    const { pages, vacant } = slab
    if (vacant.length < pages || this.#vacant() < 2 * pages) return
    this.#slabs = this.#slabs.filter((other) => other !== slab)
  }

  /** Bytes of all slabs, of which pages are in use or not. */
  byteLength(): number {
    return this.#pages() * pageBytes
  }

  #addSlab(): Slab {
    const pages = Math.min(slabPagesMax, Math.max(1, this.#pages()))
    const memory = new Uint8Array(pages * pageBytes)
    // Handed out from the front.
    const vacant = Array.from({ length: pages }, (_, page) => pages - 1 - page)
    const slab = { memory, pages, vacant }
    this.#slabs.push(slab)
    return slab
  }

  #pages(): number {
    return this.#slabs.reduce((sum, { pages }) => sum + pages, 0)
  }

  #vacant(): number {
    return this.#pages() - this.#taken
  }
}

function pageOf({ buffer }: Uint8Array<ArrayBuffer>, start: number): RowBytes {
  return {
    bytes: new Uint8Array(buffer, start, pageBytes),
    view: new DataView(buffer, start, pageBytes),
  }
}
