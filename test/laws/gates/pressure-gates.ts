import { fileURLToPath } from 'node:url'
import { runProgram } from '../../house/run-program.ts'
import { type Pressure, pressures } from '../pressure.ts'
import type { Gate } from './gate.ts'

/** Back-pressure; a run answers with the MiB that it cost. */
export function pressureGate(run: (kind: Pressure) => Promise<number>): Gate {
  return {
    id: 'G11',
    name: 'a slow or stuck sink and a hot key cost no memory beyond what queues hold',
    unit: 'runs',
    wanted: { test: pressures.length, long: 30 },
    async round(seed) {
      const kind = pressures[seed % pressures.length] ?? 'slow sink'
      return { done: 1, figures: { [`most MiB with ${kind}`]: await run(kind) } }
    },
  }
}

/** A run in a process of its own, as what other gates left in memory would hide what it costs. */
export async function pressedProcess(kind: Pressure, seconds: number): Promise<number> {
  const program = fileURLToPath(new URL('../pressure-main.js', import.meta.url))
  const options = { arguments: [kind, String(seconds)], timeoutMs: (seconds + 120) * 1000 }
  const { exitCode, output } = await runProgram(program, options)
  if (exitCode !== 0) throw new Error(`${kind}: ended with ${exitCode}: ${output}`)
  return Number(output)
}
