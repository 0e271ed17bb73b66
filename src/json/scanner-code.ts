import { jsonBytes } from './bytes.ts'
import type { Scan } from './scan-state.ts'
import type { Slot } from './slots.ts'
import { type WantedSlot, wantedCode } from './wanted-code.ts'

/**
 * What the scanner expects inside one kind of object: the keys in the order seen last, those nobody
 * reads included, so that the usual line is compared key by key without a search.
 */
export interface ObjectShape {
  /** Keys as one character per byte. */
  readonly keys: readonly KeyShape[]
}

export interface KeyShape {
  readonly key: string
  /** Number of the slot in the flattened list; absent for keys nobody reads. */
  readonly slot?: number
  /** For structs. */
  readonly inner?: ObjectShape
}

/** What the code of a scanner depends on. */
export interface ScannerSpec {
  readonly root: ObjectShape
  readonly slots: readonly Slot[]
  readonly isoTimes: boolean
  /** Rows that lack one of these are left out. */
  readonly wanted: readonly WantedSlot[]
}

/**
 * A scanner for one schema and one order of keys; `undefined` where the process forbids code made
 * from text, so that every line is left to the reference.
 */
export function makeScanner(spec: ScannerSpec): Scan | undefined {
  try {
    return new Function('H', scannerCode(spec))(jsonBytes) as Scan
  } catch (thrown) {
    if (thrown instanceof EvalError) return undefined
    throw thrown
  }
}

/**
 * Writes the source of a scanner for one schema and one order of keys: `scan(S, b, at, end, limit)`.
 * A line in the expected shape is decoded in one pass straight into the arrays of the slots. At the
 * first byte that is not usual the code leaves the block `line` and hands the line to `S.reference`.
 * Locals shadow the arrays, so they are stored before and loaded after every call that may change them.
 */
function scannerCode({ root, slots, isoTimes, wanted }: ScannerSpec): string {
  const context: CodeContext = { slots, isoTimes, nextObject: 0, finders: [] }
  const body = objectCode(root, context)
  const used = slots.map((_, index) => index)
  const texts = used.filter((index) => slots[index]?.kind === 'text')
  const load = used.map((index) => loadCode(index, slots[index])).join('')
  const store = texts.map((index) => `s${index}.used=p${index};`).join('')
  const close = texts.map((index) => `o${index}[row+1]=p${index};`).join('')
  const built = slots.some((slot) => slot.kind === 'built') ? 'S.appendBuilt();' : ''
  return `'use strict';
const {found,textOver,copyText,skip,plainKey,double,isoTime}=H;
${context.finders.join('\n')}
return function scan(S,b,at,end,limit){
const slots=S.slots,T=textOver(b);
${used.map((index) => `const s${index}=slots[${index}];${declareCode(index, slots[index])}`).join('\n')}
${load}
let row=S.rows,i=at,c=0,x=0,y=0,j=0,w=0,misses=0,leftOut=0;
while(row<limit&&i<end){
const start=i,by=row>>3,bi=1<<(row&7);
line:{
c=b[i];
${spaceCode}
if(c===10){i++;continue}
if(c!==123)break line;
${body}
c=b[i];
${spaceCode}
if(c!==10)break line;
i++;
${wantedCode(slots, wanted)}${close}${built}
row++;
continue}
${store}S.rows=row;
i=S.reference(b,start,end);
row=S.rows;
${load}
}
${store}S.rows=row;S.misses+=misses;S.leftOut+=leftOut;
return i}`
}

interface CodeContext {
  readonly slots: readonly Slot[]
  readonly isoTimes: boolean
  nextObject: number
  readonly finders: string[]
}

const spaceCode = 'if(c<=32){while(c===32||c===9||c===13)c=b[++i]}'

function declareCode(index: number, slot: Slot | undefined): string {
  if (slot === undefined || slot.kind === 'void' || slot.kind === 'built') return ''
  const text = slot.kind === 'text' ? `,o${index},d${index},p${index}` : ''
  const values = slot.kind === 'struct' || slot.kind === 'text' ? '' : `,v${index}`
  return `let n${index}${values}${text};`
}

function loadCode(index: number, slot: Slot | undefined): string {
  if (slot === undefined || slot.kind === 'void' || slot.kind === 'built') return ''
  const from = `s${index}`
  const valid = `n${index}=${from}.valid;`
  if (slot.kind === 'struct') return valid
  if (slot.kind !== 'text') return `${valid}v${index}=${from}.values;`
  return `${valid}o${index}=${from}.offsets;d${index}=${from}.data;p${index}=${from}.used;`
}

/** Code for the object whose `{` is at `i`; leaves `i` after its `}`. */
function objectCode(shape: ObjectShape, context: CodeContext): string {
  const id = context.nextObject++
  context.finders.push(finderCode(id, shape))
  const needed = shape.keys.filter((key) => key.slot !== undefined)
  const masks = Math.ceil(needed.length / 31)
  const seen = Array.from({ length: masks }, (_, mask) => `q${id}_${mask}=0`)
  const cases = shape.keys.map((key, index) => {
    const nth = needed.indexOf(key)
    const once = nth < 0 ? '' : seenCode(`q${id}_${Math.floor(nth / 31)}`, 1 << (nth % 31))
    const value = key.slot === undefined ? skipCode : valueCode(key, context)
    return `case ${index}:if(${matchCode(key.key)}){i+=${key.key.length + 2};${colonCode}${once}${value}e${id}=${index + 1};break}`
  })
  return `c=b[++i];${spaceCode}
if(c===125){i++}else{
let e${id}=0${seen.map((mask) => `,${mask}`).join('')};
object${id}:for(;;){
if(c!==34)break line;
switch(e${id}){
${cases.join('\n')}
default:
misses++;
e${id}=find${id}(b,i);
if(e${id}>=0)continue object${id};
e${id}=0;
i=plainKey(b,i+1);
if(i<0)break line;
${colonCode}${skipCode}
}
c=b[i];${spaceCode}
if(c===44){c=b[++i];${spaceCode}continue}
if(c===125){i++;break}
break line
}}`
}

