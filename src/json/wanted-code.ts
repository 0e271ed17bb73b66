import type { Value } from '../batch/value.ts'
import type { Slot } from './slots.ts'

/** The values of a slot, by its number, without which a row is left out. */
export interface WantedSlot {
  readonly slot: number
  readonly values: readonly Value[]
}

/** A list of more values, or of longer texts, is not looked at: the code stays small. */
const valuesMax = 32
const textMax = 64

/**
 * Code that stands where a line was read to its end and its row is about to count: a row that lacks
 * one of the wanted values is undone and counted in `leftOut`.
 */
export function wantedCode(slots: readonly Slot[], wanted: readonly WantedSlot[]): string {
  const tests = wanted.flatMap(({ slot: index, values }) => {
    const slot = slots[index]
    const test = slot === undefined ? undefined : testCode(index, slot, values)
    return test === undefined ? [] : [`(n${index}[by]&bi)!==0&&(${test})`]
  })
  if (tests.length === 0) return ''
  const undo = slots.map((slot, index) => undoCode(index, slot)).join('')
  const built = slots.some((slot) => slot.kind === 'built') ? 'S.dropBuilt();' : ''
  return `if(!(${tests.join('&&')})){${undo}${built}leftOut++;continue}\n`
}

/** Whether the value just read is among these; `undefined` for columns and lists it has no code for. */
function testCode(index: number, slot: Slot, values: readonly Value[]): string | undefined {
  if (values.length > valuesMax) return undefined
  const value = valueTest(index, slot)
  if (value === undefined) return undefined
  const tests = values.map(value)
  return tests.every((test) => test !== undefined) ? tests.join('||') || 'false' : undefined
}

function valueTest(index: number, slot: Slot): ((value: Value) => string | undefined) | undefined {
  switch (slot.kind) {
    case 'bits':
      return (value) => `((v${index}[by]&bi)!==0)===${value === true}`
    case 'i8':
    case 'i16':
    case 'i32':
      return (value) => `v${index}[row]===${Number(value)}`
    case 'long':
      // The scanner reads 15 digits at most: a longer one is left to the reference, with its row.
      return (value) => `v${index}[row]===${Number(value)}`
    case 'text':
      return (value) => textTest(index, String(value))
    default:
      return undefined
  }
}

function textTest(index: number, text: string): string | undefined {
  const bytes = Buffer.from(text, 'utf8')
  if (bytes.length > textMax) return undefined
  const start = `o${index}[row]`
  const same = [...bytes].map((byte, at) => `d${index}.bytes[${start}+${at}]===${byte}`)
  return [`p${index}-${start}===${bytes.length}`, ...same].join('&&')
}

/** What `reopenRow` does, on the scanner's locals. */
function undoCode(index: number, slot: Slot): string {
  if (slot.kind === 'void' || slot.kind === 'built') return ''
  const valid = `n${index}[by]&=~bi;`
  if (slot.kind === 'bits') return `${valid}v${index}[by]&=~bi;`
  return slot.kind === 'text' ? `${valid}p${index}=o${index}[row];` : valid
}
