import { StreamError } from '../../core/error.ts'
import { type FileSystem, joinPath } from '../../core/file-system.ts'
import type { Json } from '../../core/json.ts'
import type { Epoch } from '../../core/units.ts'
import type { Sink, SinkStart } from '../../flow/connector.ts'
import { optionOf, saveModeOption, settledOption } from '../option-spec.ts'
import type { SinkFactory } from '../registry.ts'
import { batchFileSink } from './batch-sink.ts'
import { type HiddenFiles, hiddenFiles, hiddenToken } from './hidden-files.ts'
import { type FileOutput, writeBatch } from './output.ts'
import { hiddenOf, publishOnce, showFiles } from './publish.ts'
import {
  csvOutput,
  folderEncoder,
  jsonOutput,
  type OutputFormat,
  textOutput,
} from './row-encoder.ts'
import { pathOption } from './source.ts'

/** Sinks of files: every row of a committed epoch in exactly one visible file. */
export const jsonSink: SinkFactory = sinkFactory(jsonOutput)
export const csvSink: SinkFactory = sinkFactory(csvOutput)
export const textSink: SinkFactory = sinkFactory(textOutput)

function sinkFactory(output: OutputFormat): SinkFactory {
  return {
    format: output.format,
    options: [pathOption, saveModeOption, ...output.options],
    modes: ['append'],
    async create(context) {
      const path = settledOption(context.options, pathOption)
      const encoder = folderEncoder(context.schema, context.partitionBy, (schema) =>
        output.encoder(context.options, schema),
      )
      const mode = optionOf(context.options, saveModeOption)
      const shared = { ...context, path, encoder, extension: output.extension }
      return mode === undefined ? fileSink(shared) : batchFileSink(shared, mode)
    },
  }
}

const ownFolder = '_millrace'
const hiddenFolder = '_millrace/hidden'
const commitsFolder = '_millrace/commits'
/** Records of commits that are kept; the newest alone decides. */
const keptCommits = 10

function epochName(epoch: number): string {
  return String(epoch).padStart(5, '0')
}

/**
 * Files of an epoch are written out of sight, made durable at `prepare` and linked to their visible
 * names at `commit`, which the list of them in the checkpoint allows to repeat after any crash.
 */
function fileSink(context: FileOutput): Sink {
  const { files, path, encoder, extension } = context
  const at = (...parts: readonly string[]) => joinPath(path, ...parts)
  const description = `files of ${path}`
  let hidden: HiddenFiles | undefined
  let token = 0
  /** Every epoch up to this one is visible. */
  let stands = -1

  const opened = (): HiddenFiles => {
    if (hidden !== undefined) return hidden
    throw new StreamError('INTERNAL', { what: `the sink ${path} is not open` })
  }
  const commit = async (epoch: Epoch, committable: Json): Promise<void> => {
    const list = hiddenOf(committable)
    if (list.length === 0) return
    if (epoch > stands) stands = Math.max(stands, await newestCommit(files, at(commitsFolder)))
    if (epoch > stands) {
      await showFiles(files, path, list, epoch)
      const names = list.map(([, visible]) => visible)
      const temporary = at(hiddenFolder, `${token}-${epoch}-commit`)
      await publishOnce(files, at(commitsFolder, epochName(epoch)), temporary, { files: names })
      stands = epoch
      await files.remove(at(commitsFolder, epochName(epoch - keptCommits)))
    }
    for (const [name] of list) await files.remove(at(name))
  }

  return {
    description,
    kind: 'repeatable',
    async open(start) {
      token = start.token
      await files.makeFolder(at(hiddenFolder))
      await files.makeFolder(at(commitsFolder))
      await claim(files, path, start)
      const { lastCommitted, standsOn } = start
      const known = Math.max(standsOn.epoch, lastCommitted?.epoch ?? -1)
      // What a process that died has noted here goes by our word from now on, also after a power cut.
      await files.syncFolder(at(commitsFolder))
      const epoch = await newestCommit(files, at(commitsFolder))
      // Its epochs would be passed over, though they may be cut in another way now.
      if (epoch > known) throw new StreamError('SINK_AHEAD', { sink: description, epoch, known })
      if (lastCommitted !== undefined) {
        await commit(lastCommitted.epoch, lastCommitted.committable)
      }
      await removeLeftovers(files, at(hiddenFolder), token)
      hidden = hiddenFiles({
        files,
        path,
        place: hiddenFolder,
        token,
        head: encoder.head,
        nameOf: (epoch, index) => `part-${epochName(epoch)}-${index}.${extension}`,
      })
    },
    write: (batch, epoch) => writeBatch(opened(), encoder.encode, batch, epoch),
    async prepare(epoch) {
      const list = await opened().finish(epoch)
      return { files: list.map(([from, to]) => [from, to]) }
    },
    commit,
    abort: (epoch) => opened().drop(epoch),
    close: async () => undefined,
  }
}

/** A folder belongs to one query: the epochs of two would take each other's names. */
async function claim(
  files: FileSystem,
  path: string,
  { queryId, token, runId }: SinkStart,
): Promise<void> {
  const owner = joinPath(path, ownFolder, 'query')
  const known = await files.read(owner)
  const temporary = joinPath(path, hiddenFolder, `${token}-query-${runId}`)
  if (known === undefined && (await publishOnce(files, owner, temporary, queryId))) return
  const found = new TextDecoder().decode(known ?? (await files.read(owner)) ?? new Uint8Array())
  if (found.trim() === JSON.stringify(queryId)) return
  throw new StreamError('SINK_IN_USE', { path, owner: found.trim() })
}

async function newestCommit(files: FileSystem, folder: string): Promise<number> {
  const names = (await files.list(folder)).map(({ name }) => name)
  return Math.max(-1, ...names.filter((name) => /^\d{5,}$/.test(name)).map(Number))
}

/** Files of this and earlier attempts that no checkpoint names; those of a later attempt are not ours. */
async function removeLeftovers(files: FileSystem, folder: string, token: number): Promise<void> {
  for (const { name } of await files.list(folder)) {
    const writer = hiddenToken(name)
    if (writer !== undefined && writer <= token) await files.remove(joinPath(folder, name))
  }
}
