// CSV files with a header in a folder; the amount per customer, grouped without a window.
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Session } from 'millrace'
import { DoubleType, IntegerType, StringType, StructType } from 'millrace/types'

const folder = mkdtempSync(join(tmpdir(), 'orders-'))
writeFileSync(join(folder, 'a.csv'), 'order_id,customer,amount\n1,ada,20.5\n2,bob,5\n')
writeFileSync(join(folder, 'b.csv'), 'order_id,customer,amount\n3,ada,1.5\n')

const schema = StructType()
  .add('order_id', IntegerType())
  .add('customer', StringType())
  .add('amount', DoubleType())

const spark = Session.builder.appName('Orders').getOrCreate()
const orders = spark.readStream.option('header', 'true').schema(schema).csv(folder)
orders.printSchema()

const query = orders
  .groupBy('customer')
  .sum('amount')
  .orderBy('customer')
  .writeStream.outputMode('complete')
  .format('console')
  .trigger({ availableNow: true })
  .start()
await query.awaitTermination()
await spark.stop()
