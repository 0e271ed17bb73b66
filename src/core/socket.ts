/** Opens a connection; the only way to a network stream. */
export type Connect = (address: SocketAddress, events: SocketEvents) => SocketConnection

export interface SocketAddress {
  readonly host: string
  readonly port: number
}

/** Calls from a connection. After `closed` there are none. */
export interface SocketEvents {
  connected(): void
  received(bytes: Uint8Array): void
  /** Once, also when connecting failed; `error` is absent when the other side ended it in order. */
  closed(error: unknown): void
}

export interface SocketConnection {
  /** No more is received until `resume`; what is under way waits in the network. */
  pause(): void
  resume(): void
  /** Ends it; `closed` is not called any more. */
  close(): void
}
