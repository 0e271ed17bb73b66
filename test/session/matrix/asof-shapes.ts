import type { DataFrame } from '../../../src/index.ts'
import { gives, type More, refuses, type Step, timed } from './cell.ts'
import type { Shape } from './shape.ts'

const bounded = 'as-of join of streams, watermarks on both times (*ours*)'
const unbounded = 'as-of join of streams without'

/** Each row of the left with the newest row of the right of the same user. */
export const asof = (input: DataFrame, other: DataFrame): DataFrame =>
  input
    .asofJoin(other.selectExpr('user', 't AS at', 'v AS rv'), {
      on: 'user',
      leftTime: 't',
      rightTime: 'at',
    })
    .select('user', 'v', 'rv')

/**
 * The watermark reaches 2, 15, 15 and 50: the left 12 is answered at 15, by the 11 that came out of
 * order. In the third step what is at 15 is late, what is at 16 is not (rules W3 and W4).
 */
const trace: readonly Step[] = [
  [['ada 12 1'], ['ada 10 5', 'ada 13 6']],
  [['ada 30 2'], ['ada 25 7', 'ada 11 8']],
  [
    ['ada 16 3', 'ada 15 9'],
    ['ada 15 10', 'ada 16 11'],
  ],
  [['ada 60 4', 'bob 60 5'], ['ada 61 12']],
]

const onlyAppend = refuses(
  'OUTPUT_MODE_UNSUPPORTED',
  /as-of join gives out each left row once/,
  /outputMode\('append'\)/,
)

const withoutWatermark = (side: string) =>
  refuses(
    'STREAMING_UNSUPPORTED',
    new RegExp(`without a watermark on the ${side} time`),
    new RegExp(`withWatermark\\('.*', '10 minutes'\\) on the ${side} frame`),
  )

const unboundedShape = (
  side: string,
  build: (input: DataFrame, more: More) => DataFrame,
): Shape => ({
  row: unbounded,
  name: `none on the ${side}`,
  build,
  steps: trace,
  append: withoutWatermark(side),
  update: onlyAppend,
  complete: onlyAppend,
})

/** As-of joins. */
export const asofShapes: readonly Shape[] = [
  {
    row: bounded,
    name: 'a trace',
    build: (input, { other }) => asof(timed(input), timed(other)),
    steps: trace,
    append: gives([], ['ada 1 8'], [], ['ada 2 7', 'ada 3 11']),
    update: onlyAppend,
    complete: onlyAppend,
  },
  unboundedShape('left', (input, { other }) => asof(input, timed(other))),
  unboundedShape('right', (input, { other }) => asof(timed(input), other)),
]
