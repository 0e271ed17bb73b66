/** `12.30` for 1230 at scale 2. */
export function formatDecimal(unscaled: bigint, scale: number): string {
  if (scale === 0) return String(unscaled)
  const digits = String(unscaled < 0n ? -unscaled : unscaled).padStart(scale + 1, '0')
  const cut = digits.length - scale
  return `${unscaled < 0n ? '-' : ''}${digits.slice(0, cut)}.${digits.slice(cut)}`
}

/**
 * Reads decimal text such as `-1.25` or `1e3` at the given scale, rounding half up as Spark does.
 * `undefined` if it is no number or needs more than `precision` digits.
 */
export function parseDecimal(text: string, precision: number, scale: number): bigint | undefined {
  const match = /^\s*([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,4}))?\s*$/.exec(text)
  if (match === null) return undefined
  const [, sign, whole = '', fraction = '', exponent = '0'] = match
  if (whole === '' && fraction === '') return undefined
  const rescaled = rescale(BigInt(whole + fraction), fraction.length - Number(exponent), scale)
  if (String(rescaled).length > precision && rescaled !== 0n) return undefined
  return sign === '-' ? -rescaled : rescaled
}

/** The same number at another scale, rounding half away from zero. */
export function rescale(unscaled: bigint, from: number, to: number): bigint {
  if (to >= from) return unscaled * 10n ** BigInt(to - from)
  const divisor = 10n ** BigInt(from - to)
  const half = divisor / 2n
  return unscaled < 0n ? (unscaled - half) / divisor : (unscaled + half) / divisor
}
