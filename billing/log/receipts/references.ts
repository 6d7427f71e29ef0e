// How a receipt names people and sessions: by keyed hashes that only the holder of the secret can link. The plain hash of an IMSI
// would be no secret at all, there are too few of them.
import { createHmac } from 'node:crypto'
import type { Imsi, PayerId } from '../../../core/kernel/ids.ts'
import type { Millis } from '../../../core/kernel/units.ts'

export interface ReferenceSecrets {
  /** The payer's own secret, 32 octets. */
  payer(payer: PayerId): Uint8Array
  /** 32 octets. */
  readonly session: Uint8Array
}

const REFERENCE_SIZE = 16

/** One secret for each payer and one for sessions, from a master secret of 32 octets. */
export function createReferenceSecrets(master: Uint8Array): ReferenceSecrets {
  const derive = (label: string): Uint8Array => hmac(master, label)
  const known = new Map<PayerId, Uint8Array>()
  return {
    session: derive('tallycell receipt session'),
    payer(payer) {
      const secret = known.get(payer) ?? derive(`tallycell receipt payer ${payer}`)
      known.set(payer, secret)
      return secret
    },
  }
}

/** Stands for a session of an origin in the public log. */
export function sessionReference({ session }: ReferenceSecrets, origin: string, sessionId: string): Uint8Array {
  return hmac(session, `${origin}\0${sessionId}`).subarray(0, REFERENCE_SIZE)
}

/** HMAC-SHA-256(payer secret, IMSI || billing cycle), 16 octets; the cycle is the calendar month (UTC) of `at`, as YYYY-MM. */
export function subscriberReference(secrets: ReferenceSecrets, payer: PayerId, imsi: Imsi, at: Millis): Uint8Array {
  const cycle = new Date(Number(at)).toISOString().slice(0, 7)
  return hmac(secrets.payer(payer), `${imsi}${cycle}`).subarray(0, REFERENCE_SIZE)
}

function hmac(key: Uint8Array, message: string): Uint8Array {
  return createHmac('sha256', key).update(message).digest()
}
