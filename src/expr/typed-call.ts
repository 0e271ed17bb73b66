import { type DataType, sameType } from '../batch/schema.ts'
import { StreamError } from '../core/error.ts'
import { type Expression, isNullable } from './expression.ts'
import { fold } from './fold.ts'
import { functionNamed } from './functions.ts'
import type { Argument, ScalarFunction } from './signature.ts'

/** A call of the catalogue over resolved arguments, with the casts its typing rule asks for. */
export function call(name: string, args: readonly Expression[], text: string = name): Expression {
  const called = functionNamed(name)
  checkArity(called, args.length, text)
  const signature = called.typing(args.map(argumentOf))
  if ('expected' in signature) throw mismatch(text, signature)
  return {
    kind: 'call',
    name: called.names[0] ?? name,
    args: args.map((arg, index) => castTo(arg, signature.args[index] ?? arg.type)),
    type: signature.result,
    nullable: signature.nullable,
  }
}

/** What typing rules see of an expression. */
export function argumentOf(expression: Expression): Argument {
  const known = isOptions(expression) ? fold(expression) : expression
  return {
    type: expression.type,
    nullable: isNullable(expression),
    ...(known.kind === 'literal' ? { literal: known.value } : {}),
  }
}

/** Maps have no literals of their own: options are written as calls. */
function isOptions(expression: Expression): boolean {
  return expression.kind === 'call' && expression.name === 'map'
}

function checkArity({ arity, names }: ScalarFunction, count: number, text: string): void {
  if (count >= arity.least && count <= arity.most) return
  const expected =
    arity.least === arity.most
      ? `${arity.least} arguments`
      : arity.most === Number.POSITIVE_INFINITY
        ? `at least ${arity.least} arguments`
        : `${arity.least} to ${arity.most} arguments`
  throw new StreamError('FUNCTION_ARGUMENTS', {
    name: names[0] ?? '',
    expected,
    actual: count,
    expression: text,
  })
}

/** The expression as another type; literals of NULL simply take it. */
export function castTo(input: Expression, type: DataType, safe = false): Expression {
  if (sameType(input.type, type)) return input
  if (input.kind === 'literal' && input.value === null) return { ...input, type }
  return { kind: 'cast', input, type, safe }
}

/** The error of a call or cast whose types do not go together. */
export function mismatch(
  expression: string,
  why: { readonly expected: string; readonly actual: string; readonly suggestion: string },
): StreamError<'DATATYPE_MISMATCH'> {
  return new StreamError('DATATYPE_MISMATCH', { expression, ...why })
}
