import type { Column, Validity } from '../batch/batch.ts'
import { textAt, valueAt } from '../batch/read.ts'
import type { DataType } from '../batch/schema.ts'
import type { Value } from '../batch/value.ts'
import { castValue } from './cast.ts'
import type { OutputColumn } from './compile-output.ts'
import { type PathColumn, type PathRead, pathOf } from './compile-paths.ts'
import type { Expression } from './expression.ts'
import { functionNamed } from './functions.ts'
import { interpret } from './interpret.ts'
import type { Emitter } from './signature.ts'

// Over 400 lines would be too long for most files; a code generator is one table of cases by nature,
// and reading it in one piece is what makes it checkable.

/** Everything that a generated loop touches. */
export interface LoopRun {
  readonly inputs: readonly (Column | undefined)[]
  readonly parents: readonly (Validity | undefined)[]
  readonly rows: Int32Array | undefined
  readonly count: number
  /** Receives the rows that pass the filter. */
  readonly kept: Int32Array | undefined
  readonly outputs: readonly OutputColumn[]
  readonly processingTime: number
}

export interface StageCode {
  /** How many rows passed; −1 = nothing of this counts, the batch has to be interpreted. */
  loop(run: LoopRun): number
  readonly outputs: readonly DataType[]
}

/** Thrown while generating when an expression has no code; the interpreter takes over. */
class NoCode extends Error {}

/**
 * The loop for one combination of input layouts; `undefined` when some part of it has no code, or
 * where code may not be made at run time.
 */
export function generateStage(
  filter: Expression | undefined,
  columns: readonly Expression[],
  reads: readonly PathRead[],
  inputs: readonly (PathColumn | undefined)[],
): StageCode | undefined {
  try {
    const code = new Generator(reads, inputs)
    return code.stage(filter, columns)
  } catch (error) {
    // `EvalError` is what a content security policy answers to `new Function`.
    if (error instanceof NoCode || error instanceof EvalError) return undefined
    throw error
  }
}

/** A value in the generated code: an expression without side effects, and when it is null. */
interface Operand {
  readonly value: string
  /** `'false'`, `'true'`, or an expression. */
  readonly isNull: string
}

const nothing: Operand = { value: 'undefined', isNull: 'true' }

class Generator {
  readonly #reads: readonly PathRead[]
  readonly #inputs: readonly (PathColumn | undefined)[]
  readonly #constants: unknown[] = []
  readonly #texts = new Set<number>()
  #lines: string[] = []
  #names = 0

  constructor(reads: readonly PathRead[], inputs: readonly (PathColumn | undefined)[]) {
    this.#reads = reads
    this.#inputs = inputs
  }

  stage(filter: Expression | undefined, columns: readonly Expression[]): StageCode {
    if (filter !== undefined) {
      const { value, isNull } = this.#operand(filter)
      const fails = isNull === 'false' ? `!${value}` : `${isNull} || !${value}`
      this.#lines.push(`if (${fails}) continue`, 'kept[passed] = row')
    }
    this.#lines.push('passed++')
    columns.forEach((column, index) => {
      this.#store(column, index)
    })
    const body = [
      ...this.#prologue(columns.length),
      'let passed = 0',
      'for (let k = 0; k < count; k++) {',
      'const row = rows === undefined ? k : rows[k]',
      ...[...this.#texts].map((read) => `let s${read}`),
      ...this.#lines,
      '}',
      'return passed',
    ]
    const names = this.#constants.map((_, index) => `c${index}`)
    const source = `'use strict'\nreturn function loop(run) {\n${body.join('\n')}\n}`
    // Only numbers of columns and names made here are in the text; whatever users wrote is a constant.
    const make = new Function(...names, source) as (...constants: unknown[]) => StageCode['loop']
    return { loop: make(...this.#constants), outputs: columns.map((column) => column.type) }
  }

  #prologue(outputs: number): string[] {
    const lines = ['const { rows, count, kept, processingTime: now } = run']
    this.#reads.forEach((_, read) => {
      const input = this.#inputs[read]
      if (input === undefined) throw new NoCode()
      lines.push(`const i${read} = run.inputs[${read}], p${read} = run.parents[${read}]`)
      const { layout } = input.column
      const array = layout === 'dictionary' ? 'codes' : 'values'
      lines.push(`const a${read} = i${read}.${array}, b${read} = i${read}.validity`)
      if (layout === 'dictionary') {
        const texts = this.#constant(dictionaryTexts)
        lines.push(`const d${read} = ${texts}(i${read})`)
      }
    })
    for (let index = 0; index < outputs; index++) {
      lines.push(`const o${index} = run.outputs[${index}], n${index} = o${index}.numbers`)
    }
    return lines
  }

