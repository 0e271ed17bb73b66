/**
 * Every error a user can meet, by alphabet. A code, once released, keeps its meaning. Over 400 lines, as it is one table.
 * `retry: 'backoff'` marks what may pass by itself; the restart policy reads it.
 */
const catalogue = {
  AGGREGATE_MISPLACED: {
    message: 'The aggregate {aggregate} stands where a value per row is needed: {where}.',
    hint: 'Call it inside groupBy(…).agg(…), or filter after the aggregation.',
    retry: 'never',
  },
  AMBIGUOUS_COLUMN: {
    message: 'The column name {column} fits more than one column of [{available}].',
    hint: 'Rename one of them with withColumnRenamed or alias before this step.',
    retry: 'never',
  },
  ARITHMETIC_OVERFLOW: {
    message: '{operation} leaves the range of {type}: {values}.',
    hint: 'Cast to a wider type first, or use the try_ form of the function, which gives NULL.',
    retry: 'never',
  },
  ASYNC_CALL_FAILED: {
    message:
      'In {operator} the last of {attempts} calls of {name} for a row failed: {why}. The row begins: {row}',
    hint: "The row was not lost. Look at what the function calls, raise retry.attempts or timeout of mapAsync, or pass onError: 'drop' to go on without such rows.",
    retry: 'backoff',
  },
  CAST_INVALID_INPUT: {
    message: 'The value {value} of type {from} cannot be cast to {to}.',
    hint: 'Use tryCast (NULL for bad values), or send bad rows elsewhere with the mode option of the source.',
    retry: 'never',
  },
  CHECKPOINT_CORRUPT: {
    message: 'The checkpoint at {path} cannot be used: {what}.',
    hint: 'Restore the folder from a copy, or start a new query with another checkpointLocation. Nothing was changed.',
    retry: 'never',
  },
  CHECKPOINT_IN_USE: {
    message:
      'The checkpoint at {path} is in use by process {pid}, started {startedAt}, heartbeat {heartbeatAgeMs} ms ago.',
    hint: 'Stop the other query, or give this one a checkpointLocation of its own.',
    retry: 'backoff',
  },
  CHECKPOINT_NEWER_FORMAT: {
    message: 'The checkpoint at {path} has format {found}; this version reads up to {supported}.',
    hint: 'Upgrade millrace to the version that wrote the checkpoint, or newer.',
    retry: 'never',
  },
  CHECKPOINT_NOT_FOUND: {
    message: 'There is no checkpoint to read at {path}: {what}.',
    hint: 'Give the checkpointLocation of a query that has committed an epoch.',
    retry: 'never',
  },
  CHECKPOINT_OTHER_QUERY: {
    message: 'The checkpoint at {path} belongs to a different query: {difference}.',
    hint: 'Use another checkpointLocation for a changed query, or undo the change; session.explainUpgrade lists all that changes.',
    retry: 'never',
  },
  CHECKPOINT_TIMEOUT: {
    message: 'Epoch {epoch}: {missing} of {tasks} tasks had not answered after {waitedMs} ms.',
    hint: 'Raise checkpointTimeout, or look for a slow task in the progress of the query.',
    retry: 'backoff',
  },
  COLUMN_NOT_FOUND: {
    message: 'There is no column {column} in [{available}].',
    hint: 'Check the spelling. Did you mean {closest}?',
    retry: 'never',
  },
  COLUMN_NOT_GROUPED: {
    message: 'The column {column} is neither a grouping key nor inside an aggregate.',
    hint: 'Add it to groupBy, or put it into an aggregate such as max({column}). The keys are [{keys}].',
    retry: 'never',
  },
  CONFIG_INVALID: {
    message: 'The option {option} cannot be {value}: {expected} is expected.',
    hint: 'Correct the value of {option}.',
    retry: 'never',
  },
  DATATYPE_MISMATCH: {
    message: '{expression} needs {expected} but got {actual}.',
    hint: 'Cast the argument, for example with .cast("{suggestion}").',
    retry: 'never',
  },
  DEAD_LETTERS_NOWHERE: {
    message: 'Bad rows are to go to the dead letters, and this query has no place for them.',
    hint: "Say where, with .option('deadLetterPath', …) of writeStream, or choose another policy.",
    retry: 'never',
  },
  DECODE_FAILED: {
    message: 'A row of {origin} could not be read as {schema}: {why}. The row begins: {row}',
    hint: 'Set option mode to PERMISSIVE (nulls and _corrupt_record) or DROPMALFORMED, or correct the schema.',
    retry: 'never',
  },
  DIVIDE_BY_ZERO: {
    message: 'Division by zero in {expression}.',
    hint: 'Use nullif(divisor, 0), or the try_ form of the function, which gives NULL.',
    retry: 'never',
  },
  DURATION_INVALID: {
    message: 'The text {text} is not a duration: {why}.',
    hint: "Write a number and a unit, for example '10 minutes' or '1 hour 30 minutes'.",
    retry: 'never',
  },
  ENCODE_FAILED: {
    message: 'A value cannot be written as {schema}: {why}.',
    hint: 'Correct the value or its type before this step, or let the schema allow it.',
    retry: 'never',
  },
  EPOCH_NOT_RETAINED: {
    message: 'Epoch {epoch} of the checkpoint at {path} cannot be read: {what}.',
    hint: 'Choose an epoch that is there; to keep more of them, raise minEpochsToRetain or minRetention of the query.',
    retry: 'never',
  },
  EPOCH_POISONED: {
    message: 'Epoch {epoch} failed {attempts} times in a row; the last error was {cause}.',
    hint: 'The same input fails each time: correct the row, the function or the sink, then start the query again. Nothing was lost.',
    retry: 'never',
  },
  EVENT_TIME_IN_FUTURE: {
    message:
      'The time {time} in {column} is more than {skew} beyond the processing time {processingTime}.',
    hint: 'Correct the clock or the unit at the origin of the row, or raise maxFutureSkew of withWatermark.',
    retry: 'never',
  },
  EVENT_TIME_NULL: {
    message: 'The row has no event time: {column} is NULL.',
    hint: "Correct the row at its origin, or let such rows pass with nullTime: 'keep' in withWatermark.",
    retry: 'never',
  },
  EXPRESSION_MISPLACED: {
    message: 'The expression {expression} cannot stand here: {why}.',
    hint: '{fix}',
    retry: 'never',
  },
  FENCED: {
    message:
      'This run of the query was replaced by a newer one (attempt {attempt}) and has stopped.',
    hint: 'Nothing is lost: the newer run goes on from the last committed epoch.',
    retry: 'never',
  },
  FUNCTION_ARGUMENTS: {
    message: 'The function {name} takes {expected} but got {actual}: {expression}.',
    hint: 'Correct the arguments of the call.',
    retry: 'never',
  },
  FUNCTION_NOT_FOUND: {
    message: 'There is no function {name}.',
    hint: 'Did you mean {closest}?',
    retry: 'never',
  },
  INDEX_INVALID: {
    message: 'The index {index} cannot be used: {why}.',
    hint: 'Use get or try_element_at, which give NULL.',
    retry: 'never',
  },
  INTERNAL: {
    message: 'A promise the engine makes to itself was broken: {what}.',
    hint: 'This is a bug in millrace. Please report it with this message.',
    retry: 'never',
  },
  IO_ERROR: {
    message: '{operation} of {path} failed: {why}.',
    hint: 'Check that the path exists, is writable and that the disk has room.',
    retry: 'backoff',
  },
  KAFKA_ANSWER_INVALID: {
    message: 'The answer of {address} to {request} cannot be read: {what}.',
    hint: 'Check that the address is that of a Kafka broker and nothing stands between that changes bytes.',
    retry: 'backoff',
  },
  KAFKA_AUTHENTICATION_FAILED: {
    message: 'The broker {address} and this client do not accept each other ({step}): {why}.',
    hint: 'Check kafka.security.protocol and, for TLS, the options kafka.ssl.*, for SASL kafka.sasl.*.',
    retry: 'never',
  },
  KAFKA_CODEC_UNKNOWN: {
    message: 'Records are packed with {codec}, which this version of Node cannot unpack by itself.',
    hint: 'Install the package {package} beside millrace, or run a version of Node that has {codec}.',
    retry: 'never',
  },
  KAFKA_CONNECTION_LOST: {
    message: 'The connection to {address} was lost before {request} was answered: {why}.',
    hint: 'It is made again. If it goes on, look at the broker, the network and kafka.request.timeout.ms.',
    retry: 'backoff',
  },
  KAFKA_DATA_LOST: {
    message: 'Records of {partition} that were not read are gone: {why}.',
    hint: 'Raise the retention of the topic, or set failOnDataLoss to false to go on behind them.',
    retry: 'never',
  },
  KAFKA_DENIED: {
    message: 'The right {operation} on {resource} is missing (code {code}).',
    hint: 'Give the user of this client that right; docs/kafka.md lists all that are needed.',
    retry: 'never',
  },
  KAFKA_NO_OFFSET_FOR_TIME: {
    message: 'The partition {partition} has no record of {time} or later.',
    hint: 'Choose an earlier time, or set startingOffsetsByTimestampStrategy to latest.',
    retry: 'never',
  },
  KAFKA_PARTITION_UNKNOWN: {
    message: 'A row goes to partition {partition} of {topic}, which has {count}.',
    hint: 'Correct the column partition, or leave it out: then the key decides.',
    retry: 'never',
  },
  KAFKA_READ_TIMEOUT: {
    message: 'Offsets {from} to {to} of {partition} did not come within {waitedMs} ms.',
    hint: 'Look at the brokers, or raise kafkaConsumer.pollTimeoutMs.',
    retry: 'backoff',
  },
  KAFKA_RECORDS_CORRUPT: {
    message: 'Records of {topic}, partition {partition}, are not what their producer sent: {what}.',
    hint: 'Restore the partition from another replica; kafka.check.crcs set to false reads them as they are.',
    retry: 'never',
  },
  KAFKA_RECORD_TOO_LARGE: {
    message: 'A batch of records is larger than {resource} takes (code {code}).',
    hint: 'A record that is too large by itself has to be filtered out or cut, or max.message.bytes of the topic raised; if many small ones are too large together, lower kafka.batch.size.',
    retry: 'never',
  },
  KAFKA_REQUEST_REFUSED: {
    message: '{request} for {resource} was refused with code {code}: {why}.',
    hint: 'The code is explained in the protocol guide of Kafka.',
    retry: 'backoff',
  },
  KAFKA_ROWS_HELD_BACK: {
    message:
      'The brokers hold back what they acknowledged as committed: in {partition}, a transaction of {transactionalId} is open from offset {offset} on, though it has ended for its coordinator.',
    hint: 'The brokers lost the end of the transaction, as they may when one starts again, and readers of committed records wait there. Its rows can be read with kafka.isolation.level read_uncommitted; end it with kafka-transactions abort, which takes them back, and write them again by hand.',
    retry: 'never',
  },
  KAFKA_SINK_COLUMNS: {
    message: 'A Kafka sink needs {column} ({expected}), and the columns are {available}.',
    hint: "Make it with alias or cast, or write whole rows with valueFormat 'json' and the option topic.",
    retry: 'never',
  },
  KAFKA_TOPIC_NOT_FOUND: {
    message: 'The brokers know no {resource}.',
    hint: 'Create the topic, or correct its name.',
    retry: 'backoff',
  },
  KAFKA_TOPIC_NULL: {
    message: 'A row names no topic, and the option topic is not given.',
    hint: 'Give the option topic, or fill the column topic in every row.',
    retry: 'never',
  },
  KAFKA_TRANSACTION_ENDED: {
    message: 'A transaction of {transactionalId} cannot go on: {why}.',
    hint: 'Nothing is lost: the next attempt asks the broker what was committed. If this happens again and again, another process uses the same transactional ids.',
    retry: 'backoff',
  },
  KAFKA_TRANSACTION_HANGS: {
    message:
      'The offset of group {group} for {partition} has been unstable for {waitedMs} ms, though every transaction of this query has ended for its coordinator.',
    hint: 'The brokers lost the end of a transaction, as they may when a coordinator starts again. List it with kafka-transactions find-hanging and end it with kafka-transactions abort, in this partition and in __consumer_offsets. Nothing is lost: its epoch is written again.',
    retry: 'backoff',
  },
  KAFKA_TRANSACTION_TIMED_OUT: {
    message:
      'The transaction of epoch {epoch} ({transactionalId}) had been open for {openMs} ms when the brokers aborted it; its timeout is {timeoutMs} ms.',
    hint: 'Nothing is lost: the epoch is written again. If it always takes that long it is never committed: raise kafka.transaction.timeout.ms, or make epochs smaller, such as with maxOffsetsPerTrigger.',
    retry: 'backoff',
  },
  KAFKA_UNREACHABLE: {
    message: 'The broker {address} cannot be reached ({step}): {why}.',
    hint: 'Check the address, and that the broker runs and listens there for this kafka.security.protocol.',
    retry: 'backoff',
  },
  KAFKA_VERSION_UNSUPPORTED: {
    message: 'The broker {address} has {request} in versions {found}, and {wanted} are known here.',
    hint: 'Brokers of Kafka 2.5 and later are supported.',
    retry: 'never',
  },
  LITERAL_INVALID: {
    message: 'The value {value} cannot be used as a literal.',
    hint: 'Use a string, number, boolean, bigint, Date or null.',
    retry: 'never',
  },
  NOT_PROVIDED: {
    message: 'Spark has {what}; here it is not provided.',
    hint: '{fix}',
    retry: 'never',
  },
  OPERATOR_NOT_FOUND: {
    message: 'There is no stateful operator {operator} in {where}.',
    hint: 'The operators with state are: {known}.',
    retry: 'never',
  },
  OPTION_UNKNOWN: {
    message: '{format} has no option {option}.',
    hint: 'Did you mean {closest}?',
    retry: 'never',
  },
  OUTPUT_MODE_UNSUPPORTED: {
    message: 'Output mode {mode} cannot be used here: {why}.',
    hint: '{fix}',
    retry: 'never',
  },
  OUTPUT_OLDER_THAN_WATERMARK: {
    message:
      '{operator} gave out a row of {time} in the event-time column {column}, at or below the watermark {watermark}.',
    hint: 'Later steps take such rows for late: give out a later time, or declare no event-time column.',
    retry: 'never',
  },
  PACKAGE_MISSING: {
    message: '{what} needs the package {package}, which cannot be loaded: {why}.',
    hint: 'Install it beside millrace: npm install {package}.',
    retry: 'never',
  },
  PARSE_ERROR: {
    message: 'Syntax error in {text} at position {position}: {why}.',
    hint: 'Correct the text near the position.',
    retry: 'never',
  },
  PATTERN_INVALID: {
    message: 'The {kind} {pattern} cannot be used: {why}.',
    hint: 'Correct the pattern; look at its brackets and escapes.',
    retry: 'never',
  },
  PUSH_CLOSED: {
    message: 'The push source {source} is closed: {why}.',
    hint: 'Rows pushed before are safe. Push to a running query.',
    retry: 'backoff',
  },
  PUSH_OVERFLOW: {
    message: '{waiting} pushes to the source {source} are waiting for room already.',
    hint: 'Await each push before the next one, or have fewer of them at once.',
    retry: 'backoff',
  },
  QUERY_NAME_TAKEN: {
    message: 'A query named {name} is active in this session.',
    hint: 'Stop it first, or choose another queryName.',
    retry: 'never',
  },
  QUERY_STOPPED: {
    message: 'The query {name} has stopped: {why}.',
    hint: 'Look at query.exception(), then start it again.',
    retry: 'never',
  },
  SAVEPOINT_EXISTS: {
    message: 'The folder {path} for a savepoint is not empty.',
    hint: 'Give a folder that does not exist yet, such as one named after the day.',
    retry: 'never',
  },
  SCHEMAS_INCOMPATIBLE: {
    message: '{writer} cannot be read as {reader}: {why}.',
    hint: 'Give fields that are not always there a default, or read with a schema that the writers are compatible with.',
    retry: 'never',
  },
  SCHEMA_ID_UNKNOWN: {
    message: 'The schema registry at {url} has no schema with the id {id}.',
    hint: 'Check that schema.registry.url names the registry that the writers used, and that every value is framed.',
    retry: 'never',
  },
  SCHEMA_INVALID: {
    message: 'The schema is not usable: {why}.',
    hint: "Write it as DDL text, for example 'id LONG, name STRING NOT NULL', or with the types helpers.",
    retry: 'never',
  },
  SCHEMA_REGISTRY_DENIED: {
    message: 'The schema registry at {url} denied {request} (status {status}).',
    hint: 'Give the user and password with schema.registry.basic.auth.user.info, and that user the right.',
    retry: 'never',
  },
  SCHEMA_REGISTRY_REFUSED: {
    message: 'The schema registry at {url} answered {request} with status {status}: {why}.',
    hint: 'Correct the schema or the subject; a schema that is not compatible with earlier ones has to be changed.',
    retry: 'never',
  },
  SCHEMA_REGISTRY_UNREACHABLE: {
    message: 'The schema registry at {url} did not answer {request} in {attempts} attempts: {why}.',
    hint: 'Check schema.registry.url and the network; schema.registry.timeout.ms says how long one answer may take.',
    retry: 'backoff',
  },
  SCHEMA_REQUIRED: {
    message: 'The {format} source needs a schema.',
    hint: "Call .schema('…') before .load().",
    retry: 'never',
  },
  SCHEMA_TEXT_INVALID: {
    message: 'The {kind} schema {name} cannot be used: {why}.',
    hint: 'Correct the schema, or leave out what columns cannot hold.',
    retry: 'never',
  },
  SINK_AHEAD: {
    message:
      'The sink {sink} has epoch {epoch}, and the newest that the checkpoint knows is {known}.',
    hint: 'The checkpoint is an older copy, or it lost its newest entries: what was written since would be written again, or left out. Restore the newest checkpoint, or give the query another output. Nothing was changed.',
    retry: 'never',
  },
  SINK_COMMIT_FAILED: {
    message: 'The sink {sink} could not commit epoch {epoch}: {why}.',
    hint: 'The query stops rather than skip it; nothing is lost. Start it again when the sink works.',
    retry: 'backoff',
  },
  SINK_EXISTS: {
    message: 'The output {path} already exists.',
    hint: "Choose mode('append'), mode('overwrite') or mode('ignore'), or another path.",
    retry: 'never',
  },
  SINK_INVALID: {
    message: 'The sink {sink} cannot be used: {why}.',
    hint: 'Correct the sink, see docs/own-connectors.md. Nothing was written.',
    retry: 'never',
  },
  SINK_IN_USE: {
    message: 'The output {path} belongs to another query, {owner}.',
    hint: 'Give every query a path of its own. If that query is gone for good, move its files away or delete the folder.',
    retry: 'never',
  },
  SOURCE_LOST_DATA: {
    message: 'The source {source} no longer has {what}.',
    hint: 'Restore it, or start with a new checkpoint. Nothing was skipped.',
    retry: 'never',
  },
  SOURCE_NOT_FOUND: {
    message: 'There is no source or sink format {format}.',
    hint: 'Known formats: {known}. Did you mean {closest}?',
    retry: 'never',
  },
  STATE_ACCESS_INVALID: {
    message: '{what} was used while no handler of the processor was running.',
    hint: 'State belongs to the key that a handler was called with: await everything that a handler starts, and declare variables in init only.',
    retry: 'never',
  },
  STATE_CAP_EXCEEDED: {
    message: 'The state variable {variable} of one key would have more than {cap} entries.',
    hint: 'Remove entries, give them a ttl, or raise the cap.',
    retry: 'never',
  },
  STATE_QUOTA_EXCEEDED: {
    message:
      'Epoch {epoch} would leave {size} {unit} of state, and {option} is {limit}; most of it, {share}, is of {operator}.',
    hint: 'The epoch is not in the checkpoint: start the query again with a larger {option}, and it runs again. Sinks that take rows before the checkpoint (foreachBatch, foreach, console) get it once more.',
    retry: 'never',
  },
  STATE_UNBOUNDED: {
    message: '{operator} would remember every key for ever: {why}.',
    hint: "{fix}. If you know that there are few keys: .option('allowUnbounded', true).",
    retry: 'never',
  },
  STATE_VALUE_INVALID: {
    message: 'A value of the state variable {variable} does not fit its type {type}: {why}.',
    hint: 'Write what the type says, or change the type of the variable.',
    retry: 'never',
  },
  STATE_VARIABLE_INVALID: {
    message: 'The state variable {variable} cannot be declared: {why}.',
    hint: '{fix}',
    retry: 'never',
  },
  STOP_TIMEOUT: {
    message: 'The query {name} did not stop within {waitedMs} ms: {stuck} is still running.',
    hint: 'Look for an endless loop or a call without timeout in user code; this process should be restarted.',
    retry: 'never',
  },
  STORE_UNAVAILABLE: {
    message: 'The RocksDB binary cannot be loaded on {platform}: {why}.',
    hint: 'Use the memory store: .config("store", "memory"). It is durable too, through the checkpoint.',
    retry: 'never',
  },
  STREAMING_ACTION: {
    message: '{action} cannot be called on a streaming frame: its rows never end.',
    hint: 'Start it with writeStream.start(), or use read instead of readStream.',
    retry: 'never',
  },
  STREAMING_UNSUPPORTED: {
    message: '{what} is not supported on a streaming frame.',
    hint: '{fix}',
    retry: 'never',
  },
  TABLE_NOT_FOUND: {
    message: 'There is no table or view {name}.',
    hint: 'Register a frame with createOrReplaceTempView. Did you mean {closest}?',
    retry: 'never',
  },
  TIMER_INVALID: {
    message: 'A timer or timeout at {time} cannot be set: {why}.',
    hint: '{fix}',
    retry: 'never',
  },
  TIMESTAMP_OUT_OF_RANGE: {
    message: 'The time {value} cannot be held exactly in microseconds (years 1684 to 2255).',
    hint: 'Check the unit of the column: is it nanoseconds, or milliseconds taken as seconds?',
    retry: 'never',
  },
  UNION_MISMATCH: {
    message: 'These frames cannot be united: {why}.',
    hint: '{fix}',
    retry: 'never',
  },
  USER_FUNCTION_FAILED: {
    message: 'The function {name} threw: {why}.',
    hint: 'The row was not lost: correct the function and start the query again.',
    retry: 'never',
  },
  WATERMARK_INVALID: {
    message: 'The watermark on {column} is not allowed: {why}.',
    hint: '{fix}',
    retry: 'never',
  },
} as const satisfies Record<string, { message: string; hint: string; retry: 'never' | 'backoff' }>

