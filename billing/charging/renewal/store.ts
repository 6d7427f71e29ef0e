// The start of a period: bundles that come with a plan are given anew, what was left of the old ones rolls over, the plan's price is
// charged. Each of these has a cause that names the period, so that running twice, or on two nodes, changes nothing.
import { fail } from '../../../core/kernel/errors.ts'
import type { PayerId, SubscriberId } from '../../../core/kernel/ids.ts'
import { type Millis, millis } from '../../../core/kernel/units.ts'
import type { Sql } from '../../../core/store/sql.ts'
import {
  type AccountId,
  earnedOf,
  moneyOf,
  overuseOf,
  owedOf,
  payerAccount,
  type WalletOwner,
} from '../../ledger/accounts.ts'
import { free, lockAccounts, openAccounts, postTransfers, type Transfer } from '../../ledger/store.ts'
import { addBalance, buyBundle } from '../balances/store.ts'
import { type Catalogue, planKey, type Tenant } from '../catalogue/store.ts'
import { expiryOf, periodOf } from '../plan/calendar.ts'
import { parsePlan } from '../plan/document.ts'
import type { BundleOffer, PeriodKind } from '../plan/plan.ts'
import { renew as renewal, renewalsBetween } from '../plan/renewal.ts'
import type { Terms } from '../session/terms.ts'
import { lockWallets, openBalances, poolsOf, saveAccruals, saveEvents } from '../wallet/store.ts'

export interface OfferGiven {
  readonly subscriber: SubscriberId
  readonly tenant: Tenant
  /** `plan/bundle`. */
  readonly offer: string
  readonly reference: string
  readonly at: Millis
  /** Whether the subscriber pays the offer's price out of its money. */
  readonly paid: boolean
}

/** Gives or sells a bundle of the catalogue; false where that reference has been booked before. Throws PLAN_UNKNOWN, LEDGER_BELOW_ZERO. */
export async function giveOffer(
  sql: Sql,
  { subscriber, tenant, offer: name, reference, at, paid }: OfferGiven,
): Promise<boolean> {
  const slash = name.indexOf('/')
  const key = planKey(tenant.tenant, name.slice(0, slash))
  const row = await sql.row<{ document: string }>(
    'select document from plan where plan_no = (select plan_no from plan_head where plan_key = ?)',
    key,
  )
  const offer = row && parsePlan(JSON.parse(row.document)).bundles.find(({ id }) => id === name.slice(slash + 1))
  if (!offer) return fail('PLAN_UNKNOWN', { what: name })
  const { currency, timeZone, tenant: payer } = tenant
  const pool = offer.shared ? (await poolsOf(sql, [subscriber])).get(subscriber) : undefined
  const owner: WalletOwner = pool === undefined ? `subscriber:${subscriber}` : `pool:${pool}`
  const price = paid ? offer.price : 0n
  return buyBundle(sql, { owner, tenant: payer, currency, timeZone, name, offer: { ...offer, price }, reference, at })
}

interface Member {
  readonly subscriber_seq: bigint
  readonly subscriber_id: SubscriberId
  readonly payer_id: PayerId
  readonly plan_id: string
}

/**
 * Renews subscribers behind `after` in the order of their enrolment, at most `limit`; resolves with the last one looked at, undefined when
 * there was none. A subscriber that has never been renewed is given the current period's.
 */
export async function renew(
  sql: Sql,
  catalogue: Catalogue,
  now: Millis,
  after: bigint,
  limit = 500,
): Promise<bigint | undefined> {
  const members = await sql.rows<Member>(
    'select subscriber_seq, subscriber_id, payer_id, plan_id from subscriber where subscriber_seq > ? order by subscriber_seq limit ?',
    after,
    BigInt(limit),
  )
  const plans = await catalogue.current(
    sql,
    members.map(({ payer_id, plan_id }) => planKey(payer_id, plan_id)),
  )
  const ownerOf = ({ subscriber_id }: Member): WalletOwner => `subscriber:${subscriber_id}`
  const wallets = await sql.find<{ owner: WalletOwner; renewed_at: Millis }>(
    'select owner, renewed_at from wallet',
    'owner',
    members.map(ownerOf),
  )
  const renewedAt = new Map(wallets.map(({ owner, renewed_at }) => [owner, renewed_at]))
  for (const member of members) {
    const { subscriber_id, payer_id, plan_id } = member
    const terms = plans.get(planKey(payer_id, plan_id))
    if (terms && periodsDue(terms, renewedAt.get(ownerOf(member)) ?? millis(0n), now).length > 0)
      await renewOne(sql, terms, subscriber_id, payer_id, now)
  }
  return members.at(-1)?.subscriber_seq
}

/** The kinds of the plan's periods that have begun since `from`, 0 for never renewed. */
function periodsDue({ plan, timeZone }: Terms, from: Millis, now: Millis): PeriodKind[] {
  const kinds = new Set<PeriodKind>(plan.recurring ? [plan.recurring.period] : [])
  for (const { recurring, validity } of plan.bundles)
    if (recurring && validity.kind === 'period') kinds.add(validity.period)
  return [...kinds].filter((kind) => from === 0n || periodOf(kind, from, timeZone).end <= now)
}

