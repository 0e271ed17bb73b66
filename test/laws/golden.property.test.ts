import { expect, inject, test } from 'vitest'
import { judgeOf } from '../../properties/laws/crash-judge.ts'
import { crashWorldFrom } from '../../properties/laws/crash-world.ts'
import { leaveFigures } from './gates/figures.ts'
import { formats, readGolden } from './golden/golden-file.ts'
import { goldenPipelines, goldenRows } from './golden/pipelines.ts'

test('checkpoints of every released format go on with 1, 2, 3 and 8 lanes', async () => {
  const startMs = performance.now()
  let restarts = 0
  expect(formats()).toContain('format-1')
  for (const format of formats()) {
    for (const pipeline of goldenPipelines) {
      for (const lanes of [1, 2, 3, 8]) {
        const golden = await readGolden(format, pipeline.name)
        // A query that is newer than a format has no checkpoint of it.
        if (golden === undefined && format !== formats().at(-1)) continue
        if (golden === undefined) throw new Error(`${format} lacks ${pipeline.name}`)
        const world = crashWorldFrom(pipeline, lanes, golden)
        const what = `${format}, ${pipeline.name}, ${lanes} lanes`
        try {
          await world.live({ config: { lanes } })
          await judgeOf(pipeline, { visible: goldenRows })(world, undefined)
        } catch (cause) {
          throw new Error(`${what}: ${String(cause)}`, { cause })
        }
        restarts += 1
      }
    }
  }
  leaveFigures(inject('figures'), {
    id: 'G17G',
    name: 'checkpoints of every released format go on with 1, 2, 3 and 8 lanes',
    done: `${restarts} of ${formats().length * goldenPipelines.length * 4} restarts`,
    rounds: restarts,
    seconds: (performance.now() - startMs) / 1000,
    failed: 0,
    figures: `formats ${formats().length}, queries ${goldenPipelines.length}`,
  })
}, 240_000)
