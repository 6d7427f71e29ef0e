// One measurement of charging, in a process of its own. Usage: charging-load.ts JOB, as JSON; prints a ChargingResult.
import { planKey, putPlan, putTenant } from '../../billing/charging/catalogue/store.ts'
import { createCharging } from '../../billing/charging/charging.ts'
import { bundleOf, payerAccount, type WalletOwner } from '../../billing/ledger/accounts.ts'
import { openAccounts, postTransfers } from '../../billing/ledger/store.ts'
import type { SubscriberDirectory } from '../../core/events/ports.ts'
import type { QuotaRequest } from '../../core/events/quota.ts'
import { payerId, type SubscriberId, subscriberId } from '../../core/kernel/ids.ts'
import { microtokens, millis } from '../../core/kernel/units.ts'
import { createGroupCommit } from '../../core/store/group-commit.ts'
import type { Target, Value } from '../../core/store/sql.ts'
import { openStore, type Store, type StoreOptions } from '../../core/store/store.ts'

export interface ChargingJob {
  readonly store: StoreOptions
  readonly subscribers: number
  /** Open at the same time, spread evenly over the subscribers. */
  readonly sessions: number
  readonly updates: number
}

export interface ChargingResult {
  /** Updates a second. */
  readonly rate: number
  /** Rows a second of the bare peer. */
  readonly bare: number
  /** Milliseconds from question to answer. */
  readonly p99: number
  readonly outstanding: number
  /** Megabytes. */
  readonly rss: number
  readonly fillSeconds: number
}

/** Questions without an answer at any time. */
const OUTSTANDING = 256
const FILL_GROUP = 5000
const START = 1_795_176_000_000n
const GIFT = 1_000_000_000_000n
const TENANT = payerId('bench')
const PLAN = {
  tenant: TENANT,
  id: 'data',
  version: 1,
  name: 'Data',
  kind: 'prepaid',
  tariffs: [{ name: 'any', price: { octets: 2000 } }],
  grant: { largest: { octets: 10_000_000 }, least: { octets: 100_000 }, validity: 600 },
}
const BALANCES: Target = {
  table: 'balance',
  columns: [
    ...['account_no', 'owner', 'tenant_id', 'kind', 'unit', 'granted', 'priority', 'expires_at', 'services', 'offer'],
    ...['rolled', 'state', 'created_at'],
  ],
}

const name = (index: number): SubscriberId => subscriberId(`s${index.toString().padStart(7, '0')}`)
const subscribers: SubscriberDirectory = {
  byImsi: () => undefined,
  byId: (id) => ({ subscriber: id, payer: TENANT, plan: 'data' }),
  imsiOf: () => undefined,
  refresh: async () => {},
}

/** Gives each subscriber a bundle, as `addBalance` would, but thousands to a statement. */
async function fill(store: Store, count: number): Promise<void> {
  await store.batch(async (sql) => {
    await putTenant(sql, { tenant: TENANT, currency: 'EUR', decimals: 2, mode: 'half-even', timeZone: 'UTC' })
    const plan = await putPlan(sql, PLAN, millis(START))
    if (planKey(plan.tenant, plan.id) !== 'bench/data') throw new RangeError('the load asks for another plan')
  })
  const issued = payerAccount(TENANT, 'issued', 'octet')
  for (let from = 0; from < count; from += FILL_GROUP) {
    const indices = Array.from({ length: Math.min(FILL_GROUP, count - from) }, (_, at) => from + at)
    const owners = indices.map((index): WalletOwner => `subscriber:${name(index)}`)
    const accounts = owners.map((owner) => bundleOf(owner, 'gift', 'octet'))
    await store.batch(async (sql) => {
      await postTransfers(
        sql,
        accounts.map((credit) => ({
          cause: `bundle:${credit}`,
          debit: issued,
          credit,
          amount: GIFT,
          at: millis(START),
        })),
      )
      const rows = await openAccounts(sql, accounts)
      await sql.insert(
        BALANCES,
        accounts.map((account, at): Value[] => [
          ...[rows.get(account)?.account_no ?? null, owners[at] ?? null, TENANT, 'bundle', 'octet', GIFT, 0n],
          ...[null, null, null, 0n, 'open', START],
        ]),
      )
    })
  }
}

