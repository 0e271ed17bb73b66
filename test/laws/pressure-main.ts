/** `node pressure-main.js kind seconds`: one run under pressure, in a process of its own; prints its MiB. */
import { pressures, underPressure } from './pressure.ts'

const [, , given, seconds = '60'] = process.argv
const kind = pressures.find((each) => each === given)
if (kind === undefined) throw new Error(`no pressure ${given}: there are ${pressures.join(', ')}`)
process.stdout.write(`${await underPressure(kind, Number(seconds))}\n`)
process.exit(0)
