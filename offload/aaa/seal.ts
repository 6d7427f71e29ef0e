// What peers keep for us: conversation states, pseudonyms, re-authentication identities, classes. Sealed with AES-256-GCM under keys that
// all nodes derive from one secret, a key for each purpose and day, so that no nonce repeats and age shows without a table.
import { createCipheriv, createDecipheriv, hkdfSync, randomFillSync } from 'node:crypto'

/** What a sealed value is for: one never opens as another. */
export type Purpose = 'state' | 'pseudonym' | 'reauthentication' | 'class'

export interface Sealer {
  /** 30 octets more than `plain`. `bound`: what has to be the same when it is opened. */
  seal(purpose: Purpose, plain: Uint8Array, now: bigint, bound?: string): Uint8Array
  /** Undefined for what was sealed more than `days` days ago, for another purpose, bound to something else, changed or forged. */
  open(purpose: Purpose, sealed: Uint8Array, now: bigint, days: number, bound?: string): Uint8Array | undefined
}

const DAY = 86_400_000n
const DAY_OCTETS = 2
const NONCE_OCTETS = 12
const TAG_OCTETS = 16
/** Octets that sealing adds. */
const SEAL_OVERHEAD = DAY_OCTETS + NONCE_OCTETS + TAG_OCTETS
const DAYS = 65_536
/** Keys of so many purposes and days are kept at hand. */
const REMEMBERED = 256
/** Nonces are drawn from the system's generator in lots. */
const LOT = NONCE_OCTETS * 512

/** `secret`: 32 octets, the same on all nodes. */
export function createSealer(secret: Uint8Array): Sealer {
  const keys = new Map<string, Uint8Array>()
  const nonces = new Uint8Array(LOT)
  let next = LOT

  const keyOf = (purpose: Purpose, day: number): Uint8Array => {
    const name = `${purpose} ${day}`
    let key = keys.get(name)
    if (key === undefined) {
      key = new Uint8Array(hkdfSync('sha256', secret, new Uint8Array(0), `aaa ${name}`, 32))
      if (keys.size >= REMEMBERED) keys.clear()
      keys.set(name, key)
    }
    return key
  }
  const nonce = (): Uint8Array => {
    if (next === LOT) {
      randomFillSync(nonces)
      next = 0
    }
    next += NONCE_OCTETS
    return nonces.slice(next - NONCE_OCTETS, next)
  }

  return {
    seal(purpose, plain, now, bound = '') {
      const day = Number(now / DAY) % DAYS
      const iv = nonce()
      const cipher = createCipheriv('aes-256-gcm', keyOf(purpose, day), iv).setAAD(Buffer.from(bound))
      const head = Uint8Array.of(day >>> 8, day)
      return Buffer.concat([head, iv, cipher.update(plain), cipher.final(), cipher.getAuthTag()])
    },
    open(purpose, sealed, now, days, bound = '') {
      if (sealed.length < SEAL_OVERHEAD) return undefined
      const day = ((sealed[0] as number) << 8) | (sealed[1] as number)
      // A clock of another node may be past midnight already.
      const age = (Number(now / DAY) - day + DAYS + 1) % DAYS
      if (age > days + 1) return undefined
      const end = sealed.length - TAG_OCTETS
      const from = DAY_OCTETS + NONCE_OCTETS
      const decipher = createDecipheriv('aes-256-gcm', keyOf(purpose, day), sealed.subarray(DAY_OCTETS, from))
      decipher.setAAD(Buffer.from(bound)).setAuthTag(sealed.subarray(end))
      try {
        return Buffer.concat([decipher.update(sealed.subarray(from, end)), decipher.final()])
      } catch {
        return undefined
      }
    },
  }
}
