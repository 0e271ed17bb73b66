import { ByteWriter } from '../../batch/byte-writer.ts'
import { ByteInput } from '../byte-input.ts'
import { Malformed } from '../malformed.ts'
import type { ProtoMessage } from './schema.ts'
import { writeVarint } from './write-scalars.ts'

/**
 * Which message of its file a framed value is: its position among those at the top, then among those inside
 * of that one, and so on. The first message of a file is the usual one, and has a short form.
 */
export type MessageIndexes = readonly number[]

const depthMax = 100

/** The indexes at a byte, and where the message begins behind them. @throws Malformed */
export function readMessageIndexes(
  bytes: Uint8Array,
  at: number,
): { readonly indexes: MessageIndexes; readonly at: number } {
  const input = new ByteInput().begin(bytes, at)
  const count = input.zigzagInteger()
  if (count < 0 || count > depthMax) throw new Malformed(`${count} message indexes are none`)
  const indexes = Array.from({ length: count }, () => input.zigzagInteger())
  return { indexes: count === 0 ? [0] : indexes, at: input.at }
}

export function messageIndexBytes(indexes: MessageIndexes): Uint8Array {
  const output = new ByteWriter()
  const isFirst = indexes.length === 1 && indexes[0] === 0
  if (isFirst) output.byte(0)
  else {
    // As Kafka writes signed numbers: these are never below 0.
    writeVarint(output, indexes.length * 2)
    for (const index of indexes) writeVarint(output, index * 2)
  }
  return output.take()
}

/** The indexes of a message of a file; `undefined` if it is not there. */
export function indexesOf(
  messages: readonly ProtoMessage[],
  name: string,
): MessageIndexes | undefined {
  for (const [index, message] of messages.entries()) {
    if (message.name === name) return [index]
    const inside = indexesOf(message.messages, name)
    if (inside !== undefined) return [index, ...inside]
  }
  return undefined
}

/**
 * The message that indexes name. Some writers count the entries of maps as messages, and some do not: behind
 * a message with maps an index says nothing, and neither does one that leads nowhere.
 */
export function messageAt(
  messages: readonly ProtoMessage[],
  [first = 0, ...inside]: MessageIndexes,
): ProtoMessage | undefined {
  const message = messages[first]
  if (message === undefined || inside.length === 0) return message
  const hasMaps = message.fields.some(({ type }) => type.kind === 'map')
  return hasMaps ? undefined : messageAt(message.messages, inside)
}