/** Finds a key that did not come in the expected order; −1 = one that nobody reads. */
function finderCode(id: number, shape: ObjectShape): string {
  const tests = shape.keys.map((key, index) => `if(${matchCode(key.key)})return ${index};`)
  return `function find${id}(b,i){${tests.join('')}return -1}`
}

/** Compares byte by byte from the quote at `i`: the first difference, at the latest a `\n`, ends it. */
function matchCode(key: string): string {
  const bytes = [...key].map((char, index) => `b[i+${index + 1}]===${char.charCodeAt(0)}`)
  return [...bytes, `b[i+${key.length + 1}]===34`].join('&&')
}

const colonCode = `c=b[i];${spaceCode}if(c!==58)break line;c=b[++i];${spaceCode}`
const skipCode = 'i=skip(T,i);if(i<0)break line;'
const nullTest = 'b[i+1]===117&&b[i+2]===108&&b[i+3]===108'

/** A repeated key is left to the reference, which lets the last one count. */
function seenCode(mask: string, bit: number): string {
  return `if((${mask}&${bit})!==0)break line;${mask}|=${bit};`
}

/** Code for the value that begins with byte `c` at `i`, which is not a space. */
function valueCode(key: KeyShape, context: CodeContext): string {
  const index = key.slot ?? 0
  const slot = context.slots[index]
  if (slot === undefined || slot.kind === 'void') return skipCode
  const present = `n${index}[by]|=bi;`
  return `if(c===110){if(${nullTest})i+=4;else break line}else{${kindCode(index, slot, present, key, context)}}`
}

function kindCode(
  index: number,
  slot: Slot,
  present: string,
  key: KeyShape,
  context: CodeContext,
): string {
  switch (slot.kind) {
    case 'bits':
      return booleanCode(index, present)
    case 'i8':
      return integerCode(index, present, 127)
    case 'i16':
      return integerCode(index, present, 32_767)
    case 'i32':
      return slot.type.kind === 'date'
        ? valueCallCode(index, present)
        : integerCode(index, present, 2_147_483_647)
    case 'long':
      return integerCode(index, present, undefined)
    case 'f32':
      return `i=double(b,i);if(i<0)break line;x=found[0];v${index}[row]=x;${present}`
    case 'f64':
      if (slot.type.kind === 'double') {
        return `i=double(b,i);if(i<0)break line;x=found[0];v${index}[row]=x;${present}`
      }
      return context.isoTimes
        ? `j=c===34?isoTime(b,i+1,end):-1;if(j<0){${valueCallCode(index, present)}}else{i=j;v${index}[row]=found[0];${present}}`
        : valueCallCode(index, present)
    case 'text':
      return textCode(index, present)
    case 'struct':
      return `if(c!==123)break line;${present}${objectCode(key.inner ?? { keys: [] }, context)}`
    case 'built':
      return `i=S.value(${index},b,i,end);if(i<0)break line;`
    default:
      return 'break line;'
  }
}

/** Rare or intricate values go through the reference's own conversion, one value at a time. */
function valueCallCode(index: number, present: string): string {
  return `i=S.value(${index},b,i,end);if(i<0)break line;x=S.number;if(x===x){v${index}[row]=x;${present}}`
}

function booleanCode(index: number, present: string): string {
  return `if(c===116&&b[i+1]===114&&b[i+2]===117&&b[i+3]===101){i+=4;v${index}[by]|=bi}
else if(c===102&&b[i+1]===97&&b[i+2]===108&&b[i+3]===115&&b[i+4]===101)i+=5;
else break line;
${present}`
}

/**
 * Nine digits fit an int32; up to 15 a double. Longer ones are left to the reference, which is exact,
 * and so are fractions and exponents: the code that follows finds no separator.
 */
function integerCode(index: number, present: string, max: number | undefined): string {
  const limit = max === undefined ? '' : `if(x>${max}||x<-${max}-1)break line;`
  return `y=0;if(c===45){y=1;c=b[++i]}
x=c-48;if(x>>>0>9)break line;
j=i;c=b[++i];
if(x===0&&(c-48)>>>0<=9)break line;
w=c-48;
while(w>>>0<=9&&i-j<9){x=(Math.imul(x,10)+w)|0;w=b[++i]-48}
if(w>>>0<=9){do{x=x*10+w;w=b[++i]-48}while(w>>>0<=9);if(i-j>15)break line}
if(y===1)x=0-x;
${limit}v${index}[row]=x;${present}`
}

function textCode(index: number, present: string): string {
  return `if(c!==34)break line;
j=copyText(T,++i,d${index},p${index});
if(p${index}+j-i>d${index}.bytes.length){s${index}.used=p${index};d${index}=S.growText(${index},j-i);copyText(T,i,d${index},p${index})}
if(b[j]===34){p${index}+=j-i;i=j+1}
else{s${index}.used=p${index};i=S.unescape(${index},b,i);if(i<0)break line;p${index}=s${index}.used;d${index}=s${index}.data}
${present}`
}
