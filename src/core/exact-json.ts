/** JSON that is equal for equal values only: with big integers, NaN, the infinities and both zeros. */
export function exactJson(value: unknown): string {
  return JSON.stringify(value, (_, item: unknown) => {
    if (typeof item === 'bigint') return `${item}n`
    const isSpecial = typeof item === 'number' && (!Number.isFinite(item) || Object.is(item, -0))
    return isSpecial ? `number ${Object.is(item, -0) ? '-0' : String(item)}` : item
  })
}