async function renewOne(sql: Sql, terms: Terms, subscriber: SubscriberId, tenant: PayerId, now: Millis): Promise<void> {
  const { plan, timeZone } = terms
  const owner: WalletOwner = `subscriber:${subscriber}`
  const wallet = (await lockWallets(sql, [owner])).get(owner)
  if (!wallet) return
  const from = millis(wallet.renewedAt)
  // Another node may have been here first.
  if (from >= now || periodsDue(terms, from, now).length === 0) return
  const pool = (await poolsOf(sql, [subscriber])).get(subscriber)
  for (const offer of plan.bundles) {
    if (!offer.recurring || offer.validity.kind !== 'period') continue
    const kind = offer.validity.period
    const starts =
      wallet.renewedAt === 0n ? [periodOf(kind, now, timeZone).start] : renewalsBetween(kind, from, now, timeZone)
    const to: WalletOwner = offer.shared && pool !== undefined ? `pool:${pool}` : owner
    // What a standstill has missed has lapsed: only the newest period's units are of use.
    const start = starts.at(-1)
    if (start !== undefined) await renewBundle(sql, terms, { tenant, owner: to, offer, start, now })
  }
  if (plan.recurring) {
    const { period, price } = plan.recurring
    const starts =
      wallet.renewedAt === 0n ? [periodOf(period, now, timeZone).start] : renewalsBetween(period, from, now, timeZone)
    for (const start of starts) await chargePlan(sql, terms, subscriber, tenant, price, start, now)
  }
  await sql.run('update wallet set renewed_at = ? where owner = ?', now, owner)
  await saveEvents(sql, [
    {
      at: now,
      subscriber,
      kind: 'renewed',
      account: undefined,
      percent: undefined,
      amount: undefined,
      unit: undefined,
    },
  ])
}

interface BundleRenewal {
  readonly tenant: PayerId
  readonly owner: WalletOwner
  readonly offer: BundleOffer
  readonly start: Millis
  readonly now: Millis
}

async function renewBundle(
  sql: Sql,
  { plan, timeZone }: Terms,
  { tenant, owner, offer, start, now }: BundleRenewal,
): Promise<void> {
  const name = `${plan.id}/${offer.id}`
  const { unit, priority, services } = offer
  await lockWallets(sql, [owner])
  const old = (await openBalances(sql, [owner])).filter(
    (row) => row.offer === name && row.expires_at !== null && row.expires_at <= start,
  )
  const accounts = await lockAccounts(
    sql,
    old.map(({ account_no }) => account_no),
  )
  const rolledOf = new Map(old.map(({ account_no, rolled }) => [account_no, Number(rolled)]))
  const leftovers = accounts.map((row) => ({
    account: row.account_no,
    amount: free(row),
    rolled: rolledOf.get(row.account_no) ?? 0,
  }))
  const { amount, rolledOver } = renewal(offer, leftovers)
  const given = { owner, tenant, unit, priority, services, offer: name, at: now }
  const expires = expiryOf(offer.validity, start, timeZone)
  if (!(await addBalance(sql, { ...given, amount, reference: `${name}:${start}`, expires }))) return
  const ids = new Map(accounts.map(({ account_no, account_id }) => [account_no, account_id]))
  for (const { account, amount: kept, rolled } of rolledOver) {
    const from = ids.get(account)
    if (!from) continue
    // Out of the old balance as lapsed, into one of its own that remembers how often it has rolled: the expiry takes the rest.
    await postTransfers(sql, [
      {
        cause: `rollover:${from}:${start}`,
        debit: from,
        credit: payerAccount(tenant, 'expired', unit),
        amount: kept,
        at: now,
      },
    ])
    await addBalance(sql, { ...given, amount: kept, reference: `${name}:${start}:${account}`, expires, rolled })
  }
}

/** The plan's price: out of the money, then on credit as far as the limit goes; what is left is booked as overuse. */
async function chargePlan(
  sql: Sql,
  { plan, currency, timeZone }: Terms,
  subscriber: SubscriberId,
  tenant: PayerId,
  price: bigint,
  start: Millis,
  now: Millis,
): Promise<void> {
  if (currency === undefined || price === 0n) return
  const [money, owed, over] = [
    moneyOf(`subscriber:${subscriber}`, currency),
    owedOf(subscriber, currency),
    overuseOf(subscriber, currency),
  ]
  const rows = await openAccounts(sql, [money, owed], 'lock')
  const there = (account: AccountId): bigint => {
    const row = rows.get(account)
    return row ? free(row) : 0n
  }
  const paid = smaller(price, there(money))
  const limit = plan.kind === 'prepaid' ? 0n : plan.creditLimit
  const open = rows.get(owed)
  const credit = limit === undefined ? price : limit - there(owed) - (open?.pending ?? 0n)
  const onCredit = smaller(price - paid, credit > 0n ? credit : 0n)
  const cause = `plan:${plan.id}:${subscriber}:${start}`
  const to = earnedOf(tenant, 'income', 'sales', currency)
  const transfer = (suffix: string, debit: AccountId, amount: bigint): Transfer => ({
    cause: `${cause}:${suffix}`,
    debit,
    credit: to,
    amount,
    at: now,
  })
  const posted = await postTransfers(sql, [
    transfer('money', money, paid),
    transfer('credit', owed, onCredit),
    transfer('overuse', over, price - paid - onCredit),
  ])
  if (posted === 0) return
  const period = periodOf('month', now, timeZone).start
  await saveAccruals(sql, [{ tenant, subscriber, period, amount: price, owed: onCredit }])
}

const smaller = (a: bigint, b: bigint): bigint => (a < b ? a : b)
