/** Steps that keep state while a query runs. */
export interface Stateful {
  /** Given with `.name()`: what its state lies under; absent = made from kind and position. */
  readonly operatorName?: string
}
