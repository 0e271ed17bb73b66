/** Bytes that are not what the protocol says they are. Whoever asked for them turns it into an error with a code. */
export class WireFault extends Error {
  override readonly name = 'WireFault'
}
