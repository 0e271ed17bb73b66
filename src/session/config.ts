import { closest } from '../core/closest.ts'
import { parseDuration } from '../core/duration.ts'
import { StreamError } from '../core/error.ts'

/** Every option of a session, read and checked. Durations in milliseconds, sizes in bytes. */
export interface SessionConfig {
  readonly appName: string
  /** Folder under which every named query has its checkpoint. */
  readonly checkpointLocation: string | undefined
  readonly store: 'rocksdb' | 'memory'
  /** Task sets with shards and channels of their own. */
  readonly lanes: number
  /** Shards of keyed state, fixed at the first start of a query; the largest number of lanes. */
  readonly shards: number
  readonly epochsInFlight: number
  /** Keyed state held in memory per query; what exceeds it lies in the store only. */
  readonly stateCacheBytes: number
  /** Changes since the last copy of a shard's state that make a new copy worth it: so many bytes, and no fewer than it has. */
  readonly snapshotMinBytes: number
  /** Or so many epochs with few changes. */
  readonly snapshotMaxDeltas: number
  /** Rows of state that a query may have, over all operators and lanes; absent = any number. */
  readonly stateMaxRows: number | undefined
  /** The same in bytes, in memory and outside of it. */
  readonly stateMaxBytes: number | undefined
  /** What happens to an epoch that would leave more. */
  readonly stateQuotaPolicy: 'fail' | 'warn'
  readonly checkpointTimeoutMs: number
  readonly lockLeaseMs: number
  readonly minEpochsToRetain: number
  readonly minRetentionMs: number
  readonly stopTimeoutMs: number
  readonly noDataEpochs: boolean
  readonly watermarkPolicy: 'min' | 'max'
  readonly numRecentProgressUpdates: number
  readonly noDataProgressIntervalMs: number
  /** Queries may remember keys for ever, as dropDuplicates without a time does. */
  readonly allowUnbounded: boolean
  readonly longAs: 'bigint' | 'number'
  readonly progress: 'auto' | 'on' | 'off'
  readonly maxRestarts: number
  readonly restartDelayMs: number
  readonly poisonAfter: number
}

interface Option<T> {
  readonly names: readonly string[]
  readonly initial: T
  readonly expected: string
  /** `undefined` if the text is not a value of the option. */
  parse(text: string): T | undefined
}

/** The table of options: ours first, then Spark's names for the same thing. */
const options: { readonly [K in keyof SessionConfig]: Option<SessionConfig[K]> } = {
  appName: { names: ['appName', 'spark.app.name'], initial: 'millrace', ...anyText() },
  checkpointLocation: {
    names: ['checkpointLocation', 'spark.sql.streaming.checkpointLocation'],
    initial: undefined,
    ...anyText(),
  },
  store: {
    names: ['store', 'spark.sql.streaming.stateStore.providerClass'],
    initial: 'rocksdb',
    expected: 'rocksdb or memory',
    parse: (text) =>
      /rocksdb/i.test(text) ? 'rocksdb' : /memory|hdfsbacked/i.test(text) ? 'memory' : undefined,
  },
  lanes: { names: ['lanes'], initial: 1, ...wholeNumber(1, 64) },
  shards: { names: ['shards'], initial: 8, ...wholeNumber(1, 64) },
  epochsInFlight: { names: ['epochsInFlight'], initial: 2, ...wholeNumber(1, 8) },
  stateCacheBytes: { names: ['stateCache'], initial: 512 * 1024 * 1024, ...byteSize() },
  snapshotMinBytes: { names: ['snapshotMinBytes'], initial: 1024 * 1024, ...byteSize() },
  snapshotMaxDeltas: {
    names: ['snapshotMaxDeltas', 'spark.sql.streaming.stateStore.minDeltasForSnapshot'],
    initial: 60,
    ...wholeNumber(1, 1_000_000),
  },
  stateMaxRows: {
    names: ['stateMaxRows'],
    initial: undefined,
    ...wholeNumber(1, Number.MAX_SAFE_INTEGER),
  },
  stateMaxBytes: { names: ['stateMaxBytes'], initial: undefined, ...byteSize() },
  stateQuotaPolicy: { names: ['stateQuotaPolicy'], initial: 'fail', ...oneOf('fail', 'warn') },
  checkpointTimeoutMs: { names: ['checkpointTimeout'], initial: 600_000, ...duration() },
  lockLeaseMs: { names: ['lockLease'], initial: 10_000, ...duration() },
  minEpochsToRetain: {
    names: ['minEpochsToRetain', 'spark.sql.streaming.minBatchesToRetain'],
    initial: 100,
    ...wholeNumber(1, 1_000_000),
  },
  minRetentionMs: { names: ['minRetention'], initial: 600_000, ...duration() },
  stopTimeoutMs: {
    names: ['stopTimeout', 'spark.sql.streaming.stopTimeout'],
    initial: 20_000,
    ...duration(),
  },
  noDataEpochs: {
    names: ['noDataEpochs', 'spark.sql.streaming.noDataMicroBatches.enabled'],
    initial: true,
    ...flag(),
  },
  watermarkPolicy: {
    names: ['watermarkPolicy', 'spark.sql.streaming.multipleWatermarkPolicy'],
    initial: 'min',
    ...oneOf('min', 'max'),
  },
  numRecentProgressUpdates: {
    names: ['numRecentProgressUpdates', 'spark.sql.streaming.numRecentProgressUpdates'],
    initial: 100,
    ...wholeNumber(1, 100_000),
  },
  noDataProgressIntervalMs: {
    names: ['noDataProgressEventInterval', 'spark.sql.streaming.noDataProgressEventInterval'],
    initial: 10_000,
    ...duration(),
  },
  allowUnbounded: { names: ['allowUnbounded'], initial: false, ...flag() },
  longAs: { names: ['longAs'], initial: 'bigint', ...oneOf('bigint', 'number') },
  progress: { names: ['progress'], initial: 'auto', ...oneOf('auto', 'on', 'off') },
  maxRestarts: { names: ['maxRestarts'], initial: 3, ...wholeNumber(0, 1_000_000) },
  restartDelayMs: { names: ['restartDelay'], initial: 1_000, ...duration() },
  poisonAfter: { names: ['poisonAfter'], initial: 3, ...wholeNumber(1, 1_000) },
}

