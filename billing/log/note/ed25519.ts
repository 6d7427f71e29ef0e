// Checking Ed25519 signatures (RFC 8032) by bare public keys.
import { createPublicKey, type KeyObject, verify } from 'node:crypto'

export const PUBLIC_KEY_SIZE = 32
export const SIGNATURE_SIZE = 64

/** False for a wrong signature, and for octets that are no key or no signature. */
export function verifyEd25519(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  if (publicKey.length !== PUBLIC_KEY_SIZE || signature.length !== SIGNATURE_SIZE) return false
  const key = importKey(publicKey)
  return key !== undefined && verify(null, message, key, signature)
}

function importKey(publicKey: Uint8Array): KeyObject | undefined {
  try {
    const x = Buffer.from(publicKey).toString('base64url')
    return createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' })
  } catch {
    return undefined
  }
}
