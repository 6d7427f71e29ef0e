import { setTimeout as sleep } from 'node:timers/promises'
import { pino } from 'pino'
import { Registry } from 'prom-client'
import type { Test } from 'tap'
import { createCharging } from '../../billing/charging/charging.ts'
import { reservedByAccount } from '../../billing/charging/session/store.ts'
import { chargingListener } from '../../billing/charging/suspension/listener.ts'
import { checkLedger } from '../../billing/ledger/audit/store.ts'
import { createSessionControl, type SessionControlOptions } from '../../core/events/sessions/control.ts'
import type { SessionListener, SessionOrder } from '../../core/events/sessions/port.ts'
import { orderSessions } from '../../core/events/sessions/store.ts'
import { iccid } from '../../core/kernel/iccid.ts'
import { planId, subscriberId } from '../../core/kernel/ids.ts'
import { microtokens, millis } from '../../core/kernel/units.ts'
import { metricProblems } from '../../core/metrics/metrics.ts'
import type { Store } from '../../core/store/store.ts'
import type { Act, Cause } from '../../sim-provisioning/profiles/act.ts'
import { createSubscriberDirectory } from '../../sim-provisioning/profiles/directory.ts'
import {
  activate,
  dropSessions,
  moveCard,
  moveSubscription,
  swapSim,
} from '../../sim-provisioning/profiles/subscriptions/life.ts'
import { onEachEngine } from './engines.ts'
import { ACME, csvOf, lifeDeps, NOW, testSim, testSims, testWorld } from './sim-world.ts'

const ALICE = subscriberId('alice')
const BOB = subscriberId('bob')
const card = (n: number) => iccid(testSim(n).iccid)
let time: bigint = NOW
/** Goes on by a millisecond whenever it is looked at. */
const tick = () => millis(++time)
const doing = (cause: Cause = 'operator'): Act => ({ actor: 'alice', cause, now: tick() })
const log = pino({ level: 'silent' })

/** A node with billing's listener and one that stands for a transport. */
async function node(t: Test, store: Store, options: SessionControlOptions & { readonly start?: false } = {}) {
  const orders: SessionOrder[] = []
  const transport: SessionListener = {
    name: 'transport',
    async drop(order) {
      orders.push(order)
      return 1
    },
    async refresh(order) {
      orders.push(order)
      return 1
    },
  }
  const directory = createSubscriberDirectory(store, { minInterval: 0 })
  await directory.load()
  const charging = createCharging({ store, subscribers: directory }, { price: microtokens(2000n) })
  const metrics = new Registry()
  const clock = tick
  const control = createSessionControl({ store, clock, metrics, log }, { poll: 20, ...options })
  control.register(transport)
  control.register(chargingListener(charging, clock), 'books')
  if (options.start !== false) await control.start()
  t.teardown(() => control.stop())
  return { orders, charging, control, metrics }
}

async function until(met: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await met())) await sleep(10)
}

const request = (sessionId: string, number: bigint, used = 0n) => ({
  origin: 'gy:smf.example',
  sessionId,
  number,
  at: tick(),
  subscriber: ALICE,
  context: { access: 'lte' as const, radio: undefined, visitedPlmn: undefined },
  services: [
    {
      ratingGroup: 1n,
      used: used === 0n ? [] : [{ uplink: 0n, downlink: used, seconds: 0n, units: 0n, tariff: undefined }],
      wanted: true,
    },
  ],
})

const openCharging = async (store: Store): Promise<bigint> =>
  (
    await store.batch((sql) =>
      sql.row<{ count: bigint }>('select count(*) as count from charging_session where closed_at is null'),
    )
  )?.count ?? 0n

