import { ByteInput } from '../byte-input.ts'
import { readTag, skipField, wireTypes } from './wire.ts'

const decoder = new TextDecoder()

/** The fields of one message of a descriptor, by number; numbers as they are, the rest as bytes. */
export class RawMessage {
  readonly bytes: Uint8Array
  readonly #numbers = new Map<number, number>()
  readonly #parts = new Map<number, Uint8Array[]>()

  constructor(bytes: Uint8Array) {
    this.bytes = bytes
    const input = new ByteInput().begin(bytes)
    while (!input.isAtEnd) {
      const tag = readTag(input)
      const number = tag >>> 3
      if ((tag & 7) === wireTypes.varint) this.#numbers.set(number, input.int32())
      else if ((tag & 7) === wireTypes.bytes) this.#add(number, input.bytes(input.unsigned()))
      else skipField(input, tag)
    }
  }

  number(field: number): number | undefined {
    return this.#numbers.get(field)
  }

  text(field: number): string | undefined {
    const part = this.#parts.get(field)?.at(-1)
    return part === undefined ? undefined : decoder.decode(part)
  }

  texts(field: number): readonly string[] {
    return (this.#parts.get(field) ?? []).map((part) => decoder.decode(part))
  }

  messages(field: number): readonly RawMessage[] {
    return (this.#parts.get(field) ?? []).map((part) => new RawMessage(part))
  }

  message(field: number): RawMessage | undefined {
    return this.messages(field).at(-1)
  }

  #add(number: number, part: Uint8Array): void {
    const parts = this.#parts.get(number)
    if (parts === undefined) this.#parts.set(number, [part])
    else parts.push(part)
  }
}
