// ECIES as TS 33.501 Annex C.3 profiles it: a key agreement on X25519 (A) or P-256 with compressed points (B), the ANSI X9.63 key
// derivation with SHA-256, AES-128 in counter mode, and HMAC-SHA-256 cut to 8 octets. The ephemeral public key goes into the key
// derivation as sent, so that no other spelling of the same point opens the message.
import {
  createCipheriv,
  createECDH,
  createHash,
  createHmac,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  type KeyObject,
  timingSafeEqual,
} from 'node:crypto'
import { putU32 } from '../../../core/wire/bytes/integers.ts'
import { PROFILE_A, PROFILE_B } from './suci.ts'

export type Profile = typeof PROFILE_A | typeof PROFILE_B

/** Octets of a public key as it is sent. */
export const POINT_OCTETS: Readonly<Record<Profile, number>> = { [PROFILE_A]: 32, [PROFILE_B]: 33 }
export const MAC_OCTETS = 8
export const PRIVATE_OCTETS = 32

/** A private key that is kept inside: its public half, and what it agrees on with another public key. */
export interface KeyPair {
  readonly publicKey: Uint8Array
  /** The 32 octets of shared secret, or undefined when `point` is not one of the curve or has small order. */
  agree(point: Uint8Array): Uint8Array | undefined
}

// RFC 8410 §7: what stands before the 32 octets of a key.
const PKCS8_X25519 = Buffer.from('302e020100300506032b656e04220420', 'hex')
const SPKI_X25519 = Buffer.from('302a300506032b656e032100', 'hex')

const x25519Public = (point: Uint8Array): KeyObject =>
  createPublicKey({ key: Buffer.concat([SPKI_X25519, point]), format: 'der', type: 'spki' })

/** The pair of a private key of 32 octets, or undefined when it is no scalar of the curve. */
export function keyPair(profile: Profile, privateKey: Uint8Array): KeyPair | undefined {
  if (privateKey.length !== PRIVATE_OCTETS) return undefined
  return profile === PROFILE_A ? pairA(privateKey) : pairB(privateKey)
}

function pairA(privateKey: Uint8Array): KeyPair {
  const key = createPrivateKey({ key: Buffer.concat([PKCS8_X25519, privateKey]), format: 'der', type: 'pkcs8' })
  const spki = createPublicKey(key).export({ format: 'der', type: 'spki' })
  return {
    publicKey: Uint8Array.from(spki.subarray(SPKI_X25519.length)),
    agree(point) {
      if (point.length !== POINT_OCTETS[PROFILE_A]) return undefined
      try {
        return diffieHellman({ privateKey: key, publicKey: x25519Public(point) })
      } catch {
        // OpenSSL refuses a result of all zeros (RFC 7748 §6.1): the point has small order.
        return undefined
      }
    },
  }
}

function pairB(privateKey: Uint8Array): KeyPair | undefined {
  const ecdh = createECDH('prime256v1')
  try {
    ecdh.setPrivateKey(privateKey)
  } catch {
    return undefined
  }
  return {
    publicKey: Uint8Array.from(ecdh.getPublicKey(null, 'compressed')),
    agree(point) {
      if (point.length !== POINT_OCTETS[PROFILE_B] || (point[0] !== 2 && point[0] !== 3)) return undefined
      try {
        return ecdh.computeSecret(point)
      } catch {
        return undefined
      }
    },
  }
}

export interface EciesKeys {
  readonly encryptionKey: Uint8Array
  readonly icb: Uint8Array
  readonly macKey: Uint8Array
}

/** Splits the 64 octets of X9.63 keying data (SEC 1 §3.6.1, TS 33.501 §C.3.4.0). */
export function deriveKeys(shared: Uint8Array, ephemeralPublic: Uint8Array): EciesKeys {
  const block = (counter: number): Uint8Array => {
    const octets = new Uint8Array(4)
    putU32(octets, 0, counter)
    return createHash('sha256').update(shared).update(octets).update(ephemeralPublic).digest()
  }
  const first = block(1)
  return { encryptionKey: first.subarray(0, 16), icb: first.subarray(16), macKey: block(2) }
}

const counterMode = ({ encryptionKey, icb }: EciesKeys, text: Uint8Array): Uint8Array =>
  Uint8Array.from(createCipheriv('aes-128-ctr', encryptionKey, icb).update(text))

const macOf = ({ macKey }: EciesKeys, cipher: Uint8Array): Uint8Array =>
  createHmac('sha256', macKey).update(cipher).digest().subarray(0, MAC_OCTETS)

/** Ciphertext and MAC. */
export function seal(keys: EciesKeys, plain: Uint8Array): Uint8Array {
  const cipher = counterMode(keys, plain)
  const sealed = new Uint8Array(cipher.length + MAC_OCTETS)
  sealed.set(cipher, 0)
  sealed.set(macOf(keys, cipher), cipher.length)
  return sealed
}

/** The plain octets, or undefined when the MAC does not match. `sealed` holds at least a MAC. */
export function open(keys: EciesKeys, sealed: Uint8Array): Uint8Array | undefined {
  const cipher = sealed.subarray(0, sealed.length - MAC_OCTETS)
  const mac = sealed.subarray(sealed.length - MAC_OCTETS)
  return timingSafeEqual(mac, macOf(keys, cipher)) ? counterMode(keys, cipher) : undefined
}
