import { judgeOf } from '../../../properties/laws/crash-judge.ts'
import { crashWorldFrom } from '../../../properties/laws/crash-world.ts'
import { formats, goldenFiles, readGolden } from '../golden/golden-file.ts'
import { goldenPipelines, goldenRows } from '../golden/pipelines.ts'
import type { Gate } from './gate.ts'

const lanesOfAll = [1, 2, 3, 8]
const restarts = goldenFiles() * lanesOfAll.length

/** A query of every format, one after the other. */
export const goldenRestarts: Gate = {
  id: 'G17G',
  name: 'checkpoints of every released format go on with 1, 2, 3 and 8 lanes',
  unit: 'restarts',
  wanted: { test: restarts, long: restarts },
  async round(seed) {
    const pipeline = goldenPipelines[seed % goldenPipelines.length]
    if (pipeline === undefined) throw new Error('there are no golden pipelines')
    let done = 0
    for (const format of formats()) {
      for (const lanes of lanesOfAll) {
        const golden = await readGolden(format, pipeline.name)
        // A query that is newer than a format has no checkpoint of it.
        if (golden === undefined && format !== formats().at(-1)) continue
        if (golden === undefined) throw new Error(`${format} lacks ${pipeline.name}`)
        const world = crashWorldFrom(pipeline, lanes, golden)
        try {
          await world.live({ config: { lanes } })
          await judgeOf(pipeline, { visible: goldenRows })(world, undefined)
        } catch (cause) {
          const what = `${format}, ${pipeline.name}, ${lanes} lanes: ${String(cause)}`
          throw new Error(what, { cause })
        }
        done += 1
      }
    }
    return { done, kinds: formats() }
  },
}