/** Spark's settings that have no meaning here; accepted, so that programs can be moved over. */
const ignored = /^spark\./

/**
 * Reads options given by name.
 * @throws StreamError `OPTION_UNKNOWN` with the nearest name, `CONFIG_INVALID`
 */
export function readConfig(given: ReadonlyMap<string, string>): SessionConfig {
  const config: Record<string, unknown> = {}
  for (const [key, option] of Object.entries(options)) config[key] = option.initial
  for (const [name, text] of given) {
    const found = optionNamed(name)
    if (found === undefined) {
      if (ignored.test(name)) continue
      const known = Object.values(options).flatMap(({ names }) => names)
      throw new StreamError('OPTION_UNKNOWN', {
        format: 'The session',
        option: name,
        closest: closest(name, known),
      })
    }
    const [key, option] = found
    const value = option.parse(text)
    if (value === undefined) {
      throw new StreamError('CONFIG_INVALID', {
        option: name,
        value: text,
        expected: option.expected,
      })
    }
    config[key] = value
  }
  // Every key of the table was filled above, with a value of its own type.
  return config as unknown as SessionConfig
}

function optionNamed(name: string): [string, Option<unknown>] | undefined {
  return Object.entries<Option<unknown>>(options).find(([, { names }]) =>
    names.some((known) => known.toLowerCase() === name.toLowerCase()),
  )
}

/**
 * Holds options given by name to those of a session that runs with `running` and cannot change them.
 * @throws StreamError `OPTION_UNKNOWN`, `CONFIG_INVALID`
 */
export function checkSame(given: ReadonlyMap<string, string>, running: SessionConfig): void {
  const asked = new Map<string, unknown>(Object.entries(readConfig(given)))
  const has = new Map<string, unknown>(Object.entries(running))
  for (const [name, value] of given) {
    const [key] = optionNamed(name) ?? []
    if (key === undefined || asked.get(key) === has.get(key)) continue
    const expected = `${has.get(key) ?? 'nothing'}, as the session that runs has it (stop the session first),`
    throw new StreamError('CONFIG_INVALID', { option: name, value, expected })
  }
}

type Reading<T> = Pick<Option<T>, 'expected' | 'parse'>

function anyText(): Reading<string> {
  return { expected: 'text', parse: (text) => (text === '' ? undefined : text) }
}

function oneOf<T extends string>(...values: readonly T[]): Reading<T> {
  return {
    expected: values.join(' or '),
    parse: (text) => values.find((value) => value === text.toLowerCase()),
  }
}

function flag(): Reading<boolean> {
  return {
    expected: 'true or false',
    parse: (text) => (/^true$/i.test(text) ? true : /^false$/i.test(text) ? false : undefined),
  }
}

function wholeNumber(min: number, max: number): Reading<number> {
  return {
    expected: `a whole number from ${min} to ${max}`,
    parse: (text) => {
      const value = Number(text)
      const fits = text.trim() !== '' && Number.isInteger(value) && value >= min && value <= max
      return fits ? value : undefined
    },
  }
}

function duration(): Reading<number> {
  return {
    expected: "a duration such as '10 seconds', or milliseconds",
    parse: (text) => {
      if (/^\d+$/.test(text.trim())) return Number(text)
      const micros = parseDuration(text)
      return micros >= 0 ? Math.ceil(micros / 1000) : undefined
    },
  }
}

const units: Readonly<Record<string, number>> = { '': 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30 }

function byteSize(): Reading<number> {
  return {
    expected: "a size such as '256 MB'",
    parse: (text) => {
      const match = /^\s*(\d+(?:\.\d+)?)\s*([kmg]?)i?b?\s*$/i.exec(text)
      if (match === null) return undefined
      return Math.floor(Number(match[1]) * (units[(match[2] ?? '').toLowerCase()] ?? 1))
    },
  }
}
