// A sink of your own that shows every row exactly once: prepared rows lie in one place, committed
// epochs in another, and an epoch that is committed again is passed over.
import { type EdgeRow, Session, type SinkFactory, toRows } from 'millrace'

/** Stands for a database with transactions. */
const database = {
  prepared: new Map<string, readonly EdgeRow[]>(),
  rows: [] as EdgeRow[],
  epoch: -1,
}

const table: SinkFactory = {
  format: 'table',
  options: [],
  modes: ['append'],
  async create() {
    let written: EdgeRow[] = []
    return {
      description: 'a table',
      kind: 'repeatable',
      async open({ lastCommitted }) {
        // What a run before us wrote and never committed must not stay.
        const key = lastCommitted?.committable
        for (const id of database.prepared.keys()) if (id !== key) database.prepared.delete(id)
      },
      write: async (batch) => void written.push(...toRows(batch)),
      async prepare(epoch) {
        const key = `epoch-${epoch}`
        database.prepared.set(key, written)
        written = []
        return key
      },
      async commit(epoch, key) {
        if (epoch <= database.epoch) return
        database.rows.push(...(database.prepared.get(String(key)) ?? []))
        database.epoch = epoch
        database.prepared.delete(String(key))
      },
      async abort() {
        written = []
      },
      close: async () => undefined,
    }
  },
}

const spark = Session.builder.appName('own sink').getOrCreate()
spark.register({ sink: table })
const input = spark.memoryStream('n DOUBLE')
const query = input.toDF().writeStream.format('table').start()
for (const rows of [
  [[1], [2], [3]],
  [[4], [5]],
]) {
  input.addData(rows)
  await query.processAllAvailable()
}
await spark.stop()
console.log(`${database.rows.length} rows in ${database.epoch + 1} epochs, each once`)
