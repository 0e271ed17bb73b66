import { StreamError } from '../core/error.ts'

const unite =
  'unionByName(…, { allowMissingColumns: true }) of one groupBy for each of the groupings'
const choose = (how: string, wanted: string): string =>
  `join on all columns with eqNullSafe and '${how}', which keeps the rows that the other frame ${wanted}`

/** What to do instead of methods of Spark that are not there. */
const instead = {
  cogroup:
    'unionByName of both frames with a column that says which is which, then groupByKey and transformWithState',
  cube: unite,
  except: choose('leftanti', 'has not'),
  exceptAll: choose('leftanti', 'has not'),
  groupingSets: unite,
  intersect: choose('leftsemi', 'has too'),
  intersectAll: choose('leftsemi', 'has too'),
  offset:
    'filter by a column that counts or by time; where a source begins is an option of the source',
  rollup: unite,
  sample:
    'filter by a hash of a key, such as pmod(xxhash64(id), 10) = 0: the same rows in every run',
  subtract: choose('leftanti', 'has not'),
} as const satisfies Readonly<Record<string, string>>

type Missing = keyof typeof instead

/** Methods of Spark's frames that are not there: calling one says what to do instead. */
export type NotOnFrames = Refusing<Exclude<Missing, 'cogroup'>>

/** Methods of Spark's groups that are not there. */
export type NotOnGroups = Refusing<'cogroup'>

/** Each throws `STREAMING_UNSUPPORTED` on a stream and `NOT_PROVIDED` elsewhere. */
type Refusing<Names extends Missing> = {
  readonly [Name in Names]: (...given: readonly unknown[]) => never
}

/** The methods by these names, which only refuse. */
export function notProvided<Name extends Missing>(
  names: readonly Name[],
  isStreaming: () => boolean,
): Refusing<Name> {
  const methods = names.map((name) => [name, () => refuse(name, isStreaming())] as const)
  // The names are the keys just given.
  return Object.fromEntries(methods) as Refusing<Name>
}

export const notOnFrames = [
  'cube',
  'except',
  'exceptAll',
  'groupingSets',
  'intersect',
  'intersectAll',
  'offset',
  'rollup',
  'sample',
  'subtract',
] as const satisfies readonly Exclude<Missing, 'cogroup'>[]

function refuse(name: Missing, isStreaming: boolean): never {
  const fix = `Use ${instead[name]}.`
  if (isStreaming) throw new StreamError('STREAMING_UNSUPPORTED', { what: name, fix })
  throw new StreamError('NOT_PROVIDED', { what: name, fix })
}
