// engine.table: what a subscriber does, what it is answered, and what is left of its money, by the whole engine on each database.
import { randomUUID } from 'node:crypto'
import { parse } from 'yaml'
import { addBalance, expire, joinPool } from '../../billing/charging/balances/store.ts'
import { createCatalogue } from '../../billing/charging/catalogue/store.ts'
import type { Charging } from '../../billing/charging/charging.ts'
import { closePeriod, listInvoices } from '../../billing/charging/invoice/store.ts'
import { ANY_SERVICE } from '../../billing/charging/plan/plan.ts'
import { renew } from '../../billing/charging/renewal/store.ts'
import { suspend } from '../../billing/charging/suspension/store.ts'
import type { QuotaAnswer, QuotaEvent, QuotaRequest, UsedUnits } from '../../core/events/quota.ts'
import { subscriberId } from '../../core/kernel/ids.ts'
import { type Millis, microtokens } from '../../core/kernel/units.ts'
import type { Store } from '../../core/store/store.ts'
import { amounts, instant, instantOrNone, planText, quantity, type Row, tableRows } from '../unit/plan-fixture.ts'
import { accounts, engine, faults, giveMoney, meter, prepare, rateAll, tenant } from './charging-world.ts'
import { onEachEngine } from './engines.ts'

const PLANS = parse(planText('engine'), { merge: true }) as unknown[]
const TENANT = { tenant, currency: 'EUR', decimals: 2, mode: 'half-even', timeZone: 'Europe/Berlin' } as const

interface World {
  readonly store: Store
  readonly charging: Charging
  readonly numbers: Map<string, { session: string; number: bigint }>
}

interface Step {
  readonly at: Millis
  readonly who: string
  readonly amount: string
  readonly row: Row
}

type Doing = (world: World, step: Step) => Promise<string>

const used = (cell: string): UsedUnits[] =>
  cell === '-'
    ? []
    : cell.split('; ').map((part) => {
        const [, side, amount = ''] = /^(before |after )?(.+)$/.exec(part) ?? []
        const { octet, second, message } = amounts(amount)
        const tariff = side === undefined ? undefined : side === 'before ' ? 'before' : 'after'
        return { uplink: 0n, downlink: octet, seconds: second, units: message, tariff }
      })

const units = ({ octets = 0n, seconds = 0n }: { octets?: bigint | undefined; seconds?: bigint | undefined }): string =>
  [...(octets > 0n ? [volume(octets)] : []), ...(seconds > 0n ? [`${seconds} s`] : [])].join(' + ')

const volume = (octets: bigint): string =>
  octets % 100_000n === 0n && octets >= 1_000_000n
    ? `${Number(octets) / 1e6} MB`
    : octets % 1000n === 0n
      ? `${octets / 1000n} kB`
      : `${octets} B`

const euros = (micro: bigint): string =>
  `${micro / 1_000_000n}.${(micro % 1_000_000n)
    .toString()
    .padStart(6, '0')
    .replace(/0{1,4}$/, '')}`

const REFUSED: Readonly<Record<string, string>> = {
  'credit-limit-reached': 'limit',
  'service-denied': 'denied',
  'rating-failed': 'no rate',
}

function answered({ result, services }: QuotaAnswer): string {
  const [service] = services
  if (!service) return result
  const { granted, final, throttle } = service
  const words = [granted ? units(granted) : (REFUSED[service.result] ?? '-')]
  if (final) words.push('final')
  if (throttle) words.push('slow')
  return words.join(' ')
}

const ask =
  (kind: 'open' | 'update' | 'close'): Doing =>
  async ({ charging, numbers }, { at, who, amount, row }) => {
    const known = kind === 'open' ? undefined : numbers.get(who)
    const turn = known ? { ...known, number: known.number + 1n } : { session: randomUUID(), number: 0n }
    numbers.set(who, turn)
    const request: QuotaRequest = {
      origin: 'gy:smf',
      sessionId: turn.session,
      number: turn.number,
      at,
      subscriber: subscriberId(who),
      context: { access: 'lte', radio: undefined, visitedPlmn: row('at') || undefined },
      services: [{ ratingGroup: BigInt(row('group') || 0), used: used(amount), wanted: kind !== 'close' }],
    }
    const answer = await charging[kind](request)
    const again = await charging[kind](request)
    if (answered(again) !== answered(answer)) throw new Error(`the repeat was answered ${answered(again)}`)
    return answered(answer)
  }

