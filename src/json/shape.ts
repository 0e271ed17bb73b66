import { lineEnd } from '../batch/line-decoder.ts'
import type { ObjectShape } from './scanner-code.ts'
import type { Slot } from './slots.ts'
import { JsonFault, type JsonNode, parseJson } from './text.ts'

/** The keys of one kind of object in the order they usually come. */
export interface KeyOrder {
  readonly keys: readonly { readonly key: string; readonly inner?: KeyOrder }[]
}

/** Enough lines to meet the few shapes that alternate in one file. */
const sampleLines = 64
/** An object with more keys than this is a map by nature; its further keys are looked up. */
const keyLimit = 256

/** Learns from the first lines in which order keys come, inside the structs that are read. */
export function learnKeys(
  slots: readonly Slot[],
  bytes: Uint8Array,
  start: number,
  end: number,
): KeyOrder {
  const samples: JsonNode[] = []
  let at = start
  for (let line = 0; line < sampleLines && at < end; line++) {
    const stop = lineEnd(bytes, at, end)
    const node = parsed(bytes, at, stop)
    if (node !== undefined) samples.push(node)
    at = stop + 1
  }
  return orderOf(slots, samples)
}

function orderOf(slots: readonly Slot[], samples: readonly JsonNode[]): KeyOrder {
  const keys: string[] = []
  for (const sample of samples) {
    if (sample.kind !== 'object') continue
    let next = 0
    for (const { key } of sample.entries) {
      const known = keys.indexOf(key)
      if (known >= 0) next = known + 1
      else if (keys.length < keyLimit) keys.splice(next++, 0, key)
    }
  }
  return { keys: keys.map((key) => ({ key, ...innerOf(slots, samples, key) })) }
}

function innerOf(
  slots: readonly Slot[],
  samples: readonly JsonNode[],
  key: string,
): { readonly inner?: KeyOrder } {
  const slot = slots.find((candidate) => keyOf(candidate) === key)
  if (slot?.kind !== 'struct') return {}
  const inside = samples.flatMap((sample) =>
    sample.kind === 'object'
      ? sample.entries.filter((entry) => entry.key === key).map((entry) => entry.node)
      : [],
  )
  return { inner: orderOf(slot.children, inside) }
}

function parsed(bytes: Uint8Array, start: number, end: number): JsonNode | undefined {
  try {
    return parseJson(bytes, start, end)
  } catch (thrown) {
    if (thrown instanceof JsonFault) return undefined
    throw thrown
  }
}

/** What to expect: learned keys first, then columns that were in no sample. */
export function shapeOf(
  order: KeyOrder | undefined,
  slots: readonly Slot[],
  numbered: readonly Slot[],
): ObjectShape {
  const learned = order?.keys ?? []
  const rest = slots
    .map((slot) => ({ key: keyOf(slot), inner: undefined }))
    .filter(({ key }) => !learned.some((known) => known.key === key))
  const keys = [...learned, ...rest].filter(({ key }) => isPlain(key))
  return {
    keys: keys.map(({ key, inner }) => {
      const slot = slots.find((candidate) => keyOf(candidate) === key)
      if (slot === undefined) return { key }
      const number = numbered.indexOf(slot)
      return slot.kind === 'struct'
        ? { key, slot: number, inner: shapeOf(inner, slot.children, numbered) }
        : { key, slot: number }
    }),
  }
}

function keyOf(slot: Slot): string {
  return Buffer.from(slot.name, 'utf8').toString('latin1')
}

/** Written in JSON as it is; any other key comes with escapes and is left to the reference. */
function isPlain(key: string): boolean {
  for (let index = 0; index < key.length; index++) {
    const code = key.charCodeAt(index)
    if (code < 0x20 || code === 0x22 || code === 0x5c) return false
  }
  return true
}
