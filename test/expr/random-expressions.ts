import { type DataType, sameType, stringType, typeText } from '../../src/batch/schema.ts'
import { canCast } from '../../src/expr/cast.ts'
import type { Expression } from '../../src/expr/expression.ts'
import { scalarFunctions } from '../../src/expr/functions.ts'
import { call, castTo } from '../../src/expr/resolve.ts'
import type { ScalarFunction, Signature } from '../../src/expr/signature.ts'
import { columnTypes, inputSchema } from './random-batches.ts'
import { type Dice, diceOf, randomValue } from './random-values.ts'

/** A way to call a function: the types it takes and gives. */
export interface Usage {
  readonly name: string
  readonly args: readonly DataType[]
  readonly result: DataType
}

/** Every way to call a function with columns of the test's types, by its own typing rule. */
function usagesOf(called: ScalarFunction): readonly Usage[] {
  const found = new Map<string, Usage>()
  const { least, most } = called.arity
  for (let count = least; count <= Math.min(most, least + 2); count++) {
    for (const types of typeLists(count)) {
      const signature = typed(called, types)
      if (signature === undefined) continue
      const usage = { name: called.names[0] ?? '', args: signature.args, result: signature.result }
      found.set(usage.args.map(typeText).join(), usage)
    }
  }
  return [...found.values()]
}

const ddl = 'a INT, b STRING'
const avro =
  '{"type":"record","name":"R","fields":[{"name":"a","type":"int"},{"name":"b","type":["null","string"]}]}'
const proto = 'syntax = "proto3"; message R { int32 a = 1; string b = 2; }'

/** Arguments that have to be constants, by their places; they are the last ones. */
const constants: Readonly<Record<string, Readonly<Record<number, string>>>> = {
  from_json: { 1: ddl },
  from_csv: { 1: ddl },
  from_avro: { 1: avro },
  from_protobuf: { 1: 'R', 2: proto },
  schema_of_avro: { 0: avro },
}

/** What these take the columns of these tests do not have; they have tests of their own. */
export const withOwnTests: ReadonlySet<string> = new Set(['to_protobuf'])

function typed(called: ScalarFunction, types: readonly DataType[]): Signature | undefined {
  const [name = ''] = called.names
  if (withOwnTests.has(name) || (name === 'to_avro' && types.length > 1)) return undefined
  const texts = constants[name] ?? {}
  // Behind these constants stand options, which are constants too.
  const isCodec = name === 'from_avro' || name === 'from_protobuf'
  if (isCodec && types.length > called.arity.least) return undefined
  const args = types.map((type, at) => {
    const literal = texts[at]
    return literal === undefined
      ? { type, nullable: true }
      : { type: stringType, nullable: false, literal }
  })
  const signature = called.typing(args)
  if ('expected' in signature) return undefined
  // Casts that a rule asks for exist, or the call is refused elsewhere.
  const castable = signature.args.every((type, index) => canCast(args[index]?.type ?? type, type))
  return castable ? signature : undefined
}

const atoms = columnTypes.filter(({ kind }) => !['array', 'map', 'struct'].includes(kind))

function typeLists(count: number): readonly (readonly DataType[])[] {
  if (count === 0) return [[]]
  if (count === 1) return columnTypes.map((type) => [type])
  if (count === 2) return columnTypes.flatMap((a) => columnTypes.map((b) => [a, b]))
  const dice = diceOf(count)
  const pools = [columnTypes, atoms, [{ kind: 'int' as const }, { kind: 'string' as const }]]
  const lists = Array.from({ length: 300 }, (_, index) => {
    const pool: readonly DataType[] = pools[index % pools.length] ?? atoms
    return Array.from({ length: count }, (_, at) => dice.pick(at === 0 ? columnTypes : pool))
  })
  return [...lists, ...columnTypes.map((type) => Array.from({ length: count }, () => type))]
}

/** All usages, by function. */
export const usages: ReadonlyMap<string, readonly Usage[]> = new Map(
  scalarFunctions.map((called) => [called.names[0] ?? '', usagesOf(called)]),
)

const allUsages = [...usages.values()].flat()
const usagesByResult = new Map<string, Usage[]>()
for (const usage of allUsages) {
  const key = typeText(usage.result)
  usagesByResult.set(key, [...(usagesByResult.get(key) ?? []), usage])
}
const names = [...usages.keys()].filter((name) => (usages.get(name)?.length ?? 0) > 0)

/** Functions whose lengths must stay small: long texts would only cost time. */
const growing = new Set(['repeat', 'space', 'lpad', 'rpad'])

/** An expression whose root is any function of the catalogue, each as likely as the others. */
export function randomCall(dice: Dice, depth: number): Expression {
  return callOf(dice, dice.pick(usages.get(dice.pick(names)) ?? allUsages), depth)
}

