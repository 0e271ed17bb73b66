import type { UnresolvedExpression } from '../expr/unresolved.ts'
import { type ColumnOrName, nameOf, type WindowSpec } from './column.ts'

type Columns = readonly (ColumnOrName | readonly ColumnOrName[])[]

/**
 * Begins the window of a window function: rows by `partitionBy`, numbered by `orderBy`. Without
 * `partitionBy` all rows belong together, and one task ranks them.
 *
 * On a stream the number must be filtered in the next step (`<=`, `<` or `=` a constant), so that only the
 * best rows of each partition are kept. In update mode each epoch gives out the rows whose number is new:
 * a reader that upserts by the columns of `partitionBy` and the number has the Top-N at all times. In append
 * mode the window or time of a watermark must be in `partitionBy`, and a partition comes out when it
 * closes. Of rows that are equal by `orderBy` the earlier one goes first.
 *
 * @example
 * ```ts
 * import { Session } from 'millrace'
 * import { desc, row_number, Window } from 'millrace/functions'
 *
 * const spark = Session.builder.getOrCreate()
 * const games = spark.createDataFrame(
 *   [{ player: 'ada', score: 5 }, { player: 'ada', score: 9 }, { player: 'bob', score: 7 }],
 *   'player STRING, score INT',
 * )
 * const best = games
 *   .withColumn('rank', row_number().over(Window.partitionBy('player').orderBy(desc('score'))))
 *   .filter('rank <= 1')
 * console.log(await best.collect())
 * await spark.stop()
 * ```
 */
export const Window: Pick<WindowSpec, 'partitionBy' | 'orderBy'> = {
  partitionBy: (...columns) => specOf(expressionsOf(columns), []),
  orderBy: (...columns) => specOf([], expressionsOf(columns)),
}

function specOf(
  partitions: readonly UnresolvedExpression[],
  orders: readonly UnresolvedExpression[],
): WindowSpec {
  return {
    partitions,
    orders,
    partitionBy: (...columns) => specOf(expressionsOf(columns), orders),
    orderBy: (...columns) => specOf(partitions, expressionsOf(columns)),
  }
}

function expressionsOf(columns: Columns): readonly UnresolvedExpression[] {
  return columns.flat().map(nameOf)
}
