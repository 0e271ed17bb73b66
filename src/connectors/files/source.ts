import type { Batch } from '../../batch/batch.ts'
import { nullableSchema } from '../../batch/line-decoder.ts'
import { StreamError } from '../../core/error.ts'
import type { FileSystem } from '../../core/file-system.ts'
import type { ReadLimit, Source } from '../../flow/connector.ts'
import {
  booleanOption,
  type CheckedOptions,
  durationOption,
  integerOption,
  invalidOption,
  optionOf,
  settledOption,
  textOption,
} from '../option-spec.ts'
import { readSchema, type SourceContext, type SourceFactory } from '../registry.ts'
import { archiveDirOption, cleanSourceOption, fileCleaner } from './clean-source.ts'
import { type Point, pointOf } from './file-position.ts'
import { cutRows, type FileRows, fileRows } from './file-rows.ts'
import { csvFiles, type FileFormat, jsonFiles, textFiles } from './formats.ts'
import { isGlob } from './list-files.ts'
import { fileLister } from './lister.ts'
import { filePoll } from './poll-files.ts'
import { openSeenLog, type SeenLog } from './seen-log.ts'

/** Where files are read from or written to. */
export const pathOption = textOption({
  name: 'path',
  description: 'A file, a folder or a glob such as /data/*.json.',
  required: true,
})

const maxFilesOption = integerOption({
  name: 'maxFilesPerTrigger',
  description: 'The most files that one epoch takes.',
})

const maxBytesOption = integerOption({
  name: 'maxBytesPerTrigger',
  description:
    'The most bytes that one epoch takes, but always one file. Not with maxFilesPerTrigger.',
})

const latestFirstOption = booleanOption({
  name: 'latestFirst',
  description: 'Takes the newest files first, to catch up with the present before the past.',
  initial: 'false',
})

const maxFileAgeOption = durationOption({
  name: 'maxFileAge',
  description:
    'Files that are older than the newest one by more than this are not taken, except at the first start and with latestFirst and a limit.',
  initial: '7 days',
})

const fileNameOnlyOption = booleanOption({
  name: 'fileNameOnly',
  description: 'Files of one name are the same file, whatever their folders.',
  initial: 'false',
})

const recursiveOption = booleanOption({
  name: 'recursiveFileLookup',
  description: 'Reads the files of every folder below the path.',
  initial: 'false',
})

const nameGlobOption = textOption({
  name: 'pathGlobFilter',
  description: 'Only files whose name fits this glob, such as *.json.',
})

const commonOptions = [
  pathOption,
  maxFilesOption,
  maxBytesOption,
  latestFirstOption,
  maxFileAgeOption,
  fileNameOnlyOption,
  recursiveOption,
  nameGlobOption,
  cleanSourceOption,
  archiveDirOption,
]

/** Sources of files, which must appear whole: write elsewhere and rename. */
export const jsonSource: SourceFactory = sourceFactory(jsonFiles)
export const csvSource: SourceFactory = sourceFactory(csvFiles)
export const textSource: SourceFactory = sourceFactory(textFiles)

function sourceFactory(format: FileFormat): SourceFactory {
  return {
    format: format.format,
    options: [...commonOptions, ...format.options],
    schemaFor(options, given) {
      limitsOf(options)
      return nullableSchema(format.schemaFor(given))
    },
    limits: limitsOf,
    badRecords: (options) => format.badRecords(options),
    fieldsByName: (options, schema) => format.isByName && !format.needsWholeRow(options, schema),
    async create(context) {
      const path = settledOption(context.options, pathOption)
      if (!isGlob(path) && (await context.files.stat(path)) === undefined) {
        throw new StreamError('CONFIG_INVALID', {
          option: 'path',
          value: path,
          expected: 'a file or folder that exists',
        })
      }
      return fileSource(context, format, path)
    },
  }
}

function limitsOf(options: CheckedOptions): ReadLimit {
  const maxFiles = optionOf(options, maxFilesOption)
  const maxBytes = optionOf(options, maxBytesOption)
  if (maxFiles !== undefined && maxBytes !== undefined) {
    throw invalidOption(
      { ...maxBytesOption, expected: 'no maxFilesPerTrigger beside it' },
      String(maxBytes),
    )
  }
  return {
    ...(maxFiles === undefined ? {} : { maxFiles }),
    ...(maxBytes === undefined ? {} : { maxBytes }),
  }
}

async function fileSource(
  context: SourceContext,
  format: FileFormat,
  path: string,
): Promise<Source> {
  const { files, options, folder } = context
  const log = await openSeenLog(files, folder)
  const isLatestFirst = settledOption(options, latestFirstOption)
  const { maxFiles, maxBytes } = limitsOf(options)
  const ignoresAge = isLatestFirst && (maxFiles ?? maxBytes) !== undefined
  const lister = fileLister({
    files,
    log,
    path,
    isLatestFirst,
    byNameOnly: settledOption(options, fileNameOnlyOption),
    recursive: settledOption(options, recursiveOption),
    nameGlob: optionOf(options, nameGlobOption),
    maxAgeMs: ignoresAge ? undefined : settledOption(options, maxFileAgeOption) / 1000,
  })
  const schema = nullableSchema(readSchema(context))
  const rows = fileRows(context, format)
  const clean = fileCleaner(context, path, log)
  return {
    description: `${format.format} files of ${path}`,
    schema,
    replayable: true,
    pollMs: 100,
    initial: async () => ({ '0': 0 }),
    async latest(from, limit, end) {
      const { file, row } = pointOf(from)
      const stop = end === undefined ? undefined : pointOf(end).file
      // After a continuous query: the file that it stands in is read to its end.
      return { '0': await lister.take(row > 0 ? file + 1 : file, limit, stop) }
    },
    read: (range, { index, count }) =>
      readRange({ files, log, rows, index, count }, pointOf(range.from), pointOf(range.to)),
    poll: filePoll(files, log, lister, rows),
    async commit(position) {
      const { file } = pointOf(position)
      await clean(file)
      await lister.forgetBefore(file)
    },
    close: () => log.close(),
  }
}

interface Reading {
  readonly files: FileSystem
  readonly log: SeenLog
  readonly rows: FileRows
  readonly index: number
  readonly count: number
}

async function* readRange(
  { files, log, rows, index, count }: Reading,
  from: Point,
  to: Point,
): AsyncIterable<Batch> {
  const last = to.row > 0 ? to.file : to.file - 1
  for (let number = from.file; number <= last; number++) {
    if (number % count !== index) continue
    const start = number === from.file ? from.row : 0
    const stop = number === to.file ? to.row : Number.POSITIVE_INFINITY
    const part = number - from.file
    // A cut counts every row.
    const which = start === 0 && stop === Number.POSITIVE_INFINITY ? 'wanted' : 'all'
    for await (const batch of cutRows(rows.read(files, log.at(number), which), start, stop)) {
      yield { ...batch, part }
    }
  }
}
