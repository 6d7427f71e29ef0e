// Short octet strings one after another, each behind its length: how states and identities look before they are sealed.

/** Each of at most 255 octets; a longer one throws a RangeError. */
export function packFields(fields: readonly Uint8Array[]): Uint8Array {
  const parts = fields.map((field) => {
    if (field.length > 255) throw new RangeError('a field has at most 255 octets')
    return Buffer.concat([Uint8Array.of(field.length), field])
  })
  return Buffer.concat(parts)
}

/** The fields from `from` on (views), or undefined when they do not end with the octets. */
export function unpackFields(octets: Uint8Array, from = 0): Uint8Array[] | undefined {
  const fields: Uint8Array[] = []
  let at = from
  while (at < octets.length) {
    const end = at + 1 + (octets[at] as number)
    if (end > octets.length) return undefined
    fields.push(octets.subarray(at + 1, end))
    at = end
  }
  return fields
}

/** Digits, at most 15, in eight octets: two in each, filled up with fifteens. */
export function packDigits(digits: string): Uint8Array {
  return Buffer.from(digits.padEnd(16, 'f'), 'hex')
}

export const unpackDigits = (octets: Uint8Array): string => Buffer.from(octets).toString('hex').replaceAll('f', '')
