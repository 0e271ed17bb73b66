import { parseSchema } from '../../../src/batch/ddl.ts'
import { parseAvroSchema } from '../../../src/codecs/avro/parse.ts'
import { parseProtoText } from '../../../src/codecs/protobuf/proto-text.ts'
import { decodeMarker, encodeMarker } from '../../../src/connectors/kafka/epoch-marker.ts'
import { parseAssignment, parseOffsets } from '../../../src/connectors/kafka/offsets-json.ts'
import { parseDuration, parseInterval } from '../../../src/core/duration.ts'
import { epoch } from '../../../src/core/units.ts'
import { jsonAtPath } from '../../../src/expr/json-path.ts'
import { parseExpression, parseSelectItem } from '../../../src/expr/parse.ts'
import { regexpOf } from '../../../src/expr/pattern.ts'
import { timePattern } from '../../../src/expr/time-pattern.ts'
import { commonText, editionText, legacyText, orderText } from '../../codecs/protoc-files.ts'
import { fuzzedAvro } from './codec-targets.ts'
import { type FuzzTarget, textTarget } from './target.ts'

const expressions = [
  "a + b * 2 - (c / 3) % 4 >= 5 AND NOT d <=> 'x' OR e IN (1, 2, NULL)",
  "CASE WHEN a > 1 THEN upper(b) ELSE concat('x', c) END",
  "window(t, '10 minutes', '5 minutes') IS NOT NULL",
  'CAST(a AS DECIMAL(10, 2)) BETWEEN 1.5e3 AND -2L',
  "named_struct('a', 1, 'b', array(1, 2)).b[0] LIKE '%a\\\\_%'",
  "sum(DISTINCT x) FILTER (WHERE y > INTERVAL '1' DAY)",
  'a.b.`c d`.e::bigint || "q"',
]
const marker = encodeMarker({ epoch: epoch(4), snapshotId: 'a.4', parentSnapshotId: 'a.3' })

/** A path in the first line, and the JSON that it leads through. */
function followPath(text: string): void {
  const end = text.indexOf('\n')
  jsonAtPath(text.slice(end + 1), text.slice(0, Math.max(0, end)))
}

/** Texts that users write, and texts that say something of bytes. */
export const textTargets: readonly FuzzTarget[] = [
  textTarget('expressions', expressions, parseExpression, 'PARSE_ERROR'),
  textTarget(
    'columns of a select',
    [...expressions, 'a AS b', 'sum(x) OVER (PARTITION BY a ORDER BY b DESC NULLS LAST) AS s', '*'],
    parseSelectItem,
    'PARSE_ERROR',
  ),
  textTarget(
    'schemas',
    [
      'a INT, `b c` STRUCT<x: ARRAY<MAP<STRING, DECIMAL(10,2)>>, y: TIMESTAMP> NOT NULL COMMENT "x"',
      'n bigint,s string',
    ],
    parseSchema,
    'SCHEMA_INVALID',
  ),
  textTarget(
    'durations',
    ['10 minutes', '1 hour 30 seconds', '2 days'],
    parseDuration,
    'DURATION_INVALID',
  ),
  textTarget('intervals', ['1 year 2 months', '3 days 4 hours'], parseInterval, 'DURATION_INVALID'),
  textTarget(
    'patterns of times',
    ["yyyy-MM-dd'T'HH:mm:ss.SSSXXX", 'EEE, d MMM yy [h:mm a]', 'D uuuu'],
    (text) => timePattern(text).format(0),
    'PATTERN_INVALID',
  ),
  textTarget(
    'regular expressions',
    ['(?i)^[\\p{Alpha}\\-]+(\\d{2,3}|x*?)\\Q.+\\E$', '(?<name>a|b)\\k<name>'],
    regexpOf,
    'PATTERN_INVALID',
  ),
  textTarget(
    'paths through JSON',
    [
      '$.a[0].b\n{"a":[{"b":"x\\n"},2],"c":{"d":null}}',
      '$[\'a\'][*].b\n[{"a":1.5e3},{"b":true}]',
      '$.c.d\n{"c":{"d":"\\u00e9"}}',
    ],
    followPath,
  ),
  textTarget('offsets', ['{"topicA":{"0":23,"1":-2},"b":{"0":-1}}'], (text) =>
    parseOffsets(text, -2),
  ),
  textTarget('assignments', ['{"topicA":[0,1],"topicB":[2]}'], parseAssignment),
  textTarget(
    'markers',
    [marker.metadata],
    (metadata) => decodeMarker('app.eos', { offset: marker.offset, metadata }),
    'CHECKPOINT_CORRUPT',
  ),
  textTarget('schemas of Avro', [fuzzedAvro], parseAvroSchema, 'SCHEMA_TEXT_INVALID'),
  textTarget(
    'files of Protobuf',
    [orderText, legacyText, editionText],
    (text) => parseProtoText(text, [{ name: 'common.proto', text: commonText }]),
    'SCHEMA_TEXT_INVALID',
  ),
]
