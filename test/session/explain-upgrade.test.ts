import { expect, test } from 'vitest'
import { type SimulatedSession, simulatedSession } from '../../properties/simulated-session.ts'
import { type VirtualFileSystem, virtualFileSystem } from '../../properties/virtual-file-system.ts'
import type { DataFrame, DataStreamWriter } from '../../src/dataframe/data-frame.ts'
import type { UpgradeReport } from '../../src/dataframe/upgrade-report.ts'
import { expr } from '../../src/functions.ts'
import type { Session } from '../../src/session/session.ts'
import type { StatefulHandle } from '../../src/streaming.ts'

type Build = (input: DataFrame) => DataFrame

function writerOf(session: Session, build: Build): DataStreamWriter {
  const input = session.memoryStream('k STRING, n INT')
  input.addData([['a', 1]])
  return build(input.toDF())
    .writeStream.outputMode('update')
    .option('checkpointLocation', 'checkpoint')
    .foreachBatch(async () => undefined)
}

/** One life of a process on a disk. */
function life(files: VirtualFileSystem, number: number, lanes = 1): SimulatedSession {
  return simulatedSession({ seed: number, files, life: number, config: { lanes } })
}

/** A disk with the checkpoint of a query that ran for an epoch. */
async function written(build: Build, lanes = 1): Promise<VirtualFileSystem> {
  const files = virtualFileSystem()
  const { session, simulation } = life(files, 0, lanes)
  const run = async (): Promise<void> => {
    const query = writerOf(session, build).start()
    await query.processAllAvailable()
    await session.stop()
  }
  await simulation.run(run())
  return files
}

async function explained(
  simulation: SimulatedSession['simulation'],
  asked: Promise<UpgradeReport>,
): Promise<UpgradeReport> {
  const report = await simulation.run(asked)
  if (report === undefined) throw new Error('the simulation died')
  return report
}

const sums: Build = (input) => input.groupBy('k').agg(expr('sum(n)').alias('total'))
const averages: Build = (input) => input.groupBy('k').agg(expr('avg(n)').alias('total'))

const counting =
  (declare: (handle: StatefulHandle) => unknown): Build =>
  (input) =>
    input
      .as()
      .groupByKey('k')
      .transformWithState(
        () => ({
          init: (handle: StatefulHandle) => void declare(handle),
          handleInputRows: () => [],
        }),
        { output: 'x INT', timeMode: 'none' },
      )
      .toDF()

test('what stays as it is is kept, also when filters, columns and lanes change', async () => {
  const files = await written(sums)
  const { session, simulation } = life(files, 1, 3)
  const changed: Build = (input) => sums(input.filter('n > 0')).selectExpr('total + 1 AS more')
  const report = await explained(
    simulation,
    session.explainUpgrade(writerOf(session, changed), 'checkpoint'),
  )
  expect(String(report)).toBe(
    [
      '          name             verdict   what',
      'operator  aggregate-0      kept',
      'source    memory-0         kept',
      'setting   lanes            migrated  1 before and 3 now: shards change their task',
      'setting   shards           kept',
      'setting   watermarkPolicy  kept',
      'The query can go on from epoch 0 of checkpoint.',
    ].join('\n'),
  )
})

