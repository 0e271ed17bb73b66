import { StreamError } from '../core/error.ts'
import { inputsOf, type LogicalPlan } from './logical.ts'

/** By source: the sources that have to be read to their ends before it. */
export type ReadAfter = Readonly<Record<string, readonly string[]>>

/** The order of reading that the `followedBy` of a plan ask for; sources that wait for none are left out. */
export function readAfterOf(plan: LogicalPlan): ReadAfter {
  const after = new Map<string, Set<string>>()
  const visit = (node: LogicalPlan): void => {
    if (node.kind === 'union' && node.inTurn === true) {
      const earlier = new Set<string>()
      for (const input of node.inputs) {
        const streams = streamsOf(input)
        for (const source of streams) {
          if (earlier.size > 0)
            after.set(source, new Set([...(after.get(source) ?? []), ...earlier]))
        }
        for (const source of streams) earlier.add(source)
      }
    }
    for (const input of inputsOf(node)) visit(input)
  }
  visit(plan)
  return Object.fromEntries([...after].map(([source, before]) => [source, [...before].sort()]))
}

/** The sources that other sources wait for: their ends are fixed when the query first starts. */
export function historiesOf(after: ReadAfter): readonly string[] {
  return [...new Set(Object.values(after).flat())].sort()
}

/**
 * Refuses plans that read one stream both before and after a `followedBy`, or beside it: it would
 * have an end for one place and none for the other.
 * @throws StreamError `STREAMING_UNSUPPORTED`
 */
export function checkReadAfter(plan: LogicalPlan): void {
  const elsewhere = streamsOutside(plan)
  const histories = historiesOf(readAfterOf(plan))
  const twice = histories.find((source) => elsewhere.includes(source))
  if (twice === undefined) return
  throw new StreamError('STREAMING_UNSUPPORTED', {
    what: `Reading the source ${twice} as a history that ends and again as a stream that does not`,
    fix: 'Read it a second time with readStream, under another name: each of the two has positions of its own.',
  })
}

/** The streams of every part of a plan that nothing waits for. */
function streamsOutside(node: LogicalPlan): readonly string[] {
  if (node.kind === 'scan') return streamsOf(node)
  const inputs = inputsOf(node)
  const isOrdered = node.kind === 'union' && node.inTurn === true
  return (isOrdered ? inputs.slice(-1) : inputs).flatMap(streamsOutside)
}

function streamsOf(node: LogicalPlan): readonly string[] {
  if (node.kind === 'scan') return node.streaming ? [node.source] : []
  return inputsOf(node).flatMap(streamsOf)
}