export type ErrorCode = keyof typeof catalogue

type Placeholders<S extends string> = S extends `${string}{${infer Name}}${infer Rest}`
  ? Name | Placeholders<Rest>
  : never

/** The values that the templates of `Code` name; a missing or misspelled one does not compile. */
export type ErrorDetails<Code extends ErrorCode> = {
  // By code, so that an error of one code is also an error of any code.
  readonly [C in Code]: Readonly<
    Record<Placeholders<(typeof catalogue)[C]['message' | 'hint']>, string | number>
  >
}[Code]

/** The one error class that users meet. Switch on `code`; show `message` and `hint`. */
export class StreamError<Code extends ErrorCode = ErrorCode> extends Error {
  override readonly name = 'StreamError'
  readonly code: Code
  readonly hint: string
  readonly retry: 'never' | 'backoff'
  readonly details: ErrorDetails<Code>

  constructor(code: Code, details: ErrorDetails<Code>, options?: ErrorOptions) {
    const { message, hint, retry } = catalogue[code]
    super(`${code}: ${fill(message, details)}\n  Hint: ${fill(hint, details)}`, options)
    this.code = code
    this.hint = fill(hint, details)
    this.retry = retry
    this.details = details
  }
}

/** Every code, by alphabet; documentation is made from it. */
export function errorCodes(): readonly {
  readonly code: ErrorCode
  readonly message: string
  readonly hint: string
  readonly retry: 'never' | 'backoff'
}[] {
  const codes = Object.keys(catalogue) as ErrorCode[]
  return codes.map((code) => ({ code, ...catalogue[code] }))
}

function fill(template: string, details: Readonly<Record<string, string | number>>): string {
  return template.replace(/\{(\w+)\}/g, (_, name: string) => String(details[name]))
}

/** Closes a switch: compiles only when every case was handled. */
export function unreachable(value: never): never {
  throw new StreamError('INTERNAL', { what: `unhandled case ${JSON.stringify(value)}` })
}

/** The message of anything that was thrown, for the `why` of an error. */
export function reasonOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown)
}
