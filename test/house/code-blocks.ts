import { commentsOf } from './source-text.ts'
import type { FileTexts } from './tree.ts'

/** A program in a document or in an `@example`. */
export interface CodeBlock {
  readonly file: string
  /** The line of its first line in the file, from 1. */
  readonly line: number
  readonly text: string
  /** Why it is compiled but not run, when its info string is `ts no-run: reason`. */
  readonly noRun?: string
}

const fence = /^([ \t*]*)```(\w+)([^\n]*)\n([\s\S]*?)^[ \t*]*```[ \t]*$/gm

/** Every `ts` block of the documents, and of the doc comments of the sources. */
export function codeBlocks(files: FileTexts): readonly CodeBlock[] {
  return [...files].flatMap(([file, text]) => {
    if (file.endsWith('.md')) return blocksOf(file, text, 0)
    return commentsOf(text)
      .filter((comment) => comment.startsWith('/**'))
      .flatMap((comment) => {
        const before = text.slice(0, text.indexOf(comment)).split('\n').length - 1
        return blocksOf(file, comment, before)
      })
  })
}

function blocksOf(file: string, text: string, linesBefore: number): CodeBlock[] {
  const blocks: CodeBlock[] = []
  for (const match of text.matchAll(fence)) {
    const [, prefix = '', language = '', info = '', body = ''] = match
    const line = linesBefore + text.slice(0, match.index).split('\n').length + 1
    if (/^(?:typescript|js|javascript|tsx)$/.test(language)) {
      throw new Error(`${file}:${line}: a block of ${language} is never checked; write it as ts`)
    }
    if (language !== 'ts') continue
    const block = { file, line, text: unindented(body, prefix) }
    const noRun = /^ no-run: (\S.*)$/.exec(info)?.[1]
    if (noRun === undefined && info.trim() !== '') {
      throw new Error(`${file}:${line}: write "ts", or "ts no-run: reason", not "ts${info}"`)
    }
    blocks.push(noRun === undefined ? block : { ...block, noRun })
  }
  return blocks
}

/** Takes the margin of a doc comment away. */
function unindented(body: string, prefix: string): string {
  if (!prefix.includes('*')) return body
  return body.replace(/^[ \t]*\*[ \t]?/gm, '')
}
