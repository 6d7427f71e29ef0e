// From SUPI to SUCI on the phone's side, and back in the home network (TS 33.501 §6.12.2, §C.3.2, §C.3.3).
import { fail } from '../../../core/kernel/errors.ts'
import { deriveKeys, keyPair, MAC_OCTETS, open, POINT_OCTETS, type Profile, seal } from './ecies.ts'
import type { HomeKeys } from './home-keys.ts'
import {
  isSuciFault,
  MSIN_OCTETS,
  NAI_OCTETS,
  NULL_SCHEME,
  PROFILE_A,
  PROFILE_B,
  type Suci,
  type SuciFault,
  suciFault,
} from './suci.ts'
import { splitSupi, supiOf } from './supi.ts'

export interface DeconcealOptions {
  /** Whether an identity in the null scheme is taken; a network whose SIMs all have a key may refuse it. */
  readonly nullScheme?: 'accept' | 'refuse'
}

export interface Deconcealed {
  /** `imsi-...` or `nai-...`. */
  readonly supi: string
}

/** The identity behind a SUCI. Total: whatever the peer sent gives an identity or a fault. */
export function deconceal(suci: Suci, keys: HomeKeys, options: DeconcealOptions = {}): Deconcealed | SuciFault {
  const plain = suci.scheme === NULL_SCHEME ? unprotected(suci, options) : decrypt(suci, keys)
  if (isSuciFault(plain)) return plain
  const supi = supiOf(suci.home, plain)
  return isSuciFault(supi) ? supi : { supi }
}

const unprotected = ({ output }: Suci, { nullScheme }: DeconcealOptions): Uint8Array | SuciFault =>
  nullScheme === 'refuse' ? suciFault('null-scheme', 'protection scheme identifier') : output

function decrypt({ home, scheme, keyId, output }: Suci, keys: HomeKeys): Uint8Array | SuciFault {
  if (scheme !== PROFILE_A && scheme !== PROFILE_B) {
    return suciFault('scheme-unknown', 'protection scheme identifier')
  }
  const key = keys.get(keyId)
  if (key === undefined) return suciFault('key-unknown', 'home network public key identifier')
  if (key.profile !== scheme) return suciFault('key-scheme', 'home network public key identifier')
  const pointOctets = POINT_OCTETS[scheme]
  const plainOctets = output.length - pointOctets - MAC_OCTETS
  if (plainOctets < 1 || plainOctets > ('realm' in home ? NAI_OCTETS : MSIN_OCTETS)) {
    return suciFault('output-length', 'scheme output')
  }
  const point = output.subarray(0, pointOctets)
  const shared = key.agree(point)
  if (shared === undefined) return suciFault('point', 'scheme output')
  return open(deriveKeys(shared, point), output.subarray(pointOctets)) ?? suciFault('mac', 'scheme output')
}

export interface ConcealOptions {
  /** Length of the MNC in an IMSI: 2 unless told. */
  readonly mncDigits?: 2 | 3
  /** 0 unless told. */
  readonly routingIndicator?: string
}

/** What the phone needs to conceal itself: the home network's public key from the SIM, and a fresh private key of its own. */
export interface Protection {
  readonly profile: Profile
  readonly keyId: number
  readonly homePublicKey: Uint8Array
  /** 32 random octets, used once. */
  readonly ephemeralPrivateKey: Uint8Array
}

/** The SUCI of a SUPI, in the null scheme without `protection`. Throws `ID_INVALID` or `SUCI_KEY_INVALID` for what cannot be concealed. */
export function conceal(supi: string, protection?: Protection, options: ConcealOptions = {}): Suci {
  const { mncDigits = 2, routingIndicator = '0' } = options
  const split = splitSupi(supi, mncDigits)
  if (isSuciFault(split)) {
    return fail('ID_INVALID', { what: 'SUPI', expected: 'imsi-DIGITS or nai-USER@REALM', came: `a bad ${split.field}` })
  }
  const { home, plain } = split
  if (protection === undefined) return { home, routingIndicator, scheme: NULL_SCHEME, keyId: 0, output: plain }
  const { profile, keyId, homePublicKey, ephemeralPrivateKey } = protection
  const pair = keyPair(profile, ephemeralPrivateKey)
  const shared = pair?.agree(homePublicKey)
  if (pair === undefined || shared === undefined) {
    return fail('SUCI_KEY_INVALID', { id: keyId, reason: 'the public or the ephemeral key is not of that profile' })
  }
  const sealed = seal(deriveKeys(shared, pair.publicKey), plain)
  const output = new Uint8Array(pair.publicKey.length + sealed.length)
  output.set(pair.publicKey, 0)
  output.set(sealed, pair.publicKey.length)
  return { home, routingIndicator, scheme: profile, keyId, output }
}
