// Long-term secrets in the database. Envelope encryption: rows are sealed under data keys, data keys under the key-encryption key, which
// is the only thing to be changed when that is. What is sealed is bound to its place: a row moved to another SIM does not open.
import { createCipheriv, createDecipheriv, createHmac, createSecretKey, type KeyObject, randomBytes } from 'node:crypto'
import { fail } from '../../core/kernel/errors.ts'
import type { Millis } from '../../core/kernel/units.ts'
import type { Kek } from '../../core/runtime/kek.ts'
import type { Sql } from '../../core/store/sql.ts'
import type { Store } from '../../core/store/store.ts'
import {
  allDataKeys,
  closeDataKeys,
  type DataKeyPurpose,
  type DataKeyRow,
  insertDataKey,
  lockDataKeys,
  readDataKeys,
  recordUses,
  replaceEnvelope,
  takeRoom,
} from './store.ts'

/** Seals values, as many as were asked for, under one data key. */
export interface Sealer {
  readonly dataKey: bigint
  /** `place`: what the value is of, `sim-auth 8988…`; it opens nowhere else. */
  seal(place: string, plain: Uint8Array): Uint8Array
}

/** Opens values sealed under the data keys that it was made for. Throws VAULT_DAMAGED. */
export type Opener = (dataKey: bigint, place: string, sealed: Uint8Array) => Buffer

export interface Vault {
  /** For at most `values` values. Commits a transaction of its own: not to be called within one. */
  sealer(values: number, now: Millis): Promise<Sealer>
  opener(sql: Sql, dataKeys: Iterable<bigint>): Promise<Opener>
  /** Tells secrets apart without saying anything about them: 16 hex digits. As `sealer`, not within a transaction. */
  fingerprints(now: Millis): Promise<(secret: Uint8Array) => string>
  /** Opens every data key, so that a wrong key-encryption key is found before somebody waits. Throws KEY_FILE_DAMAGED or KEY_KEK_WRONG. */
  check(): Promise<void>
  /** Seals again the data keys that an earlier key-encryption key sealed; resolves with their number. */
  rewrap(actor: string, now: Millis): Promise<number>
  /** Lets what is sealed from now on be under a new data key. */
  renew(): Promise<void>
}

const KEY_LENGTH = 32
const IV_LENGTH = 12
const TAG_LENGTH = 16
/** SP 800-38D §8.3 allows 2^32 random IVs under a key; a data key closes long before. */
const MOST_USES = 1n << 24n

export function createVault(store: Store, kek: Kek): Vault {
  // KeyObjects, which print without their octets.
  const opened = new Map<bigint, KeyObject>()

  const open = async ({ key_no, purpose, envelope }: DataKeyRow): Promise<KeyObject> => {
    const known = opened.get(key_no)
    if (known) return known
    const octets = Buffer.from(await kek.open('data-key', purpose, envelope, `data key ${key_no} of the database`))
    const key = createSecretKey(octets)
    octets.fill(0)
    opened.set(key_no, key)
    return key
  }

  /** An open data key with room for `values` values. */
  const take = async (purpose: DataKeyPurpose, values: bigint, now: Millis): Promise<DataKeyRow> => {
    // Sealed before the transaction begins: a key service may take its time.
    const envelope = await kek.seal('data-key', purpose, randomBytes(KEY_LENGTH))
    return store.batch(async (sql) => {
      await lockDataKeys(sql)
      return (await takeRoom(sql, purpose, values, MOST_USES)) ?? insertDataKey(sql, purpose, envelope, values, now)
    })
  }

  return {
    async sealer(values, now) {
      const row = await take('seal', BigInt(values), now)
      const key = await open(row)
      return { dataKey: row.key_no, seal: (place, plain) => seal(key, place, plain) }
    },
    async opener(sql, dataKeys) {
      const missing = [...new Set(dataKeys)].filter((number) => !opened.has(number))
      for (const row of await readDataKeys(sql, missing)) await open(row)
      return (dataKey, place, sealed) => {
        const key = opened.get(dataKey)
        return key === undefined
          ? fail('VAULT_DAMAGED', { place: namelessPlace(place), reason: `data key ${dataKey} is not there` })
          : unseal(key, place, sealed)
      }
    },
    async fingerprints(now) {
      const key = await open(await take('fingerprint', 0n, now))
      return (secret) => createHmac('sha256', key).update(secret).digest('hex').slice(0, 16)
    },
    async check() {
      for (const row of await store.batch(allDataKeys)) await open(row)
    },
    async rewrap(actor, now) {
      const rows = await store.batch(allDataKeys)
      let count = 0
      for (const { key_no, purpose, envelope } of rows) {
        if (await kek.isCurrent(envelope)) continue
        const plain = Buffer.from(await kek.open('data-key', purpose, envelope, `data key ${key_no} of the database`))
        const again = await kek.seal('data-key', purpose, plain)
        plain.fill(0)
        await store.batch(async (sql) => {
          await replaceEnvelope(sql, key_no, again, now)
          await recordUses(sql, [{ actor, purpose: 'rewrap', subject: `data-key:${key_no}`, count: 1n }], now)
        })
        count++
      }
      return count
    },
    async renew() {
      await store.batch(closeDataKeys)
    },
  }
}

const associated = (place: string): Buffer => Buffer.from(`tallycell-row/1 ${place}`)

/** The kind of a place without the identifier in it. */
const namelessPlace = (place: string): string => place.split(' ')[0] ?? ''

function seal(key: KeyObject, place: string, plain: Uint8Array): Uint8Array {
  const iv = nextIv()
  const cipher = createCipheriv('aes-256-gcm', key, iv, { authTagLength: TAG_LENGTH }).setAAD(associated(place))
  return Buffer.concat([iv, cipher.update(plain), cipher.final(), cipher.getAuthTag()])
}

// The system's generator costs as much as the encryption when it is asked for 12 octets at a time.
let ivs = Buffer.alloc(0)
let ivAt = 0

function nextIv(): Buffer {
  if (ivAt >= ivs.length) {
    ivs = randomBytes(IV_LENGTH * 256)
    ivAt = 0
  }
  ivAt += IV_LENGTH
  return ivs.subarray(ivAt - IV_LENGTH, ivAt)
}

function unseal(key: KeyObject, place: string, sealed: Uint8Array): Buffer {
  const damaged = (): never => fail('VAULT_DAMAGED', { place: namelessPlace(place), reason: 'its seal is broken' })
  if (sealed.length < IV_LENGTH + TAG_LENGTH) return damaged()
  const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, IV_LENGTH), { authTagLength: TAG_LENGTH })
  decipher.setAAD(associated(place)).setAuthTag(sealed.subarray(-TAG_LENGTH))
  const plain = decipher.update(sealed.subarray(IV_LENGTH, -TAG_LENGTH))
  try {
    decipher.final()
    return plain
  } catch {
    plain.fill(0)
    return damaged()
  }
}
