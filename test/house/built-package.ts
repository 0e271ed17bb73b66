import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { projectRoot, sourceRoots } from './tree.ts'

/** A folder that looks to Node and to the compiler like the installed package, built from the sources as they are. */
export interface BuiltPackage {
  readonly folder: string
  /** What the compiler had to say about the sources; empty when all is well. */
  readonly errors: readonly string[]
  /**
   * Compiles TypeScript files that lie in the folder as a user's compiler would, against the
   * package's own `exports`; the JavaScript appears beside them.
   */
  compile(paths: readonly string[]): readonly string[]
  remove(): void
}

/** Builds into a temporary folder, so that nothing depends on what `dist` holds. */
export function buildPackage(): BuiltPackage {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-built-'))
  cpSync(join(projectRoot, 'package.json'), join(folder, 'package.json'))
  symlinkSync(join(projectRoot, 'node_modules'), join(folder, 'node_modules'))
  const errors = runCompiler(folder, {
    extends: join(projectRoot, 'tsconfig.json'),
    compilerOptions: { rootDir: projectRoot, outDir: join(folder, 'dist') },
    include: sourceRoots.map((root) => join(projectRoot, root)),
  })
  return {
    folder,
    errors,
    compile: (paths) =>
      runCompiler(folder, {
        extends: join(projectRoot, 'tsconfig.json'),
        compilerOptions: { rootDir: folder, outDir: folder, declaration: false },
        include: [],
        files: paths.map((path) => join(folder, path)),
      }),
    remove: () => rmSync(folder, { recursive: true }),
  }
}

/** Runs `tsc` on a configuration written for it, and gives its complaints line by line. */
export function runCompiler(folder: string, configuration: object): readonly string[] {
  mkdirSync(folder, { recursive: true })
  const file = join(folder, 'tsconfig.json')
  writeFileSync(file, JSON.stringify(configuration))
  const compiler = join(projectRoot, 'node_modules/.bin/tsc')
  const { stdout, status } = spawnSync(compiler, ['-p', file, '--pretty', 'false'], {
    cwd: folder,
    encoding: 'utf8',
  })
  const lines = stdout.split('\n').filter(Boolean)
  return status !== 0 && lines.length === 0 ? [`tsc ended with ${status}`] : lines
}
