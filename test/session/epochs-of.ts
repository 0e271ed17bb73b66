import type { EdgeRow } from '../../src/batch/edge-row.ts'
import type { DataFrame, OutputMode } from '../../src/dataframe/data-frame.ts'
import type { Session } from '../../src/index.ts'

/**
 * What a query gives out for each list of rows: one list is one epoch, with the empty epochs behind it
 * in which its watermark closes things. Rows in the order of their texts. Stops the session.
 */
export async function epochsOf(
  session: Session,
  schema: string,
  epochs: readonly (readonly Readonly<Record<string, unknown>>[])[],
  build: (input: DataFrame) => DataFrame,
  outputMode: OutputMode = 'append',
): Promise<readonly (readonly EdgeRow[])[]> {
  const input = session.memoryStream(schema)
  let given: EdgeRow[] = []
  const query = build(input.toDF())
    .writeStream.outputMode(outputMode)
    .foreachBatch(async (batch) => {
      given.push(...(await batch.collect()))
    })
    .start()
  const answers: (readonly EdgeRow[])[] = []
  for (const rows of epochs) {
    input.addData(rows)
    await query.processAllAvailable()
    answers.push(
      given
        .map((row) => [text(row), row] as const)
        .sort(byText)
        .map(([, row]) => row),
    )
    given = []
  }
  await session.stop()
  return answers
}

function text(row: EdgeRow): string {
  return JSON.stringify(row, (_, value: unknown) =>
    typeof value === 'bigint' ? String(value).padStart(20, '0') : value,
  )
}

function byText([left]: readonly [string, unknown], [right]: readonly [string, unknown]): number {
  return left < right ? -1 : left > right ? 1 : 0
}