const once =
  (action: QuotaEvent['action']): Doing =>
  async ({ charging, numbers }, { at, who, amount }) => {
    const before = numbers.get(who)
    const turn =
      action === 'refund' && before ? { ...before, number: before.number + 1n } : { session: randomUUID(), number: 0n }
    numbers.set(who, turn)
    const { result, price, enough } = await charging.event({
      origin: 'gy:smf',
      sessionId: turn.session,
      number: turn.number,
      at,
      subscriber: subscriberId(who),
      context: { access: 'lte', radio: undefined, visitedPlmn: undefined },
      action,
      ratingGroup: 0n,
      requested: { octets: amounts(amount).octet, seconds: undefined, units: undefined },
    })
    if (result !== 'success') return REFUSED[result] ?? result
    return price === undefined ? (enough ? 'yes' : 'no') : euros(price)
  }

const give =
  (owner: (who: string) => `subscriber:${string}` | `pool:${string}`): Doing =>
  async ({ store }, { at, who, amount }) => {
    const [what = '', until = ''] = amount.split(' until ')
    await store.batch((sql) =>
      addBalance(sql, {
        owner: owner(who),
        tenant,
        unit: 'octet',
        amount: quantity(what).amount,
        reference: randomUUID(),
        at,
        priority: 0,
        expires: instantOrNone(until),
        services: ANY_SERVICE,
      }),
    )
    return ''
  }

const STEPS: Readonly<Record<string, Doing>> = {
  open: ask('open'),
  update: ask('update'),
  close: ask('close'),
  debit: once('debit'),
  refund: once('refund'),
  price: once('price-enquiry'),
  check: once('check-balance'),
  bundle: give((who) => `subscriber:${who}`),
  'pool bundle': give(() => 'pool:family'),
  async money({ store }, { who, amount }) {
    await giveMoney(store, who, quantity(amount).amount, randomUUID())
    return ''
  },
  async join({ store }, { who }) {
    await store.batch((sql) => joinPool(sql, subscriberId(who), 'family'))
    return ''
  },
  async renew({ store }, { at, who }) {
    const [, plan = ''] = who.split('-')
    await store.db
      .insertInto('subscriber')
      .values({ subscriber_id: who, imsi: '001010000000001', payer_id: tenant, plan_id: plan, created_at: at })
      .onConflict((conflict) => conflict.doNothing())
      .execute()
    await store.batch((sql) => renew(sql, createCatalogue(microtokens(0n)), at, 0n))
    return ''
  },
  async expire({ store }, { at }) {
    await store.batch((sql) => expire(sql, at))
    return ''
  },
  async 'close month'({ store }, { at }) {
    const before = await store.batch((sql) => listInvoices(sql, NEWEST))
    await store.batch((sql) => closePeriod(sql, TENANT, at))
    const invoices = await store.batch((sql) => listInvoices(sql, NEWEST))
    return invoices
      .slice(before.length)
      .map(({ rounded }) => euros(rounded))
      .join('; ')
  },
  async suspend({ store }, { at, who }) {
    await store.batch((sql) => suspend(sql, subscriberId(who), true, at))
    return ''
  },
  async resume({ store }, { at, who }) {
    await store.batch((sql) => suspend(sql, subscriberId(who), false, at))
    return ''
  },
  async radius({ store }, { at, who, amount }) {
    const { octet } = amounts(amount)
    await meter(store, [{ subscriber: who, octets: octet, at }])
    await rateAll(store)
    return ''
  },
}

const NEWEST = { tenant: undefined, subscriber: undefined, after: 0n, limit: 100 }

/** `alice bundle 2 MB; alice money 1.00`: the accounts of subscribers and pools. */
async function leftOn(store: Store): Promise<string> {
  const items = Object.entries(await accounts(store)).flatMap(([account, amount]): string[] => {
    const [kind, owner = '', name] = account.split(':')
    if (kind !== 'subscriber' && kind !== 'pool') return []
    const who = kind === 'pool' ? 'pool' : owner.split('-')[0]
    return [`${who} ${name} ${account.endsWith(':EUR') ? euros(amount) : volume(amount)}`]
  })
  return items.sort().join('; ') || '-'
}

const scenarios: { readonly name: string; readonly rows: Row[] }[] = []
for (const row of tableRows('engine')) {
  if (row('scenario') !== '') scenarios.push({ name: row('scenario'), rows: [] })
  scenarios.at(-1)?.rows.push(row)
}

for (const { name, rows } of scenarios)
  onEachEngine(name, async (t, database) => {
    const store = await database.open()
    await prepare(store, PLANS)
    const world: World = { store, charging: engine(store), numbers: new Map() }
    for (const [index, row] of rows.entries()) {
      const place = `${index + 1}: ${row('step')}`
      const step = { at: instant(row('time')), who: row('who'), amount: row('amount'), row }
      const doing = STEPS[row('step')]
      if (!doing) throw new Error(`there is no step ${row('step')}`)
      t.equal(await doing(world, step), row('answer'), place)
      if (row('left') !== '') t.equal(await leftOn(store), row('left'), `${place}: left`)
    }
    t.same(await faults(store), [])
  })
