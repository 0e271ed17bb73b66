/**
 * `npm run golden`: writes the checkpoint of each golden query that has no file for this release's format. Its process
 * dies when a good half of its steps are done, so that epochs are under way.
 */
import { crashWorld } from '../../../properties/laws/crash-world.ts'
import { writeGolden } from './golden-file.ts'
import { goldenPipelines } from './pipelines.ts'

/** Raised with the format of manifests or of anything they name. */
const format = 'format-1'
const seed = 1
const share = 0.6

for (const pipeline of goldenPipelines) {
  const whole = crashWorld(pipeline, seed)
  const { steps } = await whole.live()
  const world = crashWorld(pipeline, seed)
  await world.live({ dieAt: Math.floor(steps.length * share) })
  const disk = world.disk()
  const isNew = await writeGolden(format, pipeline.name, { arrived: world.arrived(), disk })
  console.log(`${pipeline.name}: ${isNew ? 'written' : 'is there'}`)
}
