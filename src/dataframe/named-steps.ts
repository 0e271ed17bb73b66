/** Frames whose steps can be named; `Frame` is `DataFrame`. */
export interface NamedSteps<Frame> {
  /**
   * Names the last step that keeps state: its state lies under this name in the checkpoint, whatever steps
   * are added around it, and `query.state(name)` finds it. Without it the name is made from kind and
   * position, such as `aggregate-0`. On a batch frame nothing changes.
   *
   * @param name - begins with a letter or `_`; letters, digits, `.`, `_` and `-`; one step has one name
   * @throws StreamError `CONFIG_INVALID`
   * @example
   * ```ts
   * import { Session } from 'millrace'
   *
   * const spark = Session.builder.getOrCreate()
   * const perValue = spark.readStream.format('rate').load().groupBy('value').count()
   * perValue.name('per-value').explain(true)
   * await spark.stop()
   * ```
   */
  name(name: string): Frame
}
