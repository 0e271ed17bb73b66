import { parseType } from '../batch/ddl.ts'
import {
  booleanType,
  type DataType,
  dateType,
  doubleType,
  intType,
  longType,
  stringType,
  timestampType,
  voidType,
} from '../batch/schema.ts'
import { parseDate, parseTimestamp } from '../batch/time-text.ts'
import type { Value } from '../batch/value.ts'
import { intervalMicros, parseInterval } from '../core/duration.ts'
import { StreamError } from '../core/error.ts'
import { lex, type Token } from './lex.ts'
import type { UnresolvedExpression } from './unresolved.ts'

// Over 400 lines: one recursive descent; splitting the levels of precedence over files would hide what binds tighter.

/**
 * Reads one SQL expression; the same nodes as the methods of `Column` build.
 * @throws StreamError `PARSE_ERROR` with the position
 */
export function parseExpression(text: string): UnresolvedExpression {
  const parser = new Parser(text)
  const expression = parser.expression()
  parser.expectEnd()
  return expression
}

/**
 * Reads one item of a select list: an expression with an optional alias (`AS name`, `name`, or
 * `AS (a, b)` behind a generator), or a star.
 * @throws StreamError `PARSE_ERROR` with the position
 */
export function parseSelectItem(text: string): UnresolvedExpression {
  const parser = new Parser(text)
  const item = parser.selectItem()
  parser.expectEnd()
  return item
}

/** Words that end an expression rather than name its alias. */
const reserved = new Set(
  'and or not is in between like ilike rlike regexp div case when then else end as from where null true false distinct filter'.split(
    ' ',
  ),
)

const comparisons: Readonly<Record<string, string>> = {
  '=': '=',
  '==': '=',
  '<': '<',
  '<=': '<=',
  '>': '>',
  '>=': '>=',
  '<=>': '<=>',
}

/** Levels of brackets, of NOT and of signs; far below what the stack holds. */
const levelsMax = 200

class Parser {
  readonly #text: string
  readonly #tokens: readonly Token[]
  #at = 0
  #level = 0

  constructor(text: string) {
    this.#text = text
    this.#tokens = lex(text)
  }