test('a changed aggregation is refused with both shapes; a frame counts as in append mode', async () => {
  const files = await written(sums)
  const { session, simulation } = life(files, 1)
  const report = await explained(
    simulation,
    session.explainUpgrade(writerOf(session, averages), 'checkpoint'),
  )
  expect(report).toMatchObject({ canStart: false, epoch: 0, checkpoint: 'checkpoint' })
  const [operator] = report.changes
  expect(operator).toMatchObject({ kind: 'operator', name: 'aggregate-0', verdict: 'refused' })
  expect(operator?.what).toMatch(/was \(.*sum\(.*\) and is \(.*avg\(/)
  expect(String(report)).toContain('The query cannot go on from checkpoint: 1 refused.')
  const frame = session.memoryStream('k STRING, n INT').toDF().limit(5)
  const appended = await explained(simulation, session.explainUpgrade(frame, 'checkpoint'))
  expect(appended.changes.map(({ name, verdict }) => `${name} ${verdict}`).slice(0, 2)).toEqual([
    'aggregate-0 refused',
    'limit-0 refused',
  ])
})

test('variables that come, go and widen are migrated, each by name', async () => {
  const files = await written(
    counting((handle) => [handle.valueState('a', 'INT'), handle.listState('b', 'INT')]),
  )
  const { session, simulation } = life(files, 1)
  const next = counting((handle) => {
    handle.deleteIfExists('b')
    return [handle.valueState('a', 'BIGINT'), handle.mapState('c', 'STRING', 'INT')]
  })
  const report = await explained(
    simulation,
    session.explainUpgrade(writerOf(session, next), 'checkpoint'),
  )
  expect(report.canStart).toBe(true)
  expect(report.changes[0]).toEqual({
    kind: 'operator',
    name: 'process-0',
    verdict: 'migrated',
    what: 'the values of b are lost, a goes from int to bigint, c is new',
  })
})

test('an operator that got a name is told how to keep its state', async () => {
  const files = await written(sums)
  const { session, simulation } = life(files, 1)
  const named: Build = (input) => sums(input).name('sums')
  const report = await explained(
    simulation,
    session.explainUpgrade(writerOf(session, named), 'checkpoint'),
  )
  expect(report.changes[0]?.what).toContain("sums is like it: call it .name('aggregate-0')")
})

test('state may be given up by name: it begins empty once, and is kept from then on', async () => {
  // Of the key b nothing comes again.
  const others: Build = (input) => sums(input.union(input.selectExpr("'b' AS k", 'n')))
  let files = await written((input) => others(input))
  const totals: unknown[] = []
  for (const number of [1, 2]) {
    files = files.kill()
    const { session, simulation } = life(files, number)
    const run = async (): Promise<void> => {
      const input = session.memoryStream('k STRING, n INT')
      for (let n = 0; n <= number; n++) input.addData([['a', 1 + n]])
      const writer = averages(input.toDF())
        .writeStream.outputMode('update')
        .option('checkpointLocation', 'checkpoint')
        .option('allowStateLoss', 'aggregate-0')
        .format('noop')
      const report = await session.explainUpgrade(writer, 'checkpoint')
      totals.push(report.changes[0]?.verdict)
      const query = writer.start()
      await query.processAllAvailable()
      totals.push(await query.state('aggregate-0').toArray())
      await session.stop()
    }
    await simulation.run(run())
  }
  expect(totals).toMatchObject([
    'lost',
    [{ key: { k: 'a' }, value: { total: 2 } }],
    'kept',
    [{ key: { k: 'a' }, value: { total: 2.5 } }],
  ])
})

test('a source without a name that is gone is refused, one that is new is read from its beginning', async () => {
  const two: Build = (input) => sums(input.union(input.filter('n > 3')))
  const files = await written(two)
  const { session, simulation } = life(files, 1)
  const other = session.readStream.format('rate').name('ticks').load()
  const changed = sums(other.selectExpr('CAST(value AS STRING) AS k', 'CAST(value AS INT) AS n'))
  const writer = changed.writeStream.outputMode('update').format('noop')
  const report = await explained(simulation, session.explainUpgrade(writer, 'checkpoint'))
  const gone = 'source memory-0 is gone (one that was given a name may go)'
  expect(report.changes.filter(({ kind }) => kind === 'source')).toEqual([
    { kind: 'source', name: 'memory-0', verdict: 'refused', what: gone },
    { kind: 'source', name: 'ticks', verdict: 'added', what: 'read from its own beginning' },
  ])
})

test('the number of shards stays that of the first start, in the report and in the progress', async () => {
  const files = virtualFileSystem()
  for (const [number, shards] of [5, 16].entries()) {
    const config = { shards, lanes: 2 }
    const { session, simulation } = simulatedSession({ seed: 1, files, life: number, config })
    const run = async () => {
      const input = session.memoryStream('k STRING, n INT')
      for (let n = 0; n <= number; n++) input.addData([['a', n]])
      const writer = sums(input.toDF())
        .writeStream.outputMode('update')
        .option('checkpointLocation', 'checkpoint')
        .format('noop')
      const query = writer.start()
      await query.processAllAvailable()
      const [operator] = query.recentProgress.at(-1)?.stateOperators ?? []
      expect(operator?.numStateStoreInstances).toBe(5)
      const { changes } = await session.explainUpgrade(writer, 'checkpoint')
      const kept = changes.find(({ name }) => name === 'shards')?.what
      expect(kept).toBe(shards === 5 ? '' : 'stays 5, as at the first start (now 16)')
      await session.stop()
      return true
    }
    expect(await simulation.run(run())).toBe(true)
  }
})

test('what a start throws at once is thrown', async () => {
  const files = await written(sums)
  const { session, simulation } = life(files, 1)
  const input = session.memoryStream('k STRING, n INT').toDF()
  const writer = sums(input).writeStream.outputMode('update')
  const twins = input.select('k', 'k').writeStream.format('json').option('path', 'out')
  const all = [
    [writer.format('nowhere'), 'SOURCE_NOT_FOUND'],
    [writer.format('console').option('numrows', -1), 'CONFIG_INVALID'],
    [writer.format('json').option('path', 'out'), 'OUTPUT_MODE_UNSUPPORTED'],
    [twins, 'AMBIGUOUS_COLUMN'],
    [writer.format('noop').partitionBy('none'), 'COLUMN_NOT_FOUND'],
  ] as const
  for (const [wrong, code] of all) {
    const asked = session.explainUpgrade(wrong, 'checkpoint')
    await expect(simulation.run(asked)).rejects.toMatchObject({ code })
    expect(() => wrong.start()).toThrow(expect.objectContaining({ code }))
  }
})

test('without a checkpoint there is nothing to explain', async () => {
  const { session, simulation } = life(virtualFileSystem(), 0)
  const asked = session.explainUpgrade(writerOf(session, sums), 'nowhere')
  await expect(simulation.run(asked)).rejects.toMatchObject({ code: 'CHECKPOINT_NOT_FOUND' })
})

test('a source with a name may go and come back; one without is known by its path', async () => {
  const files = virtualFileSystem()
  for (const folder of ['a', 'b']) {
    await files.makeFolder(folder)
    await files.create(`${folder}/1.json`, new TextEncoder().encode('{"k":"x","n":1}\n'))
  }
  const read = (session: Session, path: string, name?: string): DataFrame => {
    const reader = session.readStream.format('json').schema('k STRING, n INT')
    return (name === undefined ? reader : reader.name(name)).load(path)
  }
  let number = 0
  const inLife = async (
    build: (session: Session) => DataFrame,
    starts: boolean,
  ): Promise<UpgradeReport | undefined> => {
    const { session, simulation } = life(files, number++)
    const writer = sums(build(session))
      .writeStream.outputMode('update')
      .option('checkpointLocation', 'checkpoint')
      .foreachBatch(async () => undefined)
    if (!starts) return explained(simulation, session.explainUpgrade(writer, 'checkpoint'))
    const run = async (): Promise<void> => {
      await writer.start().processAllAvailable()
      await session.stop()
    }
    await simulation.run(run())
    return undefined
  }
  const one = (session: Session): DataFrame => read(session, 'a')
  const both = (session: Session): DataFrame => one(session).union(read(session, 'b', 'second'))
  const ofSources = (report: UpgradeReport | undefined): readonly string[] | undefined =>
    report?.changes
      .filter(({ kind }) => kind === 'source')
      .map(({ name, verdict, what }) => `${name} ${verdict}: ${what}`)
  await inLife(both, true)
  expect(ofSources(await inLife(one, false))).toEqual([
    'json-0 kept: ',
    'second kept: is not read any more; its position stays',
  ])
  const more = new TextEncoder().encode('{"k":"x","n":2}\n')
  await files.create('a/2.json', more)
  await inLife(one, true)
  expect(ofSources(await inLife(both, false))).toEqual([
    'json-0 kept: ',
    'second kept: goes on where it was when it went',
  ])
  const moved = await inLife((session) => read(session, 'b'), false)
  expect(moved?.canStart).toBe(false)
  expect(ofSources(moved)?.[0]).toMatch(/^json-0 refused: source json-0 was a and is b/)
})
