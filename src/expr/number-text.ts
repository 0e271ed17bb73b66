/** A DOUBLE as Spark casts it to text: `1.0`, `1.0E10`, `1.0E-5`, `NaN`, `Infinity`. */
export function doubleText(value: number): string {
  return withDigits(value, String(Math.abs(value)))
}

/** A FLOAT as text: the fewest digits that read back as the same float. */
export function floatText(value: number): string {
  const size = Math.abs(value)
  for (let digits = 1; digits < 9; digits++) {
    const text = size.toPrecision(digits)
    if (Math.fround(Number(text)) === size) return withDigits(value, String(Number(text)))
  }
  return withDigits(value, String(Number(size.toPrecision(9))))
}

function withDigits(value: number, shortest: string): string {
  if (!Number.isFinite(value)) return String(value)
  const sign = value < 0 || Object.is(value, -0) ? '-' : ''
  const size = Math.abs(value)
  if (size === 0) return `${sign}0.0`
  const { digits, exponent } = scientific(shortest)
  if (size < 1e-3 || size >= 1e7) {
    return `${sign}${digits[0]}.${digits.slice(1) || '0'}E${exponent}`
  }
  if (exponent < 0) return `${sign}0.${'0'.repeat(-exponent - 1)}${digits}`
  const whole = digits.slice(0, exponent + 1).padEnd(exponent + 1, '0')
  return `${sign}${whole}.${digits.slice(exponent + 1) || '0'}`
}

/** Digits without leading or trailing zeros and the power of ten of the first of them. */
function scientific(text: string): { readonly digits: string; readonly exponent: number } {
  const [mantissa = '', power = '0'] = text.split('e')
  const [whole = '', fraction = ''] = mantissa.split('.')
  const all = whole + fraction
  const leading = all.length - all.replace(/^0+/, '').length
  const digits = all.replace(/^0+/, '').replace(/0+$/, '')
  return { digits, exponent: Number(power) + whole.length - 1 - leading }
}

/** Reads a floating-point number as Spark's cast does, or `undefined`. */
export function parseDouble(text: string): number | undefined {
  const trimmed = trimAll(text)
  if (/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?[df]?$/i.test(trimmed)) {
    return Number(trimmed.replace(/[df]$/i, ''))
  }
  switch (trimmed.toLowerCase()) {
    case 'nan':
      return Number.NaN
    case 'inf':
    case '+inf':
    case 'infinity':
    case '+infinity':
      return Number.POSITIVE_INFINITY
    case '-inf':
    case '-infinity':
      return Number.NEGATIVE_INFINITY
    default:
      return undefined
  }
}

/** Reads an integer; the point that a fraction would need makes it none. */
export function parseInteger(text: string): bigint | undefined {
  const trimmed = trimAll(text)
  // More digits than any integral type has may be leading zeros; a limit keeps BigInt cheap.
  return /^[+-]?\d{1,80}$/.test(trimmed) ? BigInt(trimmed.replace(/^\+/, '')) : undefined
}

/** Drops white space and control characters at both ends, as Spark does before it casts text. */
export function trimAll(text: string): string {
  let start = 0
  let end = text.length
  while (start < end && isBlank(text.charCodeAt(start))) start++
  while (end > start && isBlank(text.charCodeAt(end - 1))) end--
  return text.slice(start, end)
}

function isBlank(code: number): boolean {
  return code <= 32 || code === 127
}
