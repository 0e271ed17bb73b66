import type { Brand } from '../src/core/brand.ts'

/** One parallel copy of one stage, written `stage/lane`, for example `2/0`. */
export type TaskId = Brand<string, 'TaskId'>

export function taskId(stage: number, lane: number): TaskId {
  return `${stage}/${lane}` as TaskId
}
