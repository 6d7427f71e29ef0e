// Attributes that the shared secret hides: User-Password (RFC 2865 §5.2), and the salted form of Tunnel-Password (RFC 2868 §3.5) and
// the MPPE keys (RFC 2548 §2.4.2). Both are a chain of MD5 blocks; whoever knows the secret reads them, nobody notices a change.
import { hash } from 'node:crypto'
import { fail } from '../../kernel/errors.ts'
import { u8, u16 } from '../bytes/integers.ts'

const BLOCK = 16
/** RFC 2865 §5.2: the longest User-Password, octets. */
const MAX_PASSWORD = 128
/** What fits one attribute after type, length, tag, salt and the length octet, in whole blocks. */
const MAX_SALTED = 239

/** XORs blocks of `input` with MD5(secret + previous ciphertext block), the first with MD5(secret + `seed`). `input` is a multiple of 16. */
function chain(input: Uint8Array, secret: Uint8Array, seed: Uint8Array, reveal: boolean): Uint8Array {
  const output = new Uint8Array(input.length)
  let previous = seed
  for (let at = 0; at < input.length; at += BLOCK) {
    const mask = hash('md5', Buffer.concat([secret, previous]), 'buffer')
    for (let index = 0; index < BLOCK; index++) output[at + index] = u8(input, at + index) ^ u8(mask, index)
    previous = (reveal ? input : output).subarray(at, at + BLOCK)
  }
  return output
}

const blocks = (length: number): number => Math.max(1, Math.ceil(length / BLOCK)) * BLOCK

/** The octets of User-Password for a password of at most 128 octets; throws `RADIUS_VALUE_INVALID` for a longer one. */
export function hidePassword(password: Uint8Array, secret: Uint8Array, requestAuthenticator: Uint8Array): Uint8Array {
  if (password.length > MAX_PASSWORD) {
    fail('RADIUS_VALUE_INVALID', { attribute: 'User-Password', expected: `at most ${MAX_PASSWORD} octets` })
  }
  const padded = new Uint8Array(blocks(password.length))
  padded.set(password)
  return chain(padded, secret, requestAuthenticator, false)
}

/** The password in User-Password without its padding of zeros, or undefined unless it has 1 to 8 whole blocks. */
export function revealPassword(
  octets: Uint8Array,
  secret: Uint8Array,
  requestAuthenticator: Uint8Array,
): Uint8Array | undefined {
  if (octets.length === 0 || octets.length > MAX_PASSWORD || octets.length % BLOCK !== 0) return undefined
  const padded = chain(octets, secret, requestAuthenticator, true)
  let end = padded.length
  while (end > 0 && padded[end - 1] === 0) end--
  return padded.subarray(0, end)
}

/**
 * Salt and ciphertext for Tunnel-Password (as its tagged value) or an MPPE key. `salt`: 16 bits, the top one is set here; unique within a packet.
 * Throws `RADIUS_VALUE_INVALID` above 239 octets.
 */
export function hideSalted(
  value: Uint8Array,
  salt: number,
  secret: Uint8Array,
  requestAuthenticator: Uint8Array,
): Uint8Array {
  if (value.length > MAX_SALTED) {
    fail('RADIUS_VALUE_INVALID', { attribute: 'salted value', expected: `at most ${MAX_SALTED} octets` })
  }
  const plain = new Uint8Array(blocks(value.length + 1))
  plain[0] = value.length
  plain.set(value, 1)
  const prefix = Uint8Array.of((salt >>> 8) | 0x80, salt)
  return Buffer.concat([prefix, chain(plain, secret, Buffer.concat([requestAuthenticator, prefix]), false)])
}

/** What `hideSalted` hid, or undefined when the salt's top bit is clear, or the blocks or the length in them make no sense. */
export function revealSalted(
  octets: Uint8Array,
  secret: Uint8Array,
  requestAuthenticator: Uint8Array,
): Uint8Array | undefined {
  if (octets.length < 2 + BLOCK || (octets.length - 2) % BLOCK !== 0 || u16(octets, 0) < 0x8000) return undefined
  const seed = Buffer.concat([requestAuthenticator, octets.subarray(0, 2)])
  const plain = chain(octets.subarray(2), secret, seed, true)
  const length = u8(plain, 0)
  return length < plain.length ? plain.subarray(1, 1 + length) : undefined
}
