import { checkpointReader } from '../../state/checkpoint-reader.ts'
import type { Launch, WriteSpec } from '../dataframe/launch.ts'
import {
  type UpgradeChange,
  type UpgradeReport,
  upgradeReport,
} from '../dataframe/upgrade-report.ts'
import type { LogicalPlan } from '../plan/logical.ts'
import {
  type ComparedPlan,
  comparedPlan,
  type NamedSinks,
  type PlannedQuery,
} from '../runtime/checked-plan.ts'
import { makeSinks, type SinkMakers } from '../runtime/open-sinks.ts'
import { Opened } from '../runtime/opened.ts'
import type { Engine } from './engine.ts'
import { checkSink, makeSink } from './formats.ts'
import { memoryTables } from './memory-tables.ts'
import { plannedQuery } from './planned-query.ts'
import { resultSinkOf } from './query-sinks.ts'
import { makeSideSink } from './side-rows.ts'

/** A query that would be started on a checkpoint. */
interface Upgrade {
  readonly engine: Engine
  readonly launch: Launch
  readonly plan: LogicalPlan
  readonly spec: WriteSpec
  readonly checkpoint: string
}

/**
 * What starting a query on a checkpoint would do with it. Nothing is started or changed, and the checkpoint
 * may be in use. What it says is worked out by the code that a start is refused by.
 * @throws StreamError `CHECKPOINT_NOT_FOUND`, and what a start throws at once
 */
export async function explainUpgrade(upgrade: Upgrade): Promise<UpgradeReport> {
  const { engine, plan, spec, checkpoint } = upgrade
  const planned = plannedQuery(engine, plan, spec, checkpoint)
  const makers = sinkMakersOf(upgrade, planned)
  const found = await checkpointReader(engine.ports.files, checkpoint).recovery()
  // Nothing is asked of the sinks where all of them have their last epoch.
  const isAsked = makers !== undefined && found.commitAgain?.noteMissing === true
  const sinks = isAsked ? await namedSinks(makers) : undefined
  const compared = comparedPlan(planned, found, sinks)
  const changes = [...compared.changes, ...settingsOf(engine, compared)]
  return upgradeReport({ checkpoint, epoch: found.manifest.epoch }, changes)
}

/** `undefined` for a frame that does not say where it is written. */
function sinkMakersOf(
  { engine, launch, plan, spec }: Upgrade,
  planned: PlannedQuery,
): SinkMakers | undefined {
  if (spec.format === '') return undefined
  const { registry, ports } = engine
  // A table in memory that the query would write to stays as it is.
  const resultSink = resultSinkOf({ ...engine, tables: memoryTables() }, launch, plan, spec)
  checkSink(registry, resultSink)
  return {
    plan: planned.plan,
    makeSink: () => makeSink(registry, ports, resultSink),
    makeSideSink: ({ name }) => makeSideSink(engine, spec, name),
  }
}

/** The sinks by name; they are closed again without ever having been open. */
async function namedSinks(makers: SinkMakers): Promise<NamedSinks> {
  const opened = new Opened()
  try {
    return (await makeSinks(makers, opened)).byName
  } finally {
    await opened.close()
  }
}

/** Settings that a checkpoint has a part in. */
function settingsOf({ config }: Engine, { before, now }: ComparedPlan): readonly UpgradeChange[] {
  if (before === undefined) return []
  const setting = (
    name: string,
    verdict: UpgradeChange['verdict'],
    what: string,
  ): UpgradeChange => ({ kind: 'setting', name, verdict, what })
  const fixed = (name: 'shards' | 'watermarkPolicy'): UpgradeChange => {
    const isOther = before[name] !== config[name]
    const what = isOther ? `stays ${before[name]}, as at the first start (now ${config[name]})` : ''
    return setting(name, 'kept', what)
  }
  const lanes =
    before.lanes === undefined || before.lanes === now.lanes
      ? setting('lanes', 'kept', '')
      : setting(
          'lanes',
          'migrated',
          `${before.lanes} before and ${now.lanes} now: shards change their task`,
        )
  return [lanes, fixed('shards'), fixed('watermarkPolicy')]
}
