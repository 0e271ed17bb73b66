import { execFileSync, spawn } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

/** Tests and scripts run there. */
const projectRoot = process.cwd()
const javaFolder = join(projectRoot, 'test', 'kafka', 'java')

/** Small and quickly there: the compiler of the first tier is the faster one for runs of seconds. */
export const jvm: readonly string[] = [
  '-Xms64m',
  '-Xmx384m',
  '-XX:+UseSerialGC',
  '-XX:TieredStopAtLevel=1',
  '-Djava.net.preferIPv4Stack=true',
  '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn',
]

/** Maven is asked once; then the answer stands in a file as long as the jars are there. */
export function classPathOf(version: string): string {
  const cache = join(projectRoot, 'node_modules', '.cache', 'millrace-kafka')
  const file = join(cache, `class-path-${version}`)
  const known = existsSync(file) ? readFileSync(file, 'utf8') : ''
  if (known !== '' && known.split(':').every((jar) => existsSync(jar))) return known
  mkdirSync(cache, { recursive: true })
  const fresh = join(cache, `class-path-${version}-${process.pid}`)
  const goal = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:build-classpath'
  execFileSync(
    'mvn',
    ['-q', '-B', '-f', join(javaFolder, 'pom.xml'), `-Dkafka.version=${version}`, goal].concat([
      `-Dmdep.outputFile=${fresh}`,
      '-DincludeScope=runtime',
    ]),
    { stdio: ['ignore', 'inherit', 'inherit'] },
  )
  const found = readFileSync(fresh, 'utf8').trim()
  writeFileSync(file, found)
  rmSync(fresh)
  return found
}

/** Brokers that are away are what tests are about. */
const quiet = '-Dorg.slf4j.simpleLogger.defaultLogLevel=error'

/** Kafka's own clients in a process that takes one command after the other. */
export interface Helper {
  ask(...words: readonly string[]): Promise<readonly string[]>
  close(): void
}

export function helperOver(classPath: string): Helper {
  const program = join(javaFolder, 'Helper.java')
  const child = spawn('java', [...jvm, quiet, '-cp', classPath, program], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  let waiting: { resolve: (lines: string[]) => void; reject: (error: Error) => void } | undefined
  let lines: string[] = []
  createInterface({ input: child.stdout }).on('line', (line) => {
    if (line !== 'done' && !line.startsWith('failed\t')) return void lines.push(line)
    const [asked, found] = [waiting, lines]
    waiting = undefined
    lines = []
    if (line === 'done') asked?.resolve(found)
    else asked?.reject(new Error(line.slice('failed\t'.length)))
  })
  child.on('exit', (code) => waiting?.reject(new Error(`the helper ended with ${code}`)))
  let turn: Promise<unknown> = Promise.resolve()
  const send = (words: readonly string[]): Promise<readonly string[]> =>
    new Promise((resolve, reject) => {
      waiting = { resolve, reject }
      child.stdin.write(`${words.join('\t')}\n`)
    })
  return {
    ask(...words) {
      const answer = turn.then(() => send(words))
      turn = answer.catch(() => undefined)
      return answer
    },
    close: () => void child.stdin.end(),
  }
}
