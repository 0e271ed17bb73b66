import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { projectRoot } from './tree.ts'

/** A function fits a screen. Comments and blank lines do not count. */
export const functionLinesMax = 70

/** Sizes of the functions that are too long, largest first, by file. Measured by Biome's parser. */
export type LongFunctions = Readonly<Record<string, readonly number[]>>

interface Diagnostic {
  readonly category: string
  readonly message: string
  readonly location: { readonly path: string }
}

/** Long functions in `paths`, which are relative to `folder`. */
export function longFunctions(
  paths: readonly string[],
  folder: string = projectRoot,
): LongFunctions {
  // A configuration of its own: that of the project must not be able to switch the rule off.
  const configuration = mkdtempSync(join(tmpdir(), 'millrace-biome-'))
  try {
    writeFileSync(join(configuration, 'biome.json'), JSON.stringify(rules))
    const biome = join(projectRoot, 'node_modules/.bin/biome')
    const flags = [`--config-path=${configuration}`, '--reporter=json', '--max-diagnostics=none']
    const { stdout } = spawnSync(biome, ['lint', ...flags, ...paths], {
      cwd: folder,
      encoding: 'utf8',
    })
    const report: { readonly diagnostics: readonly Diagnostic[] } = JSON.parse(stdout)
    return grouped(report.diagnostics)
  } finally {
    rmSync(configuration, { recursive: true })
  }
}

const ruleName = 'lint/complexity/noExcessiveLinesPerFunction'

const rules = {
  root: true,
  files: { includes: ['**/*.ts'] },
  formatter: { enabled: false },
  assist: { enabled: false },
  linter: {
    rules: {
      recommended: false,
      complexity: {
        noExcessiveLinesPerFunction: {
          level: 'error',
          options: { maxLines: functionLinesMax, skipBlankLines: true },
        },
      },
    },
  },
}

function grouped(diagnostics: readonly Diagnostic[]): LongFunctions {
  const sizes = new Map<string, number[]>()
  for (const { category, message, location } of diagnostics) {
    const lines = /\((\d+)\)/.exec(message)?.[1]
    if (category !== ruleName || lines === undefined) continue
    sizes.set(location.path, [...(sizes.get(location.path) ?? []), Number(lines)])
  }
  const sorted = [...sizes].sort(([left], [right]) => (left < right ? -1 : 1))
  return Object.fromEntries(sorted.map(([file, all]) => [file, all.sort((a, b) => b - a)]))
}
