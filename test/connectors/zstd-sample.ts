export const zstdText = 'the quick brown fox; '.repeat(40)

/** What the command `zstd -19` makes of it. */
export const zstdPacked = new Uint8Array(
  Buffer.from(
    '28b52ffd0468e50000a874686520717569636b2062726f776e20666f783b20010061623599ab827fcd',
    'hex',
  ),
)
