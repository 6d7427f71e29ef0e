// Client secrets: 256 random bits, of which only a scrypt hash (RFC 7914) is stored.
import { randomBytes, type ScryptOptions, scrypt, timingSafeEqual } from 'node:crypto'

/** Secrets are random, so the cost need not make up for weak ones: about 30 ms on one thread, 16 MiB. */
const COST = { N: 16_384, r: 8, p: 1 } as const
const HASH_LENGTH = 32
const STORED = /^scrypt:([0-9]+):([0-9]+):([0-9]+):([A-Za-z0-9_-]{22}):([A-Za-z0-9_-]{43})$/
/** Threads of libuv are shared with the disk: one hash at a time, and so many waiting. */
const MOST_WAITING = 64

/** A new secret; its prefix lets scanners find one that has leaked. */
export const newSecret = (): string => `tcs_${randomBytes(32).toString('base64url')}`

let tail: Promise<unknown> = Promise.resolve()
let waiting = 0

/** True while so many secrets wait to be checked that another would wait too long. */
export const secretsBusy = (): boolean => waiting >= MOST_WAITING

function derive(secret: string, salt: Buffer, options: ScryptOptions): Promise<Buffer> {
  waiting++
  const turn = tail.then(
    () =>
      new Promise<Buffer>((resolve, reject) => {
        scrypt(secret, salt, HASH_LENGTH, options, (error, key) => (error ? reject(error) : resolve(key)))
      }),
  )
  tail = turn.then(
    () => waiting--,
    () => waiting--,
  )
  return turn
}

/** What is stored of a secret. */
export async function hashSecret(secret: string): Promise<string> {
  const salt = randomBytes(16)
  const hash = await derive(secret, salt, COST)
  return `scrypt:${COST.N}:${COST.r}:${COST.p}:${salt.toString('base64url')}:${hash.toString('base64url')}`
}

/** Whether `secret` is the one that was stored; takes as long where nothing is stored. */
export async function checkSecret(secret: string, stored: string | null): Promise<boolean> {
  const [, n, r, p, salt = '', hash = ''] = STORED.exec(stored ?? '') ?? []
  const options = n === undefined ? COST : { N: Number(n), r: Number(r), p: Number(p) }
  const derived = await derive(secret, Buffer.from(salt, 'base64url'), options)
  const expected = Buffer.from(hash, 'base64url')
  return expected.length === derived.length && timingSafeEqual(expected, derived)
}