  #store(column: Expression, index: number): void {
    const { value, isNull } = this.#operand(column)
    const put = isNumeric(column.type)
      ? `n${index}[row] = ${value}`
      : `o${index}.set(row, ${value})`
    if (isNull === 'false') this.#lines.push(put)
    else this.#lines.push(`if (${isNull}) o${index}.setNull(row)`, `else ${put}`)
  }

  #operand(expression: Expression): Operand {
    const path = pathOf(expression)
    if (path !== undefined) return this.#read(path.join('.'))
    switch (expression.kind) {
      case 'literal':
        return this.#literal(expression.value, expression.type)
      case 'now':
        return { value: 'now', isNull: 'false' }
      case 'call':
        return this.#call(expression)
      case 'cast':
        return this.#cast(expression)
      case 'case':
        return this.#case(expression)
      case 'field':
        return this.#field(expression)
      case 'udf':
        return this.#boxedCall(expression.args, expression.type, this.#userCall(expression))
      default:
        throw new NoCode()
    }
  }

  #read(key: string): Operand {
    const read = this.#reads.findIndex(({ path }) => path.join('.') === key)
    const input = this.#inputs[read]
    const type = this.#reads[read]?.type
    if (input === undefined || type === undefined) throw new NoCode()
    const { column, parent } = input
    if (column.layout === 'void') return nothing
    const missing = [
      ...(column.validity === undefined ? [] : [bitIsClear(`b${read}`)]),
      ...(parent === undefined ? [] : [bitIsClear(`p${read}`)]),
    ]
    const isNull = missing.length === 0 ? 'false' : `(${missing.join(' || ')})`
    return { value: this.#readValue(read, column, type), isNull }
  }

  #readValue(read: number, column: Column, type: DataType): string {
    switch (column.layout) {
      case 'bits':
        return `(((a${read}[row >> 3] >> (row & 7)) & 1) === 1)`
      case 'i8':
      case 'i16':
      case 'i32':
      case 'f32':
      case 'f64':
        return `a${read}[row]`
      case 'dictionary':
        return `d${read}[a${read}[row]]`
      case 'i64':
      case 'i128':
        // Beyond 2^53 only the interpreter is exact.
        throw new NoCode()
      case 'bytes':
        if (type.kind === 'string') {
          this.#texts.add(read)
          return `(s${read} ??= ${this.#constant(textAt)}(i${read}, row))`
        }
        return this.#boxedRead(read, type)
      default:
        return this.#boxedRead(read, type)
    }
  }

  #boxedRead(read: number, type: DataType): string {
    return `${this.#constant(valueAt)}(i${read}, ${this.#constant(type)}, row)`
  }

  #literal(value: Value, type: DataType): Operand {
    if (value === null) return nothing
    if (type.kind === 'long' || type.kind === 'decimal') {
      const near = Number(value as bigint)
      if (!Number.isSafeInteger(near)) throw new NoCode()
      return { value: this.#constant(near), isNull: 'false' }
    }
    return { value: this.#constant(value), isNull: 'false' }
  }

  #call(expression: Extract<Expression, { kind: 'call' }>): Operand {
    const { name, args } = expression
    switch (name) {
      case 'and':
      case 'or':
        return this.#logic(args, name === 'or')
      case 'coalesce':
        return this.#coalesce(args)
      case 'isnull':
      case 'isnotnull': {
        const [input] = args
        const { isNull } = input === undefined ? nothing : this.#operand(input)
        return { value: name === 'isnull' ? `(${isNull})` : `!(${isNull})`, isNull: 'false' }
      }
      case 'in':
        return this.#in(expression)
      case '=':
      case '!=':
        return this.#textEquals(expression) ?? this.#strictCall(expression)
      default:
        return this.#strictCall(expression)
    }
  }

  /** A function that is NULL when an argument is, as code if it has some, as a call otherwise. */
  #strictCall(expression: Extract<Expression, { kind: 'call' }>): Operand {
    const { name, args, type } = expression
    const called = functionNamed(name)
    const types = { args: args.map((arg) => arg.type), result: type }
    if (called.lazy !== undefined) throw new NoCode()
    if (!called.strict || called.emit === undefined) {
      const evaluate = (values: readonly Value[]): Value =>
        called.strict && values.includes(null) ? null : called.evaluate(values, types)
      return this.#boxedCall(args, type, evaluate)
    }
    const operands = args.map((arg) => this.#settled(this.#operand(arg)))
    const signature = called.typing(args.map((arg) => ({ type: arg.type, nullable: false })))
    const mayBeNull = 'nullable' in signature && signature.nullable
    const { emit } = called
    const produced = this.#guarded(operands, () => {
      const values = operands.map((operand) => operand.value)
      return emit(values, types, this.#emitter(args))
    })
    if (produced === undefined) {
      return this.#boxedCall(args, type, (values) =>
        values.includes(null) ? null : called.evaluate(values, types),
      )
    }
    if (!mayBeNull) return produced
    const isNull = produced.isNull === 'false' ? '' : `${produced.isNull} || `
    return { value: produced.value, isNull: `(${isNull}${produced.value} === null)` }
  }

  #emitter(args: readonly Expression[]): Emitter {
    return {
      constant: (value) => this.#constant(value),
      local: (code) => this.#local(code),
      bailIf: (condition) => void this.#lines.push(`if (${condition}) return -1`),
      literal(index) {
        const arg = args[index]
        return arg?.kind === 'literal' ? arg.value : undefined
      },
    }
  }

  /** What `produce` writes runs only where no operand is null; `undefined` if it declines. */
  #guarded(operands: readonly Operand[], produce: () => string | undefined): Operand | undefined {
    const nulls = operands.map(({ isNull }) => isNull).filter((isNull) => isNull !== 'false')
    const outer = this.#lines
    this.#lines = []
    const value = produce()
    const inner = this.#lines
    this.#lines = outer
    if (value === undefined) return undefined
    if (nulls.length === 0) {
      this.#lines.push(...inner)
      return { value: this.#local(value), isNull: 'false' }
    }
    const name = this.#name()
    const isNull = this.#local(nulls.join(' || '))
    this.#lines.push(`let ${name}`, `if (!${isNull}) {`, ...inner, `${name} = ${value}`, '}')
    return { value: name, isNull }
  }

  /** Calls a function over values in the interpreter's form. */
  #boxedCall(
    args: readonly Expression[],
    type: DataType,
    evaluate: (values: readonly Value[]) => Value,
  ): Operand {
    const values = args.map((arg) => {
      const { value, isNull } = this.#operand(arg)
      const box = isExact(arg.type) ? `BigInt(${value})` : value
      if (isNull === 'false') return box
      return isNull === 'true' ? 'null' : `(${isNull} ? null : ${box})`
    })
    const result = this.#local(`${this.#constant(evaluate)}([${values.join(', ')}])`)
    if (!isExact(type)) return { value: result, isNull: `(${result} === null)` }
    const number = this.#local(`Number(${result})`)
    this.#lines.push(`if (!Number.isSafeInteger(${number})) return -1`)
    return { value: number, isNull: `(${result} === null)` }
  }

  #userCall(expression: Extract<Expression, { kind: 'udf' }>) {
    const context = { processingTime: 0 }
    return (values: readonly Value[]): Value => {
      const args = expression.args.map(
        (arg, index): Expression => ({
          kind: 'literal',
          value: values[index] ?? null,
          type: arg.type,
        }),
      )
      return interpret({ ...expression, args }, () => null, context)
    }
  }

  /** Kleene's and/or: the deciding value ends the evaluation, also of what might raise. */
  #logic(args: readonly Expression[], decisive: boolean): Operand {
    const value = this.#name()
    const isNull = this.#name()
    const label = this.#name()
    this.#lines.push(`let ${value} = ${!decisive}, ${isNull} = false`, `${label}: {`)
    for (const arg of args) {
      const operand = this.#operand(arg)
      const decides = `${decisive ? '' : '!'}${operand.value}`
      const end = `{ ${value} = ${decisive}; ${isNull} = false; break ${label} }`
      if (operand.isNull === 'false') this.#lines.push(`if (${decides}) ${end}`)
      else if (operand.isNull === 'true') this.#lines.push(`${isNull} = true`)
      else {
        this.#lines.push(`if (${operand.isNull}) ${isNull} = true`, `else if (${decides}) ${end}`)
      }
    }
    this.#lines.push('}')
    return { value, isNull }
  }

  #coalesce(args: readonly Expression[]): Operand {
    const value = this.#name()
    const isNull = this.#name()
    const label = this.#name()
    this.#lines.push(`let ${value}, ${isNull} = true`, `${label}: {`)
    for (const arg of args) {
      const operand = this.#operand(arg)
      const take = `{ ${value} = ${operand.value}; ${isNull} = false; break ${label} }`
      if (operand.isNull !== 'true') this.#lines.push(`if (!(${operand.isNull})) ${take}`)
    }
    this.#lines.push('}')
    return { value, isNull }
  }

  #case({ branches, otherwise }: Extract<Expression, { kind: 'case' }>): Operand {
    const value = this.#name()
    const isNull = this.#name()
    const label = this.#name()
    this.#lines.push(`let ${value}, ${isNull} = true`, `${label}: {`)
    const take = (result: Operand): void => {
      this.#lines.push(`${isNull} = ${result.isNull}`)
      if (result.isNull !== 'true') this.#lines.push(`if (!${isNull}) ${value} = ${result.value}`)
    }
    for (const branch of branches) {
      const when = this.#operand(branch.when)
      const holds = when.isNull === 'false' ? when.value : `!(${when.isNull}) && ${when.value}`
      this.#lines.push(`if (${holds}) {`)
      take(this.#operand(branch.then))
      this.#lines.push(`break ${label}`, '}')
    }
    if (otherwise !== undefined) take(this.#operand(otherwise))
    this.#lines.push('}')
    return { value, isNull }
  }

  /** `x IN (constants)` as one look-up in a set. */
  #in(expression: Extract<Expression, { kind: 'call' }>): Operand {
    const [input, ...list] = expression.args
    const values = list.map((item) => (item.kind === 'literal' ? item.value : undefined))
    const simple = input !== undefined && isSetType(input.type) && !values.includes(undefined)
    if (!simple) return this.#strictCall(expression)
    const operand = this.#settled(this.#operand(input))
    const present = values.filter((value) => value !== null && value !== undefined)
    // Beyond 2^53 a constant equals no value that a loop can hold.
    const set = new Set(present.map((value) => (typeof value === 'bigint' ? Number(value) : value)))
    const value = this.#local(`${this.#constant(set)}.has(${operand.value})`)
    const hasNull = values.includes(null)
    const missed = hasNull ? `!${value}` : 'false'
    const isNull = operand.isNull === 'false' ? missed : `(${operand.isNull} || ${missed})`
    return { value, isNull }
  }

  /** A text column against a constant: bytes are compared, no text is made. */
  #textEquals(expression: Extract<Expression, { kind: 'call' }>): Operand | undefined {
    const [left, right] = expression.args
    const [input, constant] = right?.kind === 'literal' ? [left, right] : [right, left]
    const path = input === undefined ? undefined : pathOf(input)
    if (path === undefined || constant?.kind !== 'literal') return undefined
    // Half a surrogate pair has no bytes of its own.
    if (typeof constant.value !== 'string' || /\p{Cs}/u.test(constant.value)) return undefined
    const read = this.#reads.findIndex((each) => each.path.join('.') === path.join('.'))
    if (this.#inputs[read]?.column.layout !== 'bytes') return undefined
    const { isNull } = this.#read(path.join('.'))
    const bytes = this.#constant(new TextEncoder().encode(constant.value))
    const equal = `${this.#constant(bytesEqual)}(i${read}, row, ${bytes})`
    return { value: `(${expression.name === '=' ? '' : '!'}${equal})`, isNull }
  }

  #cast({ input, type, safe }: Extract<Expression, { kind: 'cast' }>): Operand {
    const from = input.type
    const operand = this.#operand(input)
    if (widensFreely(from, type)) return operand
    const types = { from, to: type, safe }
    if (type.kind === 'string' && ['int', 'short', 'byte', 'long'].includes(from.kind)) {
      return { value: `String(${operand.value})`, isNull: operand.isNull }
    }
    const factor = decimalFactor(from, type)
    if (factor === undefined) {
      return this.#boxedCall([input], type, ([value = null]) => castValue(value, types))
    }
    if (factor === 1) return operand
    const scaled = this.#local(`${operand.value} * ${factor}`)
    const unsafe = `!Number.isSafeInteger(${scaled})`
    const guard = operand.isNull === 'false' ? unsafe : `!(${operand.isNull}) && ${unsafe}`
    this.#lines.push(`if (${guard}) return -1`)
    return { value: scaled, isNull: operand.isNull }
  }

  #field({ input, index, type }: Extract<Expression, { kind: 'field' }>): Operand {
    return this.#boxedCall([input], type, ([struct = null]) =>
      Array.isArray(struct) ? (struct[index] ?? null) : null,
    )
  }

  /** The operand with its value in a local, so that using it twice computes it once. */
  #settled({ value, isNull }: Operand): Operand {
    if (isNull === 'true' || /^[a-z]\d+$/.test(value)) return { value, isNull }
    if (isNull === 'false') return { value: this.#local(value), isNull }
    const flag = this.#local(isNull)
    return { value: this.#local(`${flag} ? undefined : ${value}`), isNull: flag }
  }

  #constant(value: unknown): string {
    // By identity that tells −0 from 0.
    const known = this.#constants.findIndex((each) => Object.is(each, value))
    if (known >= 0) return `c${known}`
    this.#constants.push(value)
    return `c${this.#constants.length - 1}`
  }

  #local(code: string): string {
    const name = this.#name()
    this.#lines.push(`const ${name} = ${code}`)
    return name
  }

  #name(): string {
    return `v${this.#names++}`
  }
}

