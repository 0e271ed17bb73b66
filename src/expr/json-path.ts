import { compactJson, type JsonNode, parseJson } from './json-node.ts'

type Step = { readonly key: string } | { readonly index: number } | 'all'

const stepPattern = /\.([^.[]+)|\['([^']*)'\]|\[(\d+)\]|\[(\*)\]/y

/** The steps of `$.a['b'][0][*]`; `undefined` for what is no such path. */
function stepsOf(path: string): readonly Step[] | undefined {
  if (!path.startsWith('$')) return undefined
  const steps: Step[] = []
  let at = 1
  while (at < path.length) {
    stepPattern.lastIndex = at
    const match = stepPattern.exec(path)
    if (match === null) return undefined
    const [whole, name, quoted, index] = match
    const key = name ?? quoted
    steps.push(key !== undefined ? { key } : index === undefined ? 'all' : { index: Number(index) })
    at += whole.length
  }
  return steps
}

/**
 * What a path leads to in a JSON text: text without quotes, everything else as JSON; the hits of a
 * `[*]` as an array if there are several. NULL for no hit, for JSON null, and for what is no JSON or path.
 */
export function jsonAtPath(text: string, path: string): string | null {
  const steps = stepsOf(path)
  if (steps === undefined) return null
  const root = parseJson(text)
  if (root === undefined) return null
  let found: readonly JsonNode[] = [root]
  for (const step of steps) found = found.flatMap((node) => stepInto(node, step))
  const [first] = found
  if (first === undefined) return null
  if (steps.includes('all')) {
    return found.length > 1 ? `[${found.map(compactJson).join(',')}]` : compactJson(first)
  }
  if (first.kind === 'null') return null
  return first.kind === 'string' ? first.text : compactJson(first)
}

function stepInto(node: JsonNode, step: Step): readonly JsonNode[] {
  if (step === 'all') return node.kind === 'array' ? node.items : []
  if ('index' in step) {
    const item = node.kind === 'array' ? node.items[step.index] : undefined
    return item === undefined ? [] : [item]
  }
  // Spark reads from the front, so of a repeated key the first counts.
  const entry = node.kind === 'object' ? node.entries.find(([key]) => key === step.key) : undefined
  return entry === undefined ? [] : [entry[1]]
}
