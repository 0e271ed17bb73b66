import { StreamError } from '../core/error.ts'
import { eventTimeColumns } from './event-time.ts'
import { joinBounds } from './join-bounds.ts'
import {
  type AsofJoin,
  isRestated,
  isStreaming,
  type Join,
  type JoinType,
  type LogicalPlan,
  type SaveMode,
  schemaOf,
} from './logical.ts'

const texts: Readonly<Record<JoinType, string>> = {
  inner: 'inner',
  leftOuter: 'left outer',
  rightOuter: 'right outer',
  fullOuter: 'full outer',
  leftSemi: 'left semi',
  leftAnti: 'left anti',
}

/**
 * Refuses joins that would have to take back what they gave out, or wait for ever.
 * @throws StreamError `OUTPUT_MODE_UNSUPPORTED`, `STREAMING_UNSUPPORTED`
 */
export function checkJoin(join: Join, mode: SaveMode): void {
  if (!isStreaming(join.left) || !isStreaming(join.right)) return checkStaticSide(join)
  const { type } = join
  if (join.keys.length === 0) {
    throw unsupported(
      'A join of two streams without an equality between them',
      "Compare a column of each, for example join(other, 'id'): rows are kept by that key.",
    )
  }
  for (const side of [join.left, join.right]) checkTimes(side)
  const inserts = type === 'inner' || type === 'leftSemi'
  if (mode === 'complete' || (mode === 'update' && !inserts)) {
    throw new StreamError('OUTPUT_MODE_UNSUPPORTED', {
      mode,
      why: `a join of two streams (${texts[type]}) only ever adds rows, each once nothing can change it any more`,
      fix: inserts ? "Use outputMode('append') or 'update'." : "Use outputMode('append').",
    })
  }
  if (mode === 'update' && (isRestated(join.left) || isRestated(join.right))) {
    throw new StreamError('OUTPUT_MODE_UNSUPPORTED', {
      mode,
      why: 'a join follows an aggregation or a ranking, and would pair each of its rows again every time that it changes',
      fix: "Use outputMode('append'), with withWatermark before it.",
    })
  }
  checkBounds(join)
}

/**
 * A left row waits until no right row can come that would suit it better, which only watermarks say.
 * @throws StreamError `OUTPUT_MODE_UNSUPPORTED`, `STREAMING_UNSUPPORTED`
 */
export function checkAsofJoin(join: AsofJoin, mode: SaveMode): void {
  if (mode !== 'append') {
    throw new StreamError('OUTPUT_MODE_UNSUPPORTED', {
      mode,
      why: 'an as-of join gives out each left row once, when its right row is certain',
      fix: "Use outputMode('append').",
    })
  }
  for (const side of ['left', 'right'] as const) {
    if (!isStreaming(join[side])) {
      throw unsupported(
        `An as-of join of a stream whose ${side} side does not stream`,
        'Read both sides with readStream: without a watermark nothing says which right row is the last.',
      )
    }
    checkTimes(join[side])
    const time = join[side === 'left' ? 'leftTime' : 'rightTime']
    const isTimed = eventTimeColumns(join[side]).some(
      ({ index, kind }) => index === time && kind === 'time',
    )
    if (isTimed) continue
    const name = schemaOf(join[side])[time]?.name ?? ''
    throw unsupported(
      `An as-of join without a watermark on the ${side} time ${name}`,
      `Call withWatermark('${name}', '10 minutes') on the ${side} frame: a left row waits until no earlier right row can come.`,
    )
  }
}

/**
 * Unmatched rows come out when no partner can come, which something has to say. Of a full outer join it is
 * enough to say it of one side, as in Spark: unmatched rows of the other come out when the query is drained.
 */
function checkBounds(join: Join): void {
  const { left, right } = joinBounds(join)
  const isBound = {
    inner: true,
    leftOuter: left !== undefined,
    rightOuter: right !== undefined,
    fullOuter: left !== undefined || right !== undefined,
    leftSemi: left !== undefined,
    leftAnti: left !== undefined,
  }[join.type]
  if (isBound) return
  const waits = join.type === 'rightOuter' ? 'right' : 'left'
  throw unsupported(
    `A ${texts[join.type]} join in which a ${waits} row would wait for a partner for ever`,
    'Call withWatermark on both sides, and join on equal windows or times, or add a range such as ' +
      "expr('l.time BETWEEN r.time - INTERVAL 1 HOUR AND r.time + INTERVAL 1 HOUR').",
  )
}

/** Late rows are told by one time. */
function checkTimes(side: LogicalPlan): void {
  const times = eventTimeColumns(side)
  if (times.length < 2) return
  const schema = schemaOf(side)
  const names = times.map(({ index }) => schema[index]?.name ?? '').join(', ')
  throw unsupported(
    `A join of a stream with several event-time columns (${names})`,
    'Keep one of them: leave the others out with select or drop, or cast them to a number.',
  )
}

/** The stream is read once, row by row: what has no partner so far may find one in a later row. */
function checkStaticSide({ left, type }: Join): void {
  const streams = isStreaming(left) ? 'left' : 'right'
  const allowed: Readonly<Record<typeof streams, readonly JoinType[]>> = {
    left: ['inner', 'leftOuter', 'leftSemi', 'leftAnti'],
    right: ['inner', 'rightOuter'],
  }
  if (allowed[streams].includes(type)) return
  const frames =
    streams === 'left'
      ? 'a stream with a frame that does not stream'
      : 'a frame that does not stream with a stream'
  throw unsupported(
    `A ${texts[type]} join of ${frames}`,
    `Rows of the frame would have to wait for ever for a partner in the stream. Use ${allowed[streams].map((each) => texts[each]).join(', ')}, or swap the sides.`,
  )
}

function unsupported(what: string, fix: string): StreamError<'STREAMING_UNSUPPORTED'> {
  return new StreamError('STREAMING_UNSUPPORTED', { what, fix })
}
