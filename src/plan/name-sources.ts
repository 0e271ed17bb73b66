import { StreamError } from '../core/error.ts'
import { type LogicalPlan, type Scan, scansOf, schemaOf } from './logical.ts'

/**
 * Gives the sources and watermarks of a whole query the names their positions and maxima are kept
 * under. A source without a name of its own is called `<format>-<n>`, counted in reading order among
 * the unnamed ones of its format (live streams of a session in the order in which they were made); a
 * watermark `<column>@<sources>`. The same object gets one name wherever it stands.
 * @throws StreamError `CONFIG_INVALID` if two sources were given the same name
 */
export function nameSources(plan: LogicalPlan): LogicalPlan {
  const all = [...new Set(scansOf(plan))]
  // Streams first: a static side that is added or taken away must not change the names of positions.
  const scans = [...all.filter((scan) => scan.streaming), ...all.filter((scan) => !scan.streaming)]
  const names = scanNames(scans)
  const renamed = new Map<LogicalPlan, LogicalPlan>()
  const nodes = new Set<string>()
  const visit = (node: LogicalPlan): LogicalPlan => {
    const before = renamed.get(node)
    if (before !== undefined) return before
    const after = rename(node)
    renamed.set(node, after)
    return after
  }
  const rename = (node: LogicalPlan): LogicalPlan => {
    switch (node.kind) {
      case 'scan':
        return { ...node, source: names.get(node) ?? node.source }
      case 'union':
        return { ...node, inputs: node.inputs.map(visit) }
      case 'join':
      case 'asofJoin':
        return { ...node, left: visit(node.left), right: visit(node.right) }
      case 'watermark': {
        const input = visit(node.input)
        const sources = [...new Set(scansOf(input).map((scan) => scan.source))].sort()
        const column = schemaOf(node)[node.column]?.name ?? ''
        const name = unused(`${column}@${sources.join('+')}`, nodes)
        return { ...node, input, node: node.node === '' ? name : node.node }
      }
      default:
        return { ...node, input: visit(node.input) }
    }
  }
  return visit(plan)
}

function scanNames(scans: readonly Scan[]): ReadonlyMap<Scan, string> {
  const taken = new Set<string>()
  for (const { source } of scans) {
    if (source === '') continue
    if (taken.has(source)) {
      throw new StreamError('CONFIG_INVALID', {
        option: 'name',
        value: source,
        expected: 'a name of its own for each source of a query',
      })
    }
    taken.add(source)
  }
  const names = new Map<Scan, string>()
  const counts = new Map<string, number>()
  for (const scan of scans) {
    if (scan.source !== '') continue
    let name: string
    do {
      const count = counts.get(scan.format) ?? 0
      counts.set(scan.format, count + 1)
      name = `${scan.format}-${count}`
    } while (taken.has(name))
    taken.add(name)
    names.set(scan, name)
  }
  return names
}

function unused(wanted: string, taken: Set<string>): string {
  let name = wanted
  for (let next = 2; taken.has(name); next++) name = `${wanted}#${next}`
  taken.add(name)
  return name
}
