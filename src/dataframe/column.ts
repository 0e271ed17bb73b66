import { parseType } from '../batch/ddl.ts'
import { plainType } from '../batch/plain-type.ts'
import type { DataType } from '../batch/schema.ts'
import { StreamError } from '../core/error.ts'
import type { UnresolvedExpression } from '../expr/unresolved.ts'
import { type Literal, literal } from './literal.ts'

/** A column, or a value that is meant literally: the string `'a'` is the text a, not the column a. */
export type ColumnOrLiteral = Column | Literal

/** A column, or the name of one: the string `'a'` is the column a. */
export type ColumnOrName = Column | string

/**
 * An expression over the columns of a frame that is not yet known. Made by `col`, `lit`, `expr` and the
 * other functions; immutable. JavaScript has no operators to overload, so they are methods here:
 * `col('a').eq(1).and(col('b').gt(2))`.
 *
 * @example
 * ```ts
 * import { Session } from 'millrace'
 * import { col } from 'millrace/functions'
 *
 * const spark = Session.builder.getOrCreate()
 * const orders = spark.createDataFrame([{ id: 1, price: 20 }, { id: 2, price: 5 }], 'id INT, price INT')
 * const dear = orders.filter(col('price').gt(10)).select(col('id').alias('order'))
 * console.log(await dear.collect())
 * await spark.stop()
 * ```
 */
export interface Column {
  /** The expression as data; for the engine and for tests. */
  readonly expression: UnresolvedExpression

  /** Addition. Whole numbers that leave their type raise `ARITHMETIC_OVERFLOW` (ANSI). */
  plus(other: ColumnOrLiteral): Column
  /** Subtraction. */
  minus(other: ColumnOrLiteral): Column
  /** Multiplication. */
  multiply(other: ColumnOrLiteral): Column
  /** Division; whole numbers divide to DOUBLE. Division by zero raises `DIVIDE_BY_ZERO` (ANSI). */
  divide(other: ColumnOrLiteral): Column
  /** Remainder with the sign of the dividend. */
  mod(other: ColumnOrLiteral): Column
  /** The number with the opposite sign. */
  negate(): Column
  /** The bits that both whole numbers have. */
  bitwiseAND(other: ColumnOrLiteral): Column
  /** The bits that either has. */
  bitwiseOR(other: ColumnOrLiteral): Column
  /** The bits that exactly one has. */
  bitwiseXOR(other: ColumnOrLiteral): Column

  /** Equal; NULL if either side is. */
  eq(other: ColumnOrLiteral): Column
  /** Not equal; NULL if either side is. */
  neq(other: ColumnOrLiteral): Column
  /** Equal, where NULL equals NULL; never NULL itself. */
  eqNullSafe(other: ColumnOrLiteral): Column
  /** Greater than. */
  gt(other: ColumnOrLiteral): Column
  /** Greater than or equal. */
  geq(other: ColumnOrLiteral): Column
  /** Less than. */
  lt(other: ColumnOrLiteral): Column
  /** Less than or equal. */
  leq(other: ColumnOrLiteral): Column
  /** Between both bounds, which belong to it. */
  between(lower: ColumnOrLiteral, upper: ColumnOrLiteral): Column
  /** One of the values; a single array counts as its elements. */
  isin(...values: readonly (ColumnOrLiteral | readonly ColumnOrLiteral[])[]): Column

  /** Both; SQL's three-valued logic. */
  and(other: ColumnOrLiteral): Column
  /** Either. */
  or(other: ColumnOrLiteral): Column
  /** The opposite of a condition. */
  not(): Column

  /** True where the value is NULL. */
  isNull(): Column
  /** True where the value is not NULL. */
  isNotNull(): Column
  /** True where the value is NaN. */
  isNaN(): Column

  /** SQL LIKE: `%` stands for any text, `_` for one character. */
  like(pattern: string): Column
  /** LIKE without regard to letter case. */
  ilike(pattern: string): Column
  /** True where the regular expression matches somewhere. */
  rlike(pattern: string): Column
  startsWith(prefix: ColumnOrLiteral): Column
  endsWith(suffix: ColumnOrLiteral): Column
  contains(part: ColumnOrLiteral): Column
  /** `length` characters from the 1-based `start`. */
  substr(start: ColumnOrLiteral, length: ColumnOrLiteral): Column

  /** The element of an array by 0-based position, the value of a map by key, or a field of a struct. */
  getItem(key: string | number | bigint): Column
  /** A field of a struct. */
  getField(name: string): Column

  /**
   * The value as another type. A value that does not fit raises `CAST_INVALID_INPUT` (ANSI).
   *
   * @param type - DDL text such as `'long'` or `'array<string>'`, or a type of the `types` helpers
   */
  cast(type: string | DataType): Column
  /** Like `cast`, with NULL for values that do not fit. */
  tryCast(type: string | DataType): Column

