// How a receipt names people and sessions: by keyed hashes that only the holder of the secret can link. The plain hash of an IMSI
// would be no secret at all, there are too few of them.
import { createHmac, randomBytes } from 'node:crypto'
import { existsSync, linkSync, mkdirSync, readFileSync, unlinkSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { fail, isTallycellError } from '../../../core/kernel/errors.ts'
import type { Imsi, PayerId } from '../../../core/kernel/ids.ts'
import type { Millis } from '../../../core/kernel/units.ts'

export interface ReferenceSecrets {
  /** The payer's own secret, 32 octets. */
  payer(payer: PayerId): Uint8Array
  /** 32 octets. */
  readonly session: Uint8Array
}

const REFERENCE_SIZE = 16
const SECRET_SIZE = 32

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

/** The master secret in `file`, 32 octets, made on first use with mode 0600. Throws SECRET_UNUSABLE. */
export function openMasterSecret(file: string): Uint8Array {
  try {
    const secret = read(file) ?? create(file)
    if (secret.length === SECRET_SIZE) return secret
    return fail('SECRET_UNUSABLE', { file, reason: `it holds ${secret.length} octets instead of ${SECRET_SIZE}` })
  } catch (error) {
    if (isTallycellError(error)) throw error
    return fail('SECRET_UNUSABLE', { file, reason: error instanceof Error ? error.message : String(error) }, error)
  }
}

function read(file: string): Uint8Array | undefined {
  return existsSync(file) ? readFileSync(file) : undefined
}

/** Appears whole or not at all, and never in the place of one that another process made meanwhile. */
function create(file: string): Uint8Array {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
  const fresh = `${file}.new-${randomBytes(6).toString('hex')}`
  writeFileSync(fresh, randomBytes(SECRET_SIZE), { flag: 'wx', mode: 0o600, flush: true })
  try {
    linkSync(fresh, file)
  } catch (error) {
    if (!existsSync(file)) throw error
  } finally {
    unlinkSync(fresh)
  }
  return readFileSync(file)
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
