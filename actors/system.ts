/** An address to send to. A message to an actor that has stopped is reported, never dropped. */
export interface Ref<Message> {
  send(message: Message): void
}

/** Handles one message at a time; the next one waits until the promise settles. */
export type Behaviour<Message> = (message: Message) => Promise<void> | undefined | void

export type ActorFailure =
  | { readonly type: 'crashed'; readonly actor: string; readonly cause: unknown }
  | { readonly type: 'undelivered'; readonly actor: string }

/** The one door to the actor library. nact stands behind it, and in tests a simulator does. */
export interface ActorSystem {
  spawn<Message>(name: string, begin: (self: Ref<Message>) => Behaviour<Message>): Ref<Message>
  /** Resolves when every handler that was running has returned; nothing is handled after that. */
  stop(): Promise<void>
}
