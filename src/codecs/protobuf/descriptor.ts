import { reasonOf, StreamError } from '../../core/error.ts'
import { Malformed } from '../malformed.ts'
import { DescriptorLinks } from './descriptor-links.ts'
import { RawMessage } from './raw-message.ts'
import type { ProtoFile } from './schema.ts'

/** The field of a set that has its files. */
const fileField = 1

/**
 * Reads the files of a descriptor set, as `protoc --descriptor_set_out --include_imports` writes it.
 * @throws StreamError `SCHEMA_TEXT_INVALID`
 */
export function readDescriptorSet(bytes: Uint8Array): readonly ProtoFile[] {
  try {
    const files = new RawMessage(bytes).messages(fileField)
    if (files.length === 0) throw new Malformed('it has no files')
    return new DescriptorLinks(files).files()
  } catch (cause) {
    if (cause instanceof StreamError) throw cause
    const details = { kind: 'Protobuf', name: 'descriptor set', why: reasonOf(cause) }
    throw new StreamError('SCHEMA_TEXT_INVALID', details, { cause })
  }
}