onEachEngine('another process suspends and ceases: charging refuses, live sessions end', async (t, database) => {
  const [store, shell] = [await database.open(), await database.open()]
  await testWorld(t, store).load(csvOf(testSims(3)))
  await activate(store, { subscriber: ALICE, tenant: ACME, plan: planId('flat'), iccid: card(0) }, doing())
  await activate(store, { subscriber: BOB, tenant: ACME, plan: planId('flat'), iccid: card(1) }, doing())
  const { orders, charging, metrics } = await node(t, store)
  t.equal((await charging.open(request('s1', 0n))).result, 'success')
  t.equal((await charging.open(request('s2', 0n))).result, 'success')
  t.equal(await openCharging(store), 2n)

  await moveSubscription(lifeDeps(shell), ALICE, 'suspend', doing('unpaid'))
  t.equal((await charging.open(request('s3', 0n))).result, 'suspended', 'refused as soon as the command has ended')
  await until(async () => orders.length === 1 && (await openCharging(store)) === 1n)
  t.match(orders, [{ subscriber: ALICE, action: 'drop', cause: 'suspended', imsi: undefined }])
  const late = await charging.update(request('s1', 1n, 5_000_000n))
  t.equal(late.result, 'unknown-session')
  const charged = await store.batch((sql) =>
    sql.rows<{ state: string }>("select state from charging_counter where state = 'closed'"),
  )
  t.equal(charged.length, 2, 'both sessions are closed, the one opened since is not meant')

  await moveSubscription(lifeDeps(shell), ALICE, 'resume', doing())
  await until(() => orders.length === 2)
  t.match(orders[1], { action: 'refresh', cause: 'resumed' })
  t.equal((await charging.open(request('s4', 0n))).result, 'success')

  await moveCard(lifeDeps(shell), card(0), 'block', doing('stolen'))
  await until(() => orders.length === 3)
  await t.rejects(moveSubscription(lifeDeps(shell), ALICE, 'resume', doing()), {
    code: 'SIM_STEP',
    hint: /unblock \(tallycell sim unblock ICCID\)/,
  })
  await swapSim(shell, ALICE, card(2), doing('stolen'))
  await until(() => orders.length === 4)
  t.match(orders[3], { action: 'drop', cause: 'sim-changed', imsi: testSim(0).imsi })
  t.equal((await charging.open(request('s5', 0n))).result, 'suspended', 'a new SIM does not pay the bill')
  await moveSubscription(lifeDeps(shell), ALICE, 'resume', doing())
  await dropSessions(shell, BOB, doing())
  await until(() => orders.length === 6)
  t.match(orders[5], { subscriber: BOB, action: 'drop', cause: 'operator' })

  await moveSubscription(lifeDeps(shell), ALICE, 'cease', doing())
  await until(() => orders.length === 7)
  t.match(orders[6], { action: 'drop', cause: 'ceased' })
  t.equal((await charging.open(request('s6', 0n))).result, 'suspended')
  await t.rejects(moveSubscription(lifeDeps(shell), ALICE, 'resume', doing()), {
    code: 'SIM_STEP',
    message: 'alice is ceased: it cannot resume',
    hint: 'from here it can: terminate (tallycell subscriber terminate alice)',
  })
  await moveSubscription(lifeDeps(shell), ALICE, 'terminate', doing())
  t.same(await store.batch(async (sql) => checkLedger(sql, await reservedByAccount(sql))), [])
  t.match(await metrics.metrics(), /tallycell_sessions_ordered_total\{listener="transport",action="drop"\} 5/)
  t.same(await metricProblems(metrics), [])
})

onEachEngine(
  'what was ordered while a node was down is taken up, the newest of each subscriber',
  async (t, database) => {
    const store = await database.open()
    const give = (subscriber: typeof ALICE, action: 'drop' | 'refresh', at: bigint) =>
      store.batch((sql) => orderSessions(sql, { subscriber, imsi: undefined, action, cause: 'operator' }, millis(at)))
    await give(ALICE, 'drop', NOW - 3_600_000n)
    await give(BOB, 'drop', NOW - 60_000n)
    await give(BOB, 'refresh', NOW - 30_000n)
    const { orders, control } = await node(t, store)
    await until(() => orders.length > 0)
    await control.order({ subscriber: ALICE, imsi: undefined, action: 'drop', cause: 'operator' })
    await until(() => orders.length > 1)
    t.match(orders, [
      { subscriber: BOB, action: 'refresh' },
      { subscriber: ALICE, action: 'drop' },
    ])
    await give(BOB, 'drop', NOW - 25n * 3_600_000n)
    await until(async () => orders.length > 2)
  },
)

onEachEngine('a listener that fails or hangs holds up nobody', async (t, database) => {
  const store = await database.open()
  const { orders, control, metrics } = await node(t, store, { patience: 50, start: false })
  const sick = (name: string, answer: () => Promise<number>): SessionListener => ({
    name,
    drop: answer,
    refresh: answer,
  })
  control.register(sick('hangs', () => new Promise(() => {})))
  control.register(sick('fails', () => Promise.reject(new Error('no'))))
  await control.start()
  for (const subscriber of [ALICE, BOB, ALICE])
    await control.order({ subscriber, imsi: undefined, action: 'drop', cause: 'operator' })
  await until(() => orders.length === 3)
  await until(async () => /failures_total\{listener="hangs"\} 3/.test(await metrics.metrics()))
  t.match(await metrics.metrics(), /failures_total\{listener="fails"\} 3/)
  t.equal(control.health?.(), undefined)
})
