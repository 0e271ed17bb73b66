import type { FrozenState } from '../../state/frozen.ts'
import type { EpochHeader } from '../flow/message.ts'
import { type EpochReport, mergeReports, type Operator, type Output } from '../flow/operator.ts'

/**
 * Runs the operators of one stage back to back: each one's output is the next one's input, by a call
 * and without a message. The first operator may have several inputs. Whoever made them closes each by itself.
 */
export function chain(operators: readonly Operator[]): Operator {
  const [first] = operators
  if (first !== undefined && operators.length === 1) return first

  /** What operator `index` writes to: the operators behind it, and at their end the output of the stage. */
  const outputs = new WeakMap<Output, readonly Output[]>()
  const outputsInto = (output: Output): readonly Output[] => {
    const known = outputs.get(output)
    if (known !== undefined) return known
    const made: Output[] = []
    for (let index = operators.length - 1; index >= 0; index--) {
      const next = operators[index + 1]
      const behind = made[index + 1]
      made[index] =
        next === undefined || behind === undefined
          ? output
          : {
              emit: (batch) => next.process(0, batch, behind),
              emitSide: (name, batch) => output.emitSide(name, batch),
            }
    }
    outputs.set(output, made)
    return made
  }

  return {
    name: operators.map((operator) => operator.name).join(' → '),

    open(header: EpochHeader) {
      for (const operator of operators) operator.open(header)
    },

    process(input, batch, output) {
      if (first === undefined) return output.emit(batch)
      return first.process(input, batch, outputsInto(output)[0] ?? output)
    },

    async closeEpoch(header, output): Promise<EpochReport> {
      const into = outputsInto(output)
      const reports: EpochReport[] = []
      // From the front: what one operator emits at the barrier still belongs to the epoch of the next.
      for (const [index, operator] of operators.entries()) {
        reports.push(await operator.closeEpoch(header, into[index] ?? output))
      }
      return mergeReports(reports)
    },

    freeze() {
      let frozen: FrozenState[] | undefined
      for (const operator of operators) {
        const part = operator.freeze()
        if (part !== undefined) frozen = [...(frozen ?? []), ...part]
      }
      return frozen
    },

    abort() {
      for (const operator of operators) operator.abort?.()
    },
  }
}
