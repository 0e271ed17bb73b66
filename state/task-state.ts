import type { Epoch } from '../src/core/units.ts'
import type { FrozenState } from './frozen.ts'
import type { TaskStateHandle } from './manifest.ts'
import type { OperatorState } from './operator-state.ts'

/** The state service of one task: all its operators and shards, their files and local stores. */
export interface TaskState {
  /** The state of one operator of this task. Asking twice gives the same object. */
  operator(name: string): OperatorState
  /** Makes the changes of an epoch durable (one file, one fsync) and adds finished snapshots. */
  persist(epoch: Epoch, frozen: readonly FrozenState[]): Promise<TaskStateHandle>
  /**
   * The manifest of `epoch` is published: what it holds may now go to local stores, snapshots may
   * begin. Returns at once; `settled` waits for the work. Calls come in epoch order.
   */
  published(epoch: Epoch, snapshotId: string): void
  /** Resolves when no background work is under way; rejects if some failed. */
  settled(): Promise<void>
  close(): Promise<void>
}
