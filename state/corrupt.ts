import { StreamError } from '../src/core/error.ts'

/** What is wrong with which part of a checkpoint; thrown before anything is changed. */
export function corrupt(path: string, what: string): StreamError<'CHECKPOINT_CORRUPT'> {
  return new StreamError('CHECKPOINT_CORRUPT', { path, what })
}