function bitIsClear(bitmap: string): string {
  return `((${bitmap}[row >> 3] >> (row & 7)) & 1) === 0`
}

/** LONG and DECIMAL: numbers in loops, big integers in the interpreter. */
function isExact(type: DataType): boolean {
  return type.kind === 'long' || type.kind === 'decimal'
}

function isNumeric(type: DataType): boolean {
  const kinds = ['byte', 'short', 'int', 'long', 'float', 'double', 'decimal', 'date', 'timestamp']
  return kinds.includes(type.kind)
}

function isSetType(type: DataType): boolean {
  return ['byte', 'short', 'int', 'long', 'string', 'date', 'timestamp', 'boolean'].includes(
    type.kind,
  )
}

const integralOrder = ['byte', 'short', 'int', 'long']

/** Casts that change nothing about a number: to a wider whole number, or to double. */
function widensFreely(from: DataType, to: DataType): boolean {
  const source = integralOrder.indexOf(from.kind)
  if (source < 0) return from.kind === 'float' && to.kind === 'double'
  return to.kind === 'double' || integralOrder.indexOf(to.kind) >= source
}

/** Decimal digits that whole numbers of a type may have. */
const digitsOf: Readonly<Record<string, number>> = { byte: 3, short: 5, int: 10, long: 19 }