  /** Gives the result column a name; a generator of several columns takes several. */
  alias(name: string, ...more: readonly string[]): Column
  /** The same as `alias`. */
  as(name: string, ...more: readonly string[]): Column
  /** The same as `alias`. */
  name(name: string): Column

  /** One more branch; only after `when(…)` of the functions. */
  when(condition: Column, value: ColumnOrLiteral): Column
  /** The value where no branch holds; without it that is NULL. */
  otherwise(value: ColumnOrLiteral): Column

  /**
   * A window function over the rows of a window: `row_number().over(…)`, the only one there is. Stands in
   * `select` or `withColumn`; filter the number in the next step.
   *
   * @throws StreamError `EXPRESSION_MISPLACED` where this is no call of a function
   */
  over(window: WindowSpec): Column

  /** Ascending, NULL first. */
  asc(): Column
  /** Descending, NULL last. */
  desc(): Column
  asc_nulls_first(): Column
  asc_nulls_last(): Column
  desc_nulls_first(): Column
  desc_nulls_last(): Column
}

/**
 * The rows that a window function looks at, and in which order. Made by `Window`; immutable: every method
 * gives a new one.
 */
export interface WindowSpec {
  /** The expressions as data; for the engine. */
  readonly partitions: readonly UnresolvedExpression[]
  readonly orders: readonly UnresolvedExpression[]
  /** Rows with equal values belong together, NULLs too; instead of the columns given before. */
  partitionBy(...columns: readonly (ColumnOrName | readonly ColumnOrName[])[]): WindowSpec
  /** Ascending with NULL first unless told otherwise; instead of the order given before. */
  orderBy(...columns: readonly (ColumnOrName | readonly ColumnOrName[])[]): WindowSpec
}

/** Wraps an expression; every method returns a new column. */
export function columnOf(expression: UnresolvedExpression): Column {
  return {
    expression,
    ...arithmeticOf(expression),
    ...comparisonsOf(expression),
    ...textOf(expression),
    ...partsOf(expression),
    ...branchesOf(expression),
    over: (window) => overOf(expression, window),
    ...orderOf(expression),
  }
}

/** A call of a catalogue function. */
export function callOf(name: string, ...args: readonly UnresolvedExpression[]): Column {
  return columnOf({ kind: 'call', name, args })
}

/** The expression of an argument that is a column or a literal value. */
export function operandOf(given: ColumnOrLiteral): UnresolvedExpression {
  return isColumn(given) ? given.expression : literal(given)
}

/** The expression of an argument that is a column or a name; `*` and `a.*` are stars. */
export function nameOf(given: ColumnOrName): UnresolvedExpression {
  if (typeof given !== 'string') return given.expression
  const path = namePath(given)
  return path.at(-1) === '*' ? { kind: 'star', path: path.slice(0, -1) } : { kind: 'name', path }
}

/** Splits `a.b` at its dots; backquotes keep a dot inside a name: `` `a.b`.c ``. */
export function namePath(text: string): readonly string[] {
  const parts = text.match(/`(?:[^`]|``)+`|[^.`]+/g) ?? []
  if (parts.join('.') !== text) {
    throw new StreamError('PARSE_ERROR', {
      text,
      position: 0,
      why: 'a column name, with dots between the parts and backquotes around unusual ones, is expected',
    })
  }
  return parts.map((part) =>
    part.startsWith('`') ? part.slice(1, -1).replaceAll('``', '`') : part.trim(),
  )
}

export function isColumn(given: unknown): given is Column {
  return typeof given === 'object' && given !== null && 'expression' in given
}

type Methods<Names extends keyof Column> = Pick<Column, Names>

function arithmeticOf(
  self: UnresolvedExpression,
): Methods<
  | 'plus'
  | 'minus'
  | 'multiply'
  | 'divide'
  | 'mod'
  | 'negate'
  | 'bitwiseAND'
  | 'bitwiseOR'
  | 'bitwiseXOR'
> {
  return {
    plus: (other) => callOf('+', self, operandOf(other)),
    minus: (other) => callOf('-', self, operandOf(other)),
    multiply: (other) => callOf('*', self, operandOf(other)),
    divide: (other) => callOf('/', self, operandOf(other)),
    mod: (other) => callOf('%', self, operandOf(other)),
    negate: () => callOf('negative', self),
    bitwiseAND: (other) => callOf('&', self, operandOf(other)),
    bitwiseOR: (other) => callOf('|', self, operandOf(other)),
    bitwiseXOR: (other) => callOf('^', self, operandOf(other)),
  }
}

function comparisonsOf(
  self: UnresolvedExpression,
): Methods<
  | 'eq'
  | 'neq'
  | 'eqNullSafe'
  | 'gt'
  | 'geq'
  | 'lt'
  | 'leq'
  | 'between'
  | 'isin'
  | 'and'
  | 'or'
  | 'not'
  | 'isNull'
  | 'isNotNull'
  | 'isNaN'
