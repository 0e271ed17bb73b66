/** The state of one group for `mapGroupsWithState`; only good while the function runs. */
export interface GroupState<S> {
  exists(): boolean
  /** The state, or `undefined`; a copy of its own each time. */
  get(): S | undefined
  update(state: S): void
  remove(): void
  /** True when the function is called because of the timeout, without rows. */
  hasTimedOut(): boolean
  /**
   * Calls the function again, without rows, in the first epoch whose time is later than now plus the
   * duration, unless rows of the group come first.
   * @param duration - milliseconds, or text such as `'10 minutes'`
   * @throws StreamError `TIMER_INVALID` unless the timeout is `processingTime`
   */
  setTimeoutDuration(duration: number | string): void
  /**
   * The same in event time: when the watermark is later than the time.
   * @throws StreamError `TIMER_INVALID` unless the timeout is `eventTime`, and for times before the watermark
   */
  setTimeoutTimestamp(time: number | Date): void
  /** Milliseconds since 1970. */
  getCurrentProcessingTimeMs(): number
  /** Milliseconds since 1970; 0 before any row. */
  getCurrentWatermarkMs(): number
}