/**
 * What a whole number or decimal is multiplied by to become a decimal that always has room for it;
 * `undefined` where digits may be lost or not fit.
 */
function decimalFactor(from: DataType, to: DataType): number | undefined {
  if (to.kind !== 'decimal') return undefined
  const scale = from.kind === 'decimal' ? from.scale : 0
  const digits = from.kind === 'decimal' ? from.precision - from.scale : digitsOf[from.kind]
  if (digits === undefined || to.scale < scale) return undefined
  // What a loop holds is below 2^53, which has 16 digits.
  const hasRoom = to.precision >= 16 || to.precision - to.scale >= digits
  if (!hasRoom) return undefined
  return 10 ** (to.scale - scale)
}

function bytesEqual(
  { offsets, data }: Extract<Column, { layout: 'bytes' }>,
  row: number,
  wanted: Uint8Array,
): boolean {
  const start = offsets[row] as number
  if ((offsets[row + 1] as number) - start !== wanted.length) return false
  for (let index = 0; index < wanted.length; index++) {
    if (data[start + index] !== wanted[index]) return false
  }
  return true
}

const decoded = new WeakMap<object, readonly string[]>()

/** The texts of a dictionary, decoded once however many batches share it. */
function dictionaryTexts({
  dictionary,
}: Extract<Column, { layout: 'dictionary' }>): readonly string[] {
  const known = decoded.get(dictionary)
  if (known !== undefined) return known
  const texts = Array.from({ length: dictionary.offsets.length - 1 }, (_, row) =>
    textAt(dictionary, row),
  )
  decoded.set(dictionary, texts)
  return texts
}