> {
  return {
    eq: (other) => callOf('=', self, operandOf(other)),
    neq: (other) => callOf('not', callOf('=', self, operandOf(other)).expression),
    eqNullSafe: (other) => callOf('<=>', self, operandOf(other)),
    gt: (other) => callOf('>', self, operandOf(other)),
    geq: (other) => callOf('>=', self, operandOf(other)),
    lt: (other) => callOf('<', self, operandOf(other)),
    leq: (other) => callOf('<=', self, operandOf(other)),
    between: (lower, upper) =>
      callOf(
        'and',
        callOf('>=', self, operandOf(lower)).expression,
        callOf('<=', self, operandOf(upper)).expression,
      ),
    isin: (...values) => callOf('in', self, ...values.flat().map(operandOf)),
    and: (other) => callOf('and', self, operandOf(other)),
    or: (other) => callOf('or', self, operandOf(other)),
    not: () => callOf('not', self),
    isNull: () => callOf('isnull', self),
    isNotNull: () => callOf('isnotnull', self),
    isNaN: () => callOf('isnan', self),
  }
}

function textOf(
  self: UnresolvedExpression,
): Methods<'like' | 'ilike' | 'rlike' | 'startsWith' | 'endsWith' | 'contains' | 'substr'> {
  return {
    like: (pattern) => callOf('like', self, literal(pattern)),
    ilike: (pattern) => callOf('ilike', self, literal(pattern)),
    rlike: (pattern) => callOf('rlike', self, literal(pattern)),
    startsWith: (prefix) => callOf('startswith', self, operandOf(prefix)),
    endsWith: (suffix) => callOf('endswith', self, operandOf(suffix)),
    contains: (part) => callOf('contains', self, operandOf(part)),
    substr: (start, length) => callOf('substring', self, operandOf(start), operandOf(length)),
  }
}

function partsOf(
  self: UnresolvedExpression,
): Methods<'getItem' | 'getField' | 'cast' | 'tryCast' | 'alias' | 'as' | 'name'> {
  const cast = (type: string | DataType, safe: boolean): Column =>
    columnOf({
      kind: 'cast',
      input: self,
      type: typeof type === 'string' ? parseType(type) : plainType(type),
      safe,
    })
  const alias = (name: string, ...more: readonly string[]): Column =>
    columnOf({ kind: 'alias', input: self, name, ...(more.length === 0 ? {} : { more }) })
  return {
    getItem: (key) => callOf('get', self, literal(key)),
    getField: (name) => columnOf({ kind: 'field', input: self, name }),
    cast: (type) => cast(type, false),
    tryCast: (type) => cast(type, true),
    alias,
    as: alias,
    name: alias,
  }
}

function branchesOf(self: UnresolvedExpression): Methods<'when' | 'otherwise'> {
  const open = (method: string): Extract<UnresolvedExpression, { kind: 'case' }> => {
    if (self.kind === 'case' && self.otherwise === undefined) return self
    throw new StreamError('EXPRESSION_MISPLACED', {
      expression: `.${method}(…)`,
      why: 'it belongs behind when(…), and nothing comes behind otherwise(…)',
      fix: 'Write when(condition, value).when(…).otherwise(value).',
    })
  }
  return {
    when: (condition, value) => {
      const { branches, otherwise } = open('when')
      const branch = { when: condition.expression, then: operandOf(value) }
      return columnOf({ kind: 'case', branches: [...branches, branch], otherwise })
    },
    otherwise: (value) => columnOf({ ...open('otherwise'), otherwise: operandOf(value) }),
  }
}

function overOf(self: UnresolvedExpression, { partitions, orders }: WindowSpec): Column {
  if (self.kind !== 'call') {
    throw new StreamError('EXPRESSION_MISPLACED', {
      expression: '.over(…)',
      why: 'it belongs behind a function',
      fix: 'Write row_number().over(Window.partitionBy(…).orderBy(…)).',
    })
  }
  const { name, args } = self
  return columnOf({ kind: 'over', name, args, partitionBy: partitions, orderBy: orders })
}

function orderOf(
  self: UnresolvedExpression,
): Methods<
  'asc' | 'desc' | 'asc_nulls_first' | 'asc_nulls_last' | 'desc_nulls_first' | 'desc_nulls_last'
> {
  const sort = (descending: boolean, nullsFirst: boolean) => (): Column =>
    columnOf({ kind: 'sort', input: self, descending, nullsFirst })
  return {
    asc: sort(false, true),
    desc: sort(true, false),
    asc_nulls_first: sort(false, true),
    asc_nulls_last: sort(false, false),
    desc_nulls_first: sort(true, true),
    desc_nulls_last: sort(true, false),
  }
}