  selectItem(): UnresolvedExpression {
    const input = this.expression()
    if (this.#skipWord('as') && this.#skip('(')) {
      const names = this.#list(() => this.#name())
      const [name = '', ...more] = names
      return { kind: 'alias', input, name, more }
    }
    const { type, value } = this.#peek()
    const isAlias = type === 'quotedName' || (type === 'name' && !reserved.has(value.toLowerCase()))
    return isAlias ? { kind: 'alias', input, name: this.#name() } : input
  }

  expression(): UnresolvedExpression {
    return this.#nested(() => this.#binary('or', () => this.#binary('and', () => this.#not())))
  }

  #nested(read: () => UnresolvedExpression): UnresolvedExpression {
    if (this.#level === levelsMax) this.#fail(`it is nested in more than ${levelsMax} levels`)
    this.#level++
    const expression = read()
    this.#level--
    return expression
  }

  expectEnd(): void {
    if (this.#peek().type !== 'end') this.#fail(`unexpected ${this.#peek().text}`)
  }

  /** Calls joined by one word, gathered from the left. */
  #binary(word: string, next: () => UnresolvedExpression): UnresolvedExpression {
    let left = next()
    while (this.#skipWord(word)) left = call(word, left, next())
    return left
  }

  #not(): UnresolvedExpression {
    if (!this.#skipWord('not') && !this.#skip('!')) return this.#predicate()
    return call(
      'not',
      this.#nested(() => this.#not()),
    )
  }

  #predicate(): UnresolvedExpression {
    let left = this.#bits()
    for (;;) {
      const before = this.#at
      const negated = this.#skipWord('not')
      const next = this.#predicateTail(left)
      if (next === undefined) {
        this.#at = before
        return left
      }
      left = negated ? call('not', next) : next
    }
  }

  #predicateTail(left: UnresolvedExpression): UnresolvedExpression | undefined {
    const { value, type } = this.#peek()
    const operator = type === 'symbol' ? comparisons[value] : undefined
    if (operator !== undefined) {
      this.#at++
      return call(operator, left, this.#bits())
    }
    if (this.#skip('<>') || this.#skip('!=')) return call('not', call('=', left, this.#bits()))
    if (this.#skipWord('is')) return this.#is(left)
    if (this.#skipWord('between')) {
      const lower = this.#bits()
      if (!this.#skipWord('and')) this.#fail('AND is expected in BETWEEN')
      return call('and', call('>=', left, lower), call('<=', left, this.#bits()))
    }
    if (this.#skipWord('in')) {
      this.#expect('(')
      return call('in', left, ...this.#list(() => this.expression()))
    }
    for (const word of ['like', 'ilike']) {
      if (!this.#skipWord(word)) continue
      const sought = this.#bits()
      return this.#skipWord('escape')
        ? call(word, left, sought, this.#bits())
        : call(word, left, sought)
    }
    return this.#skipWord('rlike') || this.#skipWord('regexp')
      ? call('rlike', left, this.#bits())
      : undefined
  }

  #is(left: UnresolvedExpression): UnresolvedExpression {
    const negated = this.#skipWord('not')
    const positive = this.#isWhat(left, negated)
    return positive.done || !negated ? positive.test : call('not', positive.test)
  }

  #isWhat(
    left: UnresolvedExpression,
    negated: boolean,
  ): { readonly test: UnresolvedExpression; readonly done: boolean } {
    if (this.#skipWord('null')) {
      return { test: call(negated ? 'isnotnull' : 'isnull', left), done: true }
    }
    if (this.#skipWord('true')) return { test: call('<=>', left, boolean(true)), done: false }
    if (this.#skipWord('false')) return { test: call('<=>', left, boolean(false)), done: false }
    if (this.#skipWord('distinct') && this.#skipWord('from')) {
      const same = call('<=>', left, this.#bits())
      return { test: negated ? same : call('not', same), done: true }
    }
    return this.#fail('NULL, TRUE, FALSE or DISTINCT FROM is expected behind IS')
  }

  #bits(): UnresolvedExpression {
    return this.#symbols({ '|': '|', '^': '^', '&': '&' }, () =>
      this.#symbols({ '+': '+', '-': '-', '||': 'concat' }, () =>
        this.#symbols({ '*': '*', '/': '/', '%': '%' }, () => this.#unary()),
      ),
    )
  }

  /** Operators of one level, from the left; DIV stands with the products. */
  #symbols(
    operators: Readonly<Record<string, string>>,
    next: () => UnresolvedExpression,
  ): UnresolvedExpression {
    let left = next()
    for (;;) {
      const { type, value } = this.#peek()
      const isDiv = type === 'name' && value.toLowerCase() === 'div' && '*' in operators
      const name = isDiv ? 'div' : type === 'symbol' ? operators[value] : undefined
      if (name === undefined) return left
      this.#at++
      left = call(name, left, next())
    }
  }

  #unary(): UnresolvedExpression {
    if (this.#skip('-')) {
      const { type, value } = this.#peek()
      if (type === 'number') {
        this.#at++
        return this.#postfix(this.#number(`-${value}`))
      }
      return call(
        'negative',
        this.#nested(() => this.#unary()),
      )
    }
    if (this.#skip('+')) return this.#nested(() => this.#unary())
    if (this.#skip('~')) {
      return call(
        'bitwise_not',
        this.#nested(() => this.#unary()),
      )
    }
    return this.#postfix(this.#primary())
  }

  #postfix(start: UnresolvedExpression): UnresolvedExpression {
    let input = start
    for (;;) {
      if (this.#skip('[')) {
        const key = this.expression()
        this.#expect(']')
        input = call('get', input, key)
      } else if (this.#skip('::')) {
        input = { kind: 'cast', input, type: this.#type(), safe: false }
      } else if (this.#skip('.')) {
        if (this.#skip('*')) {
          if (input.kind !== 'name') this.#fail('a star is expected behind a name only')
          input = { kind: 'star', path: input.kind === 'name' ? input.path : [] }
        } else {
          const name = this.#name()
          input =
            input.kind === 'name'
              ? { kind: 'name', path: [...input.path, name] }
              : { kind: 'field', input, name }
        }
      } else return input
    }
  }

  #primary(): UnresolvedExpression {
    const token = this.#peek()
    this.#at++
    switch (token.type) {
      case 'number':
        return this.#number(token.value)
      case 'string':
        return { kind: 'literal', value: token.value, type: stringType }
      case 'quotedName':
        return { kind: 'name', path: [token.value] }
      case 'name':
        return this.#word(token)
      case 'symbol':
        if (token.value === '*') return { kind: 'star', path: [] }
        if (token.value === '(') {
          const inner = this.expression()
          this.#expect(')')
          return inner
        }
        break
      default:
        break
    }
    this.#at--
    return this.#fail(`an expression is expected, not ${token.text}`)
  }

  #word(token: Token): UnresolvedExpression {
    const word = token.value.toLowerCase()
    const follows = this.#peek()
    switch (word) {
      case 'true':
      case 'false':
        return boolean(word === 'true')
      case 'null':
        return { kind: 'literal', value: null, type: voidType }
      case 'case':
        return this.#case()
      case 'cast':
      case 'try_cast':
        if (follows.value === '(') return this.#cast(word === 'try_cast')
        break
      case 'timestamp':
      case 'date':
        if (follows.type === 'string') return this.#time(word)
        break
      case 'interval':
        if (follows.type === 'string' || follows.type === 'number') return this.#interval()
        break
      case 'extract':
        if (follows.value === '(') return this.#extract()
        break
      case 'x':
        if (follows.type === 'string') return this.#bytes()
        break
      default:
        break
    }
    if (follows.value === '(' && follows.type === 'symbol') return this.#call(token.value)
    if (reserved.has(word)) {
      this.#at--
      this.#fail(`an expression is expected, not ${token.text}`)
    }
    return { kind: 'name', path: [token.value] }
  }

  #call(name: string): UnresolvedExpression {
    this.#expect('(')
    const worded = this.#wordedCall(name.toLowerCase())
    if (worded !== undefined) return worded
    const distinct = this.#skipWord('distinct')
    const args = this.#list(() => this.#argument(name))
    const filter = this.#filter()
    // `first(x) IGNORE NULLS` is `first(x, true)`.
    if (this.#skipWords('ignore', 'nulls')) args.push(boolean(true))
    else this.#skipWords('respect', 'nulls')
    const over = this.#over()
    if (over !== undefined) return { kind: 'over', name, args, ...over }
    return {
      kind: 'call',
      name,
      args,
      ...(filter === undefined ? {} : { filter }),
      ...(distinct ? { distinct } : {}),
    }
  }

  /** `OVER (PARTITION BY … ORDER BY …)`; frames are not read, as no function takes one. */
  #over() {
    const start = this.#at
    if (!this.#skipWord('over') || !this.#skip('(')) {
      this.#at = start
      return undefined
    }
    const partitionBy = this.#skipWords('partition', 'by')
      ? this.#items(() => this.expression())
      : []
    const orderBy = this.#skipWords('order', 'by') ? this.#items(() => this.#sortKey()) : []
    this.#expect(')')
    return { partitionBy, orderBy }
  }

  /** `x DESC NULLS LAST`; ascending, and NULL smaller than everything, unless told otherwise. */
  #sortKey(): UnresolvedExpression {
    const input = this.expression()
    const descending = this.#skipWord('desc')
    if (!descending) this.#skipWord('asc')
    const first = this.#skipWords('nulls', 'first')
    const last = !first && this.#skipWords('nulls', 'last')
    return { kind: 'sort', input, descending, nullsFirst: first || (!last && !descending) }
  }

  /** `FILTER (WHERE …)`. */
  #filter(): UnresolvedExpression | undefined {
    if (!this.#skipWord('filter')) return undefined
    this.#expect('(')
    if (!this.#skipWord('where')) this.#fail('WHERE is expected in FILTER')
    const filter = this.expression()
    this.#expect(')')
    return filter
  }

  /** Only `struct` gives its arguments names. */
  #argument(name: string): UnresolvedExpression {
    const input = this.expression()
    if (name.toLowerCase() !== 'struct' || !this.#skipWord('as')) return input
    return { kind: 'alias', input, name: this.#name() }
  }

  /** Calls that SQL writes with words: `trim(BOTH 'x' FROM s)`, `substring(s FROM 2 FOR 1)`, `position('a' IN s)`. */
  #wordedCall(name: string): UnresolvedExpression | undefined {
    const start = this.#at
    if (name === 'trim') {
      const side = ['both', 'leading', 'trailing'].find((word) => this.#skipWord(word))
      if (side === undefined) return undefined
      const characters = this.#isWord('from') ? undefined : this.expression()
      if (!this.#skipWord('from')) this.#fail('FROM is expected in TRIM')
      const text = this.expression()
      this.#expect(')')
      const trim = side === 'both' ? 'trim' : side === 'leading' ? 'ltrim' : 'rtrim'
      return characters === undefined ? call(trim, text) : call(trim, characters, text)
    }
    if (name !== 'substring' && name !== 'substr' && name !== 'position') return undefined
    const first = name === 'position' ? this.#bits() : this.expression()
    const word = name === 'position' ? 'in' : 'from'
    if (!this.#skipWord(word)) {
      this.#at = start
      return undefined
    }
    const args = [first, this.expression()]
    if (word === 'from' && this.#skipWord('for')) args.push(this.expression())
    this.#expect(')')
    return call(name, ...args)
  }

  #bytes(): UnresolvedExpression {
    const token = this.#peek()
    this.#at++
    const digits = token.value.length % 2 === 0 ? token.value : `0${token.value}`
    if (!/^[0-9a-fA-F]*$/.test(digits)) this.#failAt(token, `${token.text} is not hexadecimal`)
    const pairs = digits.match(/../g) ?? []
    const value = Uint8Array.from(pairs, (pair) => Number.parseInt(pair, 16))
    return { kind: 'literal', value, type: { kind: 'binary' } }
  }

  #case(): UnresolvedExpression {
    const operand = this.#isWord('when') ? undefined : this.expression()
    const branches: { when: UnresolvedExpression; then: UnresolvedExpression }[] = []
    while (this.#skipWord('when')) {
      const condition = this.expression()
      if (!this.#skipWord('then')) this.#fail('THEN is expected')
      const when = operand === undefined ? condition : call('=', operand, condition)
      branches.push({ when, then: this.expression() })
    }
    if (branches.length === 0) this.#fail('WHEN is expected')
    const otherwise = this.#skipWord('else') ? this.expression() : undefined
    if (!this.#skipWord('end')) this.#fail('END is expected')
    return { kind: 'case', branches, otherwise }
  }

  #cast(safe: boolean): UnresolvedExpression {
    this.#expect('(')
    const input = this.expression()
    if (!this.#skipWord('as')) this.#fail('AS is expected in CAST')
    const type = this.#type()
    this.#expect(')')
    return { kind: 'cast', input, type, safe }
  }

  #extract(): UnresolvedExpression {
    this.#expect('(')
    const field = this.#name()
    if (!this.#skipWord('from')) this.#fail('FROM is expected in EXTRACT')
    const input = this.expression()
    this.#expect(')')
    return call(field.toLowerCase(), input)
  }

  /** Takes tokens as long as their brackets are open, and leaves the reading to the DDL parser. */
  #type(): DataType {
    const start = this.#peek()
    const words: string[] = []
    let depth = 0
    do {
      const { text, value, type } = this.#peek()
      if (type === 'end') this.#fail('the type is not finished')
      if (value === '<' || value === '(') depth++
      if (value === '>' || value === ')') depth--
      words.push(text)
      this.#at++
    } while (depth > 0 || (words.length === 1 && ['<', '('].includes(this.#peek().value)))
    try {
      return parseType(words.join(' '))
    } catch {
      return this.#failAt(start, `${words.join('')} is not a type`)
    }
  }

  #time(word: 'timestamp' | 'date'): UnresolvedExpression {
    const token = this.#peek()
    this.#at++
    const value = word === 'timestamp' ? parseTimestamp(token.value) : parseDate(token.value)
    if (value === undefined) this.#failAt(token, `${token.text} is not a ${word}`)
    const type = word === 'timestamp' ? timestampType : dateType
    return { kind: 'literal', value: value ?? null, type }
  }

  /** `INTERVAL '5' MINUTE`, `INTERVAL 5 MINUTES`, `INTERVAL '1 hour 30 minutes'`. */
  #interval(): UnresolvedExpression {
    const start = this.#peek()
    const parts: string[] = []
    for (;;) {
      const { type, value } = this.#peek()
      const isUnit = type === 'name' && parts.length > 0 && !reserved.has(value.toLowerCase())
      if (type !== 'string' && type !== 'number' && !isUnit) break
      parts.push(value)
      this.#at++
    }
    try {
      const interval = parseInterval(parts.join(' '))
      return {
        kind: 'interval',
        months: interval.months,
        micros: intervalMicros({ ...interval, months: 0 }),
      }
    } catch {
      return this.#failAt(start, `${parts.join(' ')} is not an interval`)
    }
  }

  #number(text: string): UnresolvedExpression {
    const match = /^(-?[\d.]+(?:[eE][+-]?\d+)?)([a-zA-Z]*)$/.exec(text)
    const digits = match?.[1] ?? text
    const suffix = (match?.[2] ?? '').toUpperCase()
    const literal = numberLiteral(digits, suffix)
    if (literal === undefined) return this.#fail(`${text} is out of range`)
    return { kind: 'literal', ...literal }
  }

  #name(): string {
    const { type, value, text } = this.#peek()
    if (type !== 'name' && type !== 'quotedName') this.#fail(`a name is expected, not ${text}`)
    this.#at++
    return value
  }

  /** Items up to the closing bracket, which is taken too. */
  #list<T>(item: () => T): T[] {
    if (this.#skip(')')) return []
    const items = this.#items(item)
    this.#expect(')')
    return items
  }

  /** One or more, with commas between them. */
  #items<T>(item: () => T): T[] {
    const items: T[] = []
    do items.push(item())
    while (this.#skip(','))
    return items
  }

  #peek(): Token {
    return (
      this.#tokens[this.#at] ?? {
        type: 'end',
        text: 'the end',
        value: '',
        position: this.#text.length,
      }
    )
  }

  #skip(symbol: string): boolean {
    const { type, value } = this.#peek()
    if (type !== 'symbol' || value !== symbol) return false
    this.#at++
    return true
  }

  #isWord(word: string): boolean {
    const { type, value } = this.#peek()
    return type === 'name' && value.toLowerCase() === word
  }

  /** Both words, or none. */
  #skipWords(first: string, second: string): boolean {
    const before = this.#at
    if (this.#skipWord(first) && this.#skipWord(second)) return true
    this.#at = before
    return false
  }

  #skipWord(word: string): boolean {
    if (!this.#isWord(word)) return false
    this.#at++
    return true
  }

  #expect(symbol: string): void {
    if (!this.#skip(symbol)) this.#fail(`"${symbol}" is expected, not ${this.#peek().text}`)
  }

  #fail(why: string): never {
    return this.#failAt(this.#peek(), why)
  }

