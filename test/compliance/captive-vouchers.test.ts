// Captive vouchers on both engines: what the database knows of them, whose session a login is, and once.
import { randomBytes } from 'node:crypto'
import { balances } from '../../billing/charging/balances/store.ts'
import { putPlan } from '../../billing/charging/catalogue/store.ts'
import { parsePlan } from '../../billing/charging/plan/document.ts'
import { createStanding } from '../../billing/charging/standing.ts'
import { checkCaptivePlan, createCaptive, createCaptiveVouchers } from '../../billing/charging/vouchers/captive.ts'
import { redeemVoucher } from '../../billing/charging/vouchers/store.ts'
import { subscriberId } from '../../core/kernel/ids.ts'
import { microtokens, millis } from '../../core/kernel/units.ts'
import type { Store } from '../../core/store/store.ts'
import { createSubscriberDirectory, enrolAnonymous } from '../../sim-provisioning/module.ts'
import { NOON, openWorld, PLAN, tenant } from './charging-world.ts'
import { onEachEngine } from './engines.ts'

const GUEST = {
  ...PLAN,
  id: 'guest',
  tariffs: [{ name: 'any', when: {}, price: { octets: 'bundle' } }],
  bundles: [{ id: 'day', unit: 'octet', amount: 6_000_000_000, validity: { days: 1 }, price: 0 }],
}
const KEY = new Uint8Array(32).fill(3)
const at = millis(NOON)
const DAY = 86_400_000n

function nodeOf(store: Store) {
  const subscribers = createSubscriberDirectory(store)
  const captive = createCaptive({ store, subscribers, key: async () => KEY, enrol: enrolAnonymous })
  return { subscribers, captive }
}

async function print(store: Store, count: number, expires?: bigint) {
  const run = { tenant, series: 'cafe', count, amount: 0n, offer: 'guest/day' }
  return store.batch((sql) =>
    createCaptiveVouchers(
      sql,
      KEY,
      { ...run, expires: expires === undefined ? undefined : millis(expires) },
      randomBytes,
    ),
  )
}

onEachEngine('the first login makes a guest, the others find it', async (t, database) => {
  const { store } = await openWorld(database)
  await store.batch((sql) => putPlan(sql, GUEST, at))
  const [voucher] = await print(store, 1)
  if (!voucher) throw new Error('no voucher')
  const { name, password } = voucher
  t.match(password, /^[2-9a-hj-np-z]{12}$/)
  const [one, two] = [nodeOf(store), nodeOf(store)]
  t.equal(await one.captive.passwordOf(name, at), password)
  t.equal(await two.captive.passwordOf(` ${name.toUpperCase().slice(0, 4)}-${name.slice(4)}`, at), password)
  const rows = await store.batch((sql) => sql.rows<{ code_hash: Uint8Array }>('select * from voucher'))
  t.notMatch(
    JSON.stringify(rows, (_, value) => (typeof value === 'bigint' ? Number(value) : value)),
    name,
  )
  const logins = [one, two, one, two].map(({ captive }) => captive.enter(name, at))
  t.strictSame(new Set(await Promise.all(logins)), new Set([`voucher-${name}`]))
  const guest = subscriberId(`voucher-${name}`)
  for (const { subscribers } of [one, two]) {
    t.match(subscribers.byId(guest), { payer: tenant, plan: 'guest' })
    t.equal(subscribers.imsiOf(guest), undefined)
  }
  t.match(await store.batch((sql) => balances(sql, guest)), [{ posted: 6_000_000_000n, unit: 'octet' }])
  const standing = createStanding({ store, subscribers: one.subscribers, radioClass: () => undefined }, microtokens(0n))
  const place = { access: 'wifi', radio: undefined } as const
  const now = await standing.standing(guest, place, at)
  t.equal(now?.state, 'open')
  t.equal(now?.left?.octets, 6_000_000_000n)
  const { until = 0n } = now?.left ?? {}
  t.ok(until > at && until <= at + 2n * DAY, 'the day of the bundle ends')
  t.equal((await standing.standing(guest, place, millis(at + 3n * DAY)))?.state, 'exhausted')
})

onEachEngine('what is no voucher, or none any more', async (t, database) => {
  const { store } = await openWorld(database)
  await store.batch((sql) => putPlan(sql, GUEST, at))
  const { captive } = nodeOf(store)
  const [used, unused] = await print(store, 2, at + DAY)
  if (!used || !unused) throw new Error('no vouchers')
  t.equal(await captive.passwordOf('nobody22', at), undefined)
  t.equal(await captive.enter('nobody22', at), undefined)
  t.equal(await captive.enter(used.name, at), `voucher-${used.name}`)
  const late = millis(at + DAY)
  t.equal(await captive.passwordOf(unused.name, late), undefined)
  t.equal(await captive.enter(unused.name, late), undefined)
  t.equal(await captive.passwordOf(used.name, late), used.password, 'its bundle says how long it lasts')
  await t.rejects(
    store.batch((sql) =>
      redeemVoucher(sql, KEY, { code: unused.name, subscriber: subscriberId('alice-data'), tenant, at }),
    ),
    { code: 'VOUCHER_REFUSED' },
    'nor can it be redeemed as another',
  )
})

onEachEngine('a plan for guests has the bundle and nothing else', async (t) => {
  t.doesNotThrow(() => checkCaptivePlan(parsePlan(GUEST)))
  const [day] = GUEST.bundles
  const monthly = { ...day, recurring: true, validity: { period: 'month' } }
  for (const plan of [
    { ...GUEST, kind: 'postpaid' },
    { ...GUEST, bundles: [monthly] },
  ])
    t.throws(() => checkCaptivePlan(parsePlan(plan)), { code: 'VOUCHER_PLAN' })
})
