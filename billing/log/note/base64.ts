// Base 64 of RFC 4648 §4, read strictly: one spelling for each octet string, so that no changed character goes unseen.

export function encodeBase64(octets: Uint8Array): string {
  return Buffer.from(octets.buffer, octets.byteOffset, octets.byteLength).toString('base64')
}

/** Undefined unless `text` is what `encodeBase64` gives. */
export function decodeBase64(text: string): Uint8Array | undefined {
  const octets = Buffer.from(text, 'base64')
  return octets.toString('base64') === text ? octets : undefined
}
