/**
 * What bytes are that no writer of the schema made. Thrown while a value is read, and made into NULL or
 * `DECODE_FAILED` by whoever asked for it; nobody else sees it.
 */
export class Malformed extends Error {
  override readonly name = 'Malformed'
}
