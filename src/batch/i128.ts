/** Two 64-bit limbs per value, low one first, two's complement: Arrow's Decimal128 in memory. */
export function i128Column(values: readonly bigint[]): BigInt64Array {
  const limbs = new BigInt64Array(values.length * 2)
  values.forEach((value, index) => {
    limbs[index * 2] = BigInt.asIntN(64, value)
    limbs[index * 2 + 1] = BigInt.asIntN(64, value >> 64n)
  })
  return limbs
}

/** The value of one row of such limbs. */
export function i128At(limbs: BigInt64Array, row: number): bigint {
  const low = BigInt.asUintN(64, limbs[row * 2] ?? 0n)
  return ((limbs[row * 2 + 1] ?? 0n) << 64n) | low
}
