import { codeOf } from './source-text.ts'

/**
 * What a module offers by name, sorted; types that leave no value behind as `type Name`. A module
 * that exports everything of another one, or by default, has no list: that throws.
 */
export function exportedNames(text: string): readonly string[] {
  const code = codeOf(text)
  if (/\bexport\s+(?:type\s+)?\*/.test(code)) throw new Error('export * hides what is exported')
  if (/\bexport\s+default\b/.test(code)) throw new Error('a default export has no name')
  const declared = code.matchAll(
    /\bexport\s+(?:declare\s+|abstract\s+|async\s+)*(const|let|function\*?|class|interface|type)\s+(\w+)/g,
  )
  const names = [...declared].map(([, sort = '', name = '']) =>
    sort === 'interface' || sort === 'type' ? `type ${name}` : name,
  )
  for (const [, allTypes, list = ''] of code.matchAll(/\bexport\s+(type\s+)?\{([^}]*)\}/g)) {
    const items = list.split(',').map((item) => item.trim())
    names.push(...items.filter(Boolean).map((item) => itemName(item, allTypes !== undefined)))
  }
  return names.sort((left, right) => (bare(left) < bare(right) ? -1 : 1))
}

/** `a as b` is known as b; `type` in front of either spelling counts. */
function itemName(item: string, allTypes: boolean): string {
  const isType = allTypes || /^type\s/.test(item)
  const name =
    item
      .replace(/^type\s+/, '')
      .split(/\s+as\s+/)
      .at(-1) ?? ''
  return isType ? `type ${name}` : name
}

function bare(name: string): string {
  return name.replace(/^type /, '')
}