async function updates(store: Store, job: ChargingJob): Promise<Pick<ChargingResult, 'rate' | 'p99'>> {
  const charging = createCharging({ store, subscribers }, { price: microtokens(2000n) })
  const stride = Math.floor(job.subscribers / job.sessions)
  const ask = (session: number, number: bigint): QuotaRequest => ({
    origin: 'gy:smf',
    sessionId: `smf.example;${session};gy`,
    number,
    at: millis(START + number * 1000n),
    subscriber: name(session * stride),
    context: { access: 'lte', radio: undefined, visitedPlmn: undefined },
    services: [
      {
        ratingGroup: 0n,
        used:
          number === 0n
            ? []
            : [{ uplink: 1_000_000n, downlink: 8_000_000n, seconds: 10n, units: 0n, tariff: undefined }],
        wanted: true,
      },
    ],
  })
  await Promise.all(Array.from({ length: job.sessions }, (_, session) => charging.open(ask(session, 0n))))
  const numbers = new Array<bigint>(job.sessions).fill(0n)
  const times: number[] = []
  let sent = 0
  const gateway = async (): Promise<void> => {
    while (sent < job.updates) {
      // A prime, so that sessions come in no order that the database could like.
      const session = (sent++ * 7919) % job.sessions
      const number = (numbers[session] ?? 0n) + 1n
      numbers[session] = number
      const asked = performance.now()
      const { services } = await charging.update(ask(session, number))
      times.push(performance.now() - asked)
      if (services[0]?.granted === undefined) throw new RangeError(`session ${session} was refused`)
    }
  }
  const begun = performance.now()
  await Promise.all(Array.from({ length: OUTSTANDING }, gateway))
  const seconds = (performance.now() - begun) / 1000
  times.sort((a, b) => a - b)
  return { rate: job.updates / seconds, p99: Math.round((times[Math.floor(times.length * 0.99)] ?? 0) * 100) / 100 }
}

/** Rows a second, written as the engine writes a session's row. */
async function bare(store: Store, job: ChargingJob): Promise<number> {
  const columns = ['session_no', 'state', 'number', 'seen', 'last_at', 'gaps', 'late', 'context', 'answer', 'services']
  const target: Target = {
    table: 'charging_counter',
    columns,
    conflict: `(session_no) do update set ${columns.slice(1).map((column) => `${column} = excluded.${column}`)}`,
  }
  const [row] = await store.batch((sql) =>
    sql.rows<Record<string, Value>>(`select ${columns.join(', ')} from charging_counter limit 1`),
  )
  if (!row) throw new RangeError('there are no sessions')
  const values = columns.map((column) => row[column] ?? null)
  const group = createGroupCommit<bigint, boolean>(
    async (sessions) => {
      const unique = [...new Set(sessions)].sort((a, b) => (a < b ? -1 : 1))
      await store.batch((sql) =>
        sql.insert(
          target,
          unique.map((session) => [session, ...values.slice(1)]),
        ),
      )
      return sessions.map(() => true)
    },
    { maxDelay: 0, maxItems: 512, inFlight: 2 },
  )
  let sent = 0
  const begun = performance.now()
  await Promise.all(
    Array.from({ length: OUTSTANDING }, async () => {
      while (sent < job.updates) await group.submit([BigInt(1_000_000 + ((sent++ * 7919) % job.sessions))])
    }),
  )
  return job.updates / ((performance.now() - begun) / 1000)
}

const job: ChargingJob = JSON.parse(process.argv[2] ?? '')
const store = await openStore(job.store)
const begun = performance.now()
await fill(store, job.subscribers)
const fillSeconds = (performance.now() - begun) / 1000
const { rate, p99 } = await updates(store, job)
const rss = Math.round(process.memoryUsage().rss / 1e6)
const result: ChargingResult = {
  ...{ rate, p99, outstanding: OUTSTANDING, rss, fillSeconds },
  bare: await bare(store, job),
}
console.log(JSON.stringify(result))
await store.close()