  #failAt({ position }: Token, why: string): never {
    throw new StreamError('PARSE_ERROR', { text: this.#text, position, why })
  }
}

function call(name: string, ...args: readonly UnresolvedExpression[]): UnresolvedExpression {
  return { kind: 'call', name, args }
}

function boolean(value: boolean): UnresolvedExpression {
  return { kind: 'literal', value, type: booleanType }
}

/** A number in the smallest type that Spark gives it; `undefined` if its suffix's type cannot hold it. */
function numberLiteral(
  digits: string,
  suffix: string,
): { readonly value: Value; readonly type: DataType } | undefined {
  if (suffix === 'D' || (suffix === '' && /[eE]/.test(digits))) {
    return { value: Number(digits), type: doubleType }
  }
  if (suffix === 'F') return { value: Math.fround(Number(digits)), type: { kind: 'float' } }
  if (suffix === 'BD' || digits.includes('.')) return decimalLiteral(digits)
  const exact = BigInt(digits)
  if (suffix === 'Y') return whole(exact, 7n, { kind: 'byte' })
  if (suffix === 'S') return whole(exact, 15n, { kind: 'short' })
  if (suffix === 'L') return wholeLong(exact)
  return whole(exact, 31n, intType) ?? wholeLong(exact) ?? decimalLiteral(digits)
}

function whole(exact: bigint, bits: bigint, type: DataType) {
  const limit = 1n << bits
  return exact < limit && exact >= -limit ? { value: Number(exact), type } : undefined
}

function wholeLong(exact: bigint) {
  return BigInt.asIntN(64, exact) === exact ? { value: exact, type: longType } : undefined
}

function decimalLiteral(text: string): { value: Value; type: DataType } | undefined {
  const [digits = '', exponent = '0'] = text.split(/[eE]/)
  const [wholePart = '', fraction = ''] = digits.split('.')
  const power = Number(exponent)
  if (Math.abs(power) > 38) return undefined
  // `12e3BD` has no digits behind the point: its zeros belong to the value.
  const scale = Math.max(fraction.length - power, 0)
  const zeros = '0'.repeat(Math.max(power - fraction.length, 0))
  const value = BigInt(`${wholePart}${fraction}${zeros}` || '0')
  const count = String(value < 0n ? -value : value).length
  const precision = Math.max(count, scale)
  if (precision > 38) return undefined
  return { value, type: { kind: 'decimal', precision, scale } }
}
