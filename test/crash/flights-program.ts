import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ProgramUnderKill } from '../../properties/laws/killed-program.ts'

/** The main job over so many flights, compiled to `program`. */
export function flightsProgram(program: string, flights: number): ProgramUnderKill {
  return {
    command: (folder) => [process.execPath, program, folder, String(flights)],
    checkpoint: (folder) => join(folder, 'checkpoint'),
    output: outputRows,
  }
}

/** Every committed row as text, sorted: what a reader of the output folder sees. */
export function outputRows(folder: string): readonly string[] {
  const output = join(folder, 'output')
  if (!existsSync(output)) return []
  const visible = readdirSync(output).filter((name) => /^[^._].*\.json$/.test(name))
  const lines = visible.flatMap((name) => readFileSync(join(output, name), 'utf8').split('\n'))
  return lines.filter(Boolean).sort()
}
