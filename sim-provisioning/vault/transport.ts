// Keys on their way between an operator and a maker of cards: encrypted with AES under a key that both know. Which mode is agreed between
// the two; pySim, after GSMA FS.28, uses CBC with an initialisation vector of sixteen octets 23 hex, others plain ECB.
import { type CipherKey, createCipheriv, createDecipheriv } from 'node:crypto'
import { fail } from '../../core/kernel/errors.ts'

export const TRANSPORT_CIPHERS = ['aes-ecb', 'aes-cbc'] as const
export type TransportCipher = (typeof TRANSPORT_CIPHERS)[number]

const BLOCK = 16
const PADDING = 0xff
const IV = new Uint8Array(BLOCK).fill(0x23)
const LENGTHS = new Set([16, 24, 32])

export interface Transport {
  readonly id: string
  /** `plain` has a multiple of 16 octets. */
  wrap(plain: Uint8Array): Buffer
  /** Undefined unless `wrapped` has a multiple of 16 octets. There is no check value: a wrong key gives wrong octets. */
  unwrap(wrapped: Uint8Array): Buffer | undefined
}

/** Throws TRANSPORT_KEY_INVALID. */
export function createTransport(id: string, cipher: TransportCipher, key: Uint8Array): Transport {
  checkTransportKey(id, key)
  const name = `aes-${key.length * 8}-${cipher.slice(4)}`
  const iv = cipher === 'aes-ecb' ? null : IV
  const secret: CipherKey = Uint8Array.from(key)
  return {
    id,
    wrap: (plain) => createCipheriv(name, secret, iv).setAutoPadding(false).update(plain),
    unwrap(wrapped) {
      if (wrapped.length === 0 || wrapped.length % BLOCK !== 0) return undefined
      return createDecipheriv(name, secret, iv).setAutoPadding(false).update(wrapped)
    },
  }
}

/** Throws TRANSPORT_KEY_INVALID. */
export function checkTransportKey(id: string, key: Uint8Array): void {
  if (!LENGTHS.has(key.length)) fail('TRANSPORT_KEY_INVALID', { id, reason: `it has ${key.length} octets` })
}

/** A code of digits or letters as octets that can be wrapped: filled up with FF, as a PIN is on the card (TS 102 221 §9.5.1). */
export function padCode(code: string): Buffer {
  const padded = Buffer.alloc(Math.ceil(code.length / BLOCK) * BLOCK, PADDING)
  padded.write(code, 'latin1')
  return padded
}

/** The inverse of `padCode`. */
export function unpadCode(padded: Uint8Array): string {
  let end = padded.length
  while (end > 0 && padded[end - 1] === PADDING) end--
  return Buffer.from(padded.subarray(0, end)).toString('latin1')
}