function callOf(dice: Dice, usage: Usage, depth: number): Expression {
  const inside = growing.has(usage.name) ? 0 : depth - 1
  return call(
    usage.name,
    usage.args.map((type, at) =>
      constants[usage.name]?.[at] === undefined
        ? randomExpression(dice, type, inside)
        : { kind: 'literal', value: constants[usage.name]?.[at] ?? null, type },
    ),
  )
}

/** An expression of a type. */
export function randomExpression(dice: Dice, type: DataType, depth: number): Expression {
  if (depth <= 0) return leaf(dice, type)
  const form = dice.below(10)
  if (form < 2) return leaf(dice, type)
  if (form === 2) return randomCast(dice, type, depth)
  if (form === 3) return randomCase(dice, type, depth)
  if (type.kind === 'boolean' && form < 6) return randomCondition(dice, depth)
  const ways = usagesByResult.get(typeText(type)) ?? []
  return ways.length === 0 ? leaf(dice, type) : castTo(callOf(dice, dice.pick(ways), depth), type)
}

function leaf(dice: Dice, type: DataType): Expression {
  const columns = leaves.filter((each) => sameType(each.type, type))
  if (columns.length > 0 && dice.chance(0.75)) return dice.pick(columns)
  if (type.kind === 'timestamp' && dice.chance(0.1)) return { kind: 'now', type }
  return {
    kind: 'literal',
    value: randomValue(dice, type, { nulls: 0.1, wide: dice.chance(0.1) }),
    type,
  }
}

/** Columns and the fields of struct columns. */
const leaves: readonly Expression[] = inputSchema.flatMap((field, index) =>
  withFields({ kind: 'column', index, ...field }),
)

function withFields(input: Expression): readonly Expression[] {
  if (input.type.kind !== 'struct') return [input]
  const fields = input.type.fields.flatMap(({ name, type }, index) =>
    withFields({ kind: 'field', input, index, name, type }),
  )
  return [input, ...fields]
}

function randomCast(dice: Dice, type: DataType, depth: number): Expression {
  const sources = columnTypes.filter((from) => canCast(from, type))
  if (sources.length === 0) return leaf(dice, type)
  const input = randomExpression(dice, dice.pick(sources), depth - 1)
  return castTo(input, type, dice.chance(0.5))
}

function randomCase(dice: Dice, type: DataType, depth: number): Expression {
  const branches = Array.from({ length: 1 + dice.below(2) }, () => ({
    when: randomCondition(dice, depth - 1),
    then: randomExpression(dice, type, depth - 1),
  }))
  const otherwise = dice.chance(0.6) ? randomExpression(dice, type, depth - 1) : undefined
  return { kind: 'case', branches, otherwise, type }
}

const conditions = [
  '=',
  '!=',
  '<',
  '<=',
  '>',
  '>=',
  '<=>',
  'in',
  'and',
  'or',
  'not',
  'isnull',
  'isnotnull',
]

/** A condition of the kind filters are made of. */
export function randomCondition(dice: Dice, depth: number): Expression {
  if (dice.chance(0.3)) return columnAgainstLiterals(dice)
  const ways = usages.get(dice.pick(conditions)) ?? []
  if (depth <= 0 || ways.length === 0) return leaf(dice, { kind: 'boolean' })
  return callOf(dice, dice.pick(ways), depth)
}

/** `column = 'a'`, `column IN (1, 2)`, `column LIKE 'a%'`: what loops have short cuts for. */
function columnAgainstLiterals(dice: Dice): Expression {
  const column = dice.pick(comparableLeaves)
  const { type } = column
  const literal = (): Expression => {
    const value = randomValue(dice, type, { nulls: 0.05, wide: dice.chance(0.1) })
    return { kind: 'literal', value, type }
  }
  if (dice.chance(0.3)) return call('in', [column, literal(), literal(), literal()])
  if (type.kind === 'string' && dice.chance(0.3)) {
    const escapes = dice.chance(0.3) ? [dice.pick(texts)] : []
    return call('like', [column, literal(), ...escapes])
  }
  const name = dice.pick(['=', '!=', '<', '<=', '>', '>='])
  return dice.chance(0.5) ? call(name, [column, literal()]) : call(name, [literal(), column])
}

const texts = leaves.filter(({ type }) => type.kind === 'string')

const comparableLeaves = [
  ...leaves.filter(({ type }) => type.kind !== 'map'),
  // Texts have the most short cuts.
  ...texts.flatMap((each) => [each, each, each]),
]

/** The columns that an expression reads. */
export function columnsOf(expression: Expression): readonly number[] {
  switch (expression.kind) {
    case 'column':
      return [expression.index]
    case 'call':
    case 'udf':
      return expression.args.flatMap(columnsOf)
    case 'cast':
    case 'field':
      return columnsOf(expression.input)
    case 'case':
      return [
        ...expression.branches.flatMap(({ when, then }) => [when, then]),
        ...(expression.otherwise === undefined ? [] : [expression.otherwise]),
      ].flatMap(columnsOf)
    default:
      return []
  }
}
