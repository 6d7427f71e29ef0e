// Captive vouchers: a name and a password for networks with a page to log in at. CHAP and MS-CHAPv2 prove a password without telling it, so
// whoever checks has to know it. It is not stored for that: it follows from the name by a keyed hash, and of the name too only a keyed hash
// is stored. Whoever reads the database can neither log in nor tell a voucher from a random number.
import { createHmac } from 'node:crypto'
import type { CaptivePort, EnrolAnonymous } from '../../../core/events/captive.ts'
import type { SubscriberDirectory } from '../../../core/events/ports.ts'
import { fail } from '../../../core/kernel/errors.ts'
import { type PayerId, planId, type SubscriberId, subscriberId } from '../../../core/kernel/ids.ts'
import type { Millis } from '../../../core/kernel/units.ts'
import type { Sql } from '../../../core/store/sql.ts'
import type { Store } from '../../../core/store/store.ts'
import { readTenants } from '../catalogue/store.ts'
import type { Plan } from '../plan/plan.ts'
import { giveOffer } from '../renewal/store.ts'
import { insertVouchers, LETTERS, type NewVouchers } from './store.ts'

/** What a guest types. */
export interface CaptiveCode {
  readonly name: string
  readonly password: string
}

const NAME_LENGTH = 8
/** 60 bits: guessed by asking us, a request for each try, never by reckoning. */
const PASSWORD_LENGTH = 12

const hmac = (key: Uint8Array, what: string, name: string): Uint8Array =>
  createHmac('sha256', key).update(`captive ${what}:${name}`).digest()

/** 256 is a multiple of 32: every letter is as likely. */
const lettersOf = (octets: Uint8Array): string =>
  Array.from(octets, (octet) => LETTERS[octet % LETTERS.length])
    .join('')
    .toLowerCase()

const hashOf = (key: Uint8Array, name: string): Uint8Array => hmac(key, 'name', name)
const passwordOf = (key: Uint8Array, name: string): string =>
  lettersOf(hmac(key, 'password', name).subarray(0, PASSWORD_LENGTH))

/** What people type for a name: case, blanks and dashes make no difference. */
const plain = (name: string): string => name.toLowerCase().replace(/[^0-9a-z]/g, '')

/** Throws VOUCHER_PLAN for a plan that would give or cost a guest anything but the bundle. */
export function checkCaptivePlan(plan: Plan): void {
  const refuse = (reason: string): never => fail('VOUCHER_PLAN', { plan: plan.id, reason })
  if (plan.kind !== 'prepaid') refuse('it is not prepaid: a guest would use it on credit')
  if (plan.recurring !== undefined || plan.bundles.some(({ recurring }) => recurring))
    refuse('it has something recurring, which every guest would be given or charged')
}

/** Makes captive vouchers and returns what to print, which cannot be had again. As `createVouchers`. */
export async function createCaptiveVouchers(
  sql: Sql,
  key: Uint8Array,
  vouchers: NewVouchers,
  random: (octets: number) => Uint8Array,
): Promise<CaptiveCode[]> {
  const names = Array.from({ length: vouchers.count }, () => lettersOf(random(NAME_LENGTH)))
  await insertVouchers(
    sql,
    vouchers,
    names.map((name) => hashOf(key, name)),
  )
  return names.map((name) => ({ name, password: passwordOf(key, name) }))
}

interface Row {
  readonly tenant_id: PayerId
  readonly offer: string | null
  readonly expires_at: Millis | null
  readonly redeemed_by: SubscriberId | null
}

const SELECT = 'select tenant_id, offer, expires_at, redeemed_by from voucher'

/** One that was used in time stays good for as long as its bundle does. */
const isGood = ({ redeemed_by, expires_at }: Row, at: Millis): boolean =>
  redeemed_by !== null || expires_at === null || at < expires_at

export interface CaptiveDeps {
  readonly store: Store
  /** Of the key store; never changes. */
  readonly key: () => Promise<Uint8Array>
  readonly enrol: EnrolAnonymous
  /** Where whoever asks next will look for the subscriber. */
  readonly subscribers: Pick<SubscriberDirectory, 'byId'> & { load(): Promise<void> }
}

export function createCaptive({ store, key, enrol, subscribers }: CaptiveDeps): CaptivePort {
  const first = async (sql: Sql, hash: Uint8Array, name: string, row: Row, at: Millis): Promise<SubscriberId> => {
    const { tenant_id: payer, offer } = row
    if (offer === null) return fail('PLAN_UNKNOWN', { what: '' })
    const tenant = (await readTenants(sql, [payer])).get(payer)
    if (!tenant) return fail('TENANT_UNKNOWN', { tenant: payer })
    const subscriber = subscriberId(`voucher-${name}`)
    await enrol(sql, { subscriber, payer, plan: planId(offer.slice(0, offer.indexOf('/'))) }, at)
    await sql.run('update voucher set redeemed_by = ?, redeemed_at = ? where code_hash = ?', subscriber, at, hash)
    const reference = `voucher:${Buffer.from(hash).toString('hex')}`
    await giveOffer(sql, { subscriber, tenant, offer, reference, at, paid: false })
    return subscriber
  }

  const subscriberOf = async (name: string, at: Millis): Promise<SubscriberId | undefined> => {
    const hash = hashOf(await key(), name)
    const [before] = await store.batch((sql) => sql.find<Row>(SELECT, 'code_hash', [hash]))
    if (!before || before.redeemed_by !== null) return before?.redeemed_by ?? undefined
    return store.batch(async (sql) => {
      // Before the row, as everybody who enrols.
      await sql.journal('subscriber')
      const [row] = await sql.find<Row>(SELECT, 'code_hash', [hash], 'lock')
      if (!row || !isGood(row, at)) return undefined
      return row.redeemed_by ?? first(sql, hash, name, row, at)
    })
  }

  return {
    async passwordOf(typed, at) {
      const [secret, name] = [await key(), plain(typed)]
      const [row] = await store.batch((sql) => sql.find<Row>(SELECT, 'code_hash', [hashOf(secret, name)]))
      return row && isGood(row, at) ? passwordOf(secret, name) : undefined
    },
    async enter(typed, at) {
      const subscriber = await subscriberOf(plain(typed), at)
      if (subscriber !== undefined && !subscribers.byId(subscriber)) await subscribers.load()
      return subscriber
    },
  }
}
