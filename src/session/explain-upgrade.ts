import { checkpointReader } from '../../state/checkpoint-reader.ts'
import type { WriteSpec } from '../dataframe/launch.ts'
import {
  type UpgradeChange,
  type UpgradeReport,
  upgradeReport,
} from '../dataframe/upgrade-report.ts'
import type { LogicalPlan } from '../plan/logical.ts'
import { type ComparedPlan, comparedPlan } from '../runtime/checked-plan.ts'
import type { Engine } from './engine.ts'
import { plannedQuery } from './planned-query.ts'

/**
 * What starting a query on a checkpoint would do with it. Nothing is started or changed, and the checkpoint
 * may be in use. What it says is worked out by the code that a start is refused by.
 * @throws StreamError `CHECKPOINT_NOT_FOUND`, and what a start throws at once
 */
export function explainUpgrade(
  engine: Engine,
  plan: LogicalPlan,
  spec: WriteSpec,
  checkpoint: string,
): UpgradeReport {
  const { manifest } = checkpointReader(engine.ports.files, checkpoint).standing()
  const compared = comparedPlan(plannedQuery(engine, plan, spec, checkpoint), manifest)
  const changes = [...compared.changes, ...settingsOf(engine, compared)]
  return upgradeReport({ checkpoint, epoch: manifest.epoch }, changes)
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
