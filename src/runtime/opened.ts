/** Parts of something that is made step by step: they are closed in reverse, whatever happens. */
export class Opened {
  readonly #closes: (() => Promise<void>)[] = []

  add<T extends { close(): Promise<void> }>(part: T): T {
    this.#closes.push(() => part.close())
    return part
  }

  async close(): Promise<void> {
    let failure: { readonly cause: unknown } | undefined
    for (const close of this.#closes.splice(0).reverse()) {
      try {
        await close()
      } catch (cause) {
        failure ??= { cause }
      }
    }
    if (failure !== undefined) throw failure.cause
  }
}
