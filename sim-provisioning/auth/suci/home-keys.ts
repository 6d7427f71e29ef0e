// The home network's key pairs, by their identifier (TS 33.501 §6.12.2). Private halves never leave the closure of their pair.
import { createPrivateKey } from 'node:crypto'
import { fail } from '../../../core/kernel/errors.ts'
import { type KeyPair, keyPair, PRIVATE_OCTETS, type Profile } from './ecies.ts'
import { PROFILE_A, PROFILE_B } from './suci.ts'

export interface HomeKey extends KeyPair {
  /** 0 to 255, as the SIMs have it. */
  readonly id: number
  readonly profile: Profile
}

export type HomeKeys = ReadonlyMap<number, HomeKey>

/** A key from the 32 octets of its private half; throws `SUCI_KEY_INVALID`. */
export function homeKey(id: number, profile: Profile, privateKey: Uint8Array): HomeKey {
  if (!Number.isInteger(id) || id < 0 || id > 255) fail('SUCI_KEY_INVALID', { id, reason: 'its id is not 0 to 255' })
  const pair = keyPair(profile, privateKey)
  if (pair !== undefined) return { id, profile, ...pair }
  const reason =
    privateKey.length === PRIVATE_OCTETS
      ? 'it is 0 or beyond the order of the curve'
      : `it has ${privateKey.length} octets, not ${PRIVATE_OCTETS}`
  return fail('SUCI_KEY_INVALID', { id, reason })
}

/** A key from PKCS #8 or SEC 1 PEM, as `openssl genpkey` writes it; the curve tells the profile. Throws `SUCI_KEY_INVALID`. */
export function homeKeyFromPem(id: number, pem: string): HomeKey {
  const { crv, d } = readPem(id, pem)
  const profile = crv === 'X25519' ? PROFILE_A : crv === 'P-256' ? PROFILE_B : undefined
  if (profile === undefined || d === undefined) {
    return fail('SUCI_KEY_INVALID', { id, reason: 'it is neither of X25519 nor of P-256' })
  }
  return homeKey(id, profile, Buffer.from(d, 'base64url'))
}

function readPem(id: number, pem: string): { readonly crv?: string; readonly d?: string } {
  try {
    const { crv, d } = createPrivateKey(pem).export({ format: 'jwk' })
    return { ...(crv === undefined ? {} : { crv }), ...(d === undefined ? {} : { d }) }
  } catch {
    // The reason of OpenSSL is left away: it may quote the key.
    return fail('SUCI_KEY_INVALID', { id, reason: 'it is no private key in PEM' })
  }
}

/** The keys of a home network by id; throws `SUCI_KEY_INVALID` when two have the same. */
export function homeKeys(keys: Iterable<HomeKey>): HomeKeys {
  const byId = new Map<number, HomeKey>()
  for (const key of keys) {
    if (byId.has(key.id)) fail('SUCI_KEY_INVALID', { id: key.id, reason: 'another key has the same id' })
    byId.set(key.id, key)
  }
  return byId
}
