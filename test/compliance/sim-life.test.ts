import t from 'tap'
import { diagram } from '../../core/kernel/fsm.ts'
import { iccid } from '../../core/kernel/iccid.ts'
import { imsi, payerId, planId, subscriberId } from '../../core/kernel/ids.ts'
import { createSubscriberDirectory } from '../../sim-provisioning/profiles/directory.ts'
import { type Msisdn, msisdn } from '../../sim-provisioning/profiles/msisdn.ts'
import {
  byHand,
  cancelPort,
  movePort,
  type PortAdapter,
  requestPort,
  submitPort,
} from '../../sim-provisioning/profiles/porting/porting.ts'
import { checkPin, listPorts } from '../../sim-provisioning/profiles/porting/store.ts'
import { addRange } from '../../sim-provisioning/profiles/ranges/store.ts'
import { mayAuthenticate, SIM_STATES, SIM_STEPS, stepSim } from '../../sim-provisioning/profiles/sim-machine.ts'
import { listEvents, needSim } from '../../sim-provisioning/profiles/sims/store.ts'
import { addSubscriber } from '../../sim-provisioning/profiles/store.ts'
import { SUBSCRIPTION_LIFE, SUBSCRIPTION_STATES } from '../../sim-provisioning/profiles/subscription-machine.ts'
import {
  activate,
  changeMsisdn,
  moveCard,
  moveSubscription,
  setLock,
  swapSim,
} from '../../sim-provisioning/profiles/subscriptions/life.ts'
import {
  listSubscriptions,
  lockSubscription,
  unsentNotices,
} from '../../sim-provisioning/profiles/subscriptions/store.ts'
import { onEachEngine } from './engines.ts'
import { ACME, act, csvOf, lifeDeps, NOW, testSim, testSims, testWorld, type World } from './sim-world.ts'

const ALICE = subscriberId('alice')
const BOB = subscriberId('bob')
const card = (n: number) => iccid(testSim(n).iccid)
const number = (n: number): Msisdn => msisdn(`+44740012345${n}`)

const open = (world: World, subscriber: typeof ALICE, n: number, over: object = {}) =>
  activate(world.store, { subscriber, tenant: ACME, plan: planId('flat'), iccid: card(n), ...over }, act)

const stateOf = async ({ store }: World, n: number): Promise<string> =>
  (await store.batch((sql) => needSim(sql, card(n)))).state

const noticesOf = async ({ store }: World): Promise<string[]> =>
  (await store.batch((sql) => unsentNotices(sql, 100))).map(({ subscriber_id, kind }) => `${subscriber_id} ${kind}`)

t.test('the life of a SIM: every state is reached, from every one but the last a way leads out', async (t) => {
  const reached = new Set(['staged', ...SIM_STEPS.map(({ to }) => to)])
  t.same([...reached].sort(), [...SIM_STATES].sort())
  t.same(
    SIM_STATES.filter((state) => !SIM_STEPS.some(({ from }) => from === state)),
    ['retired'],
  )
  t.same(SIM_STATES.filter(mayAuthenticate), ['active'])
  t.equal(stepSim('blocked', 'resume').legal, false)
  t.match(diagram(SIM_STEPS), /blocked --> suspended: unblock/)
})

t.test('the life of a subscription: every state is reached, and only a terminated one has no way on', async (t) => {
  t.same([...new Set(['active', ...SUBSCRIPTION_LIFE.map(({ to }) => to)])].sort(), [...SUBSCRIPTION_STATES].sort())
  t.same(
    SUBSCRIPTION_STATES.filter((state) => !SUBSCRIPTION_LIFE.some(({ from }) => from === state)),
    ['terminated'],
  )
  t.match(diagram(SUBSCRIPTION_LIFE), /suspended --> suspended: swap \/ assign, activate, suspend/)
})

onEachEngine('numbers that were given away or are only asked for cannot be taken', async (t, database) => {
  const world = testWorld(t, await database.open())
  const { store } = world
  await world.load(csvOf(testSims(3)))
  const zeta = { tenant: payerId('zeta'), kind: 'msisdn', mncDigits: undefined } as const
  await addRange(store, { ...zeta, first: '447400123450', last: '447400123451' }, NOW)
  await open(world, ALICE, 0, { msisdn: number(6) })
  await open(world, BOB, 1)
  const deps = { store, adapter: byHand }
  const coming = { direction: 'in', subscriber: BOB, partner: 'other' } as const
  await t.rejects(requestPort(deps, { ...coming, msisdn: number(6) }, act), { code: 'MSISDN_TAKEN' }, 'of alice')
  await t.rejects(requestPort(deps, { ...coming, msisdn: number(0) }, act), { code: 'RANGE_FOREIGN' }, 'of zeta')
  const port = await requestPort(deps, { ...coming, direction: 'out', subscriber: ALICE, msisdn: number(6) }, act)
  await t.rejects(moveSubscription(lifeDeps(store), ALICE, 'terminate', act), { code: 'PORT_OPEN' })
  await moveSubscription(lifeDeps(store), ALICE, 'cease', act)
  await movePort(store, port.portId, 'confirm', act)
  await movePort(store, port.portId, 'complete', act)
  await t.rejects(changeMsisdn(store, BOB, number(6), act), { code: 'MSISDN_TAKEN' }, 'another operator has it now')
  await moveSubscription(lifeDeps(store), ALICE, 'terminate', act)
  const foreign = { ...act, tenant: payerId('zeta') }
  await t.rejects(moveSubscription(lifeDeps(store), BOB, 'suspend', foreign), { code: 'SUBSCRIPTION_UNKNOWN' })
  await t.rejects(moveCard(lifeDeps(store), card(1), 'suspend', foreign), { code: 'SIM_UNKNOWN' })
  await t.rejects(movePort(store, port.portId, 'cancel', foreign), { code: 'PORT_UNKNOWN' })
  const failing: PortAdapter = { submit: () => Promise.reject(new Error('line is down')), cancel: async () => {} }
  await t.rejects(requestPort({ store, adapter: failing }, { ...coming, msisdn: number(7) }, act), /line is down/)
  const [kept] = (await store.batch((sql) => listPorts(sql, { limit: 9, open: true }))).ports
  t.match(kept, { state: 'requested', subscriber: BOB })
  t.match(await submitPort(deps, kept?.portId ?? 0n, undefined, act), { state: 'submitted' })
})

onEachEngine(
  'a subscriber that was registered by its IMSI alone is suspended like any other, and gets its SIM later',
  async (t, database) => {
    const world = testWorld(t, await database.open())
    const { store } = world
    await world.load(csvOf(testSims(2)))
    await addSubscriber(store, { subscriber: ALICE, imsi: imsi('001019999999999'), payer: ACME }, NOW)
    await addSubscriber(store, { subscriber: BOB, imsi: imsi(testSim(1).imsi), payer: ACME }, NOW)
    await moveSubscription(lifeDeps(store), ALICE, 'suspend', { ...act, cause: 'unpaid' })
    await t.rejects(moveSubscription(lifeDeps(store), ALICE, 'suspend', act), {
      code: 'SIM_STEP',
      message: 'alice is suspended: it cannot suspend',
      hint: /resume \(tallycell subscriber resume alice\)/,
    })
    await swapSim(store, ALICE, card(0), act)
    t.equal(await stateOf(world, 0), 'suspended')
    await moveSubscription(lifeDeps(store), ALICE, 'resume', act)
    t.equal(await stateOf(world, 0), 'active')
    await open(world, BOB, 1)
    await t.rejects(moveSubscription(lifeDeps(store), subscriberId('nobody'), 'suspend', act), {
      code: 'SUBSCRIPTION_UNKNOWN',
    })
    const { subscriptions } = await store.batch((sql) => listSubscriptions(sql, { limit: 9, tenant: 'acme' }))
    t.match(subscriptions, [
      { subscriber: ALICE, state: 'active', iccid: card(0) },
      { subscriber: BOB, iccid: card(1) },
    ])
    const events = await store.batch((sql) => listEvents(sql, 'subscriber:alice', 9))
    t.match(events.at(-1), { kind: 'suspend', from: 'active', to: 'suspended', actor: 'alice', cause: 'unpaid' })
  },
)

onEachEngine('a SIM and its subscription go together', async (t, database) => {
  const world = testWorld(t, await database.open())
  await world.load(csvOf(testSims(3)))
  await open(world, ALICE, 0, { msisdn: number(6) })
  await t.rejects(open(world, BOB, 0), { code: 'SIM_STEP', hint: /suspend/ })
  await t.rejects(open(world, ALICE, 1), { code: 'SUBSCRIBER_EXISTS' })
  await t.rejects(open(world, BOB, 1, { msisdn: number(6) }), { code: 'MSISDN_TAKEN' })
  await t.rejects(open(world, BOB, 1, { tenant: 'zeta' }), { code: 'SIM_UNKNOWN' }, 'another tenant sees no SIM')
  t.equal(await stateOf(world, 1), 'inStock', 'what failed changed nothing')
  await moveCard(lifeDeps(world.store), card(0), 'suspend', { ...act, reason: 'unpaid' })
  await t.rejects(moveCard(lifeDeps(world.store), card(0), 'suspend', act), { code: 'SIM_STEP' })
  t.match(await world.store.batch((sql) => lockSubscription(sql, ALICE)), { state: 'suspended', reason: 'unpaid' })
  await moveCard(lifeDeps(world.store), card(0), 'resume', act)
  t.equal(await stateOf(world, 0), 'active')
  await moveCard(lifeDeps(world.store), card(0), 'retire', act)
  t.match(await world.store.batch((sql) => lockSubscription(sql, ALICE)), { state: 'ceased' })
  await moveCard(lifeDeps(world.store), card(2), 'retire', act)
  const events = await world.store.batch((sql) => listEvents(sql, `iccid:${card(0)}`, 10))
  t.same(events.map(({ kind, to, actor }) => `${kind} ${to} ${actor}`).reverse(), [
    'assign assigned alice',
    'activate active alice',
    'suspend suspended alice',
    'resume active alice',
    'retire retired alice',
  ])
})

onEachEngine('a SIM swap: found by the directories, stopped by the lock, told in any case', async (t, database) => {
  const world = testWorld(t, await database.open())
  const { store } = world
  await world.load(csvOf(testSims(4)))
  await open(world, ALICE, 0)
  const directory = createSubscriberDirectory(store, { minInterval: 0 })
  await directory.load()
  t.equal(directory.byImsi(imsi(testSim(0).imsi))?.subscriber, ALICE)
  await setLock(store, ALICE, 'sim-swap', true, act)
  await t.rejects(swapSim(store, ALICE, card(1), { ...act, actor: 'mallory' }), { code: 'SUBSCRIPTION_LOCKED' })
  t.equal(await stateOf(world, 1), 'inStock')
  await setLock(store, ALICE, 'sim-swap', false, act)
  await swapSim(store, ALICE, card(1), act)
  t.same([await stateOf(world, 0), await stateOf(world, 1)], ['retired', 'active'])
  await directory.refresh()
  t.equal(directory.byImsi(imsi(testSim(0).imsi)), undefined)
  t.equal(directory.byImsi(imsi(testSim(1).imsi))?.subscriber, ALICE)
  t.equal(directory.imsiOf(ALICE), testSim(1).imsi)
  t.same(await noticesOf(world), [
    'alice sim-swap-locked',
    'alice sim-swap-refused',
    'alice sim-swap-unlocked',
    'alice sim-changed',
  ])
  await t.rejects(swapSim(store, ALICE, card(0), act), { code: 'SIM_STEP' }, 'a retired SIM does not come back')
  await t.rejects(swapSim(store, BOB, card(2), act), { code: 'SUBSCRIPTION_UNKNOWN' })
})

onEachEngine('numbers change and are ported, unless they are locked', async (t, database) => {
  const world = testWorld(t, await database.open())
  const { store } = world
  await world.load(csvOf(testSims(3)))
  await addRange(
    store,
    { tenant: ACME, kind: 'msisdn', first: '447400123450', last: '447400123458', mncDigits: undefined },
    NOW,
  )
  await open(world, ALICE, 0, { msisdn: number(6) })
  await open(world, BOB, 1, { msisdn: number(7) })
  await t.rejects(changeMsisdn(store, ALICE, number(7), act), { code: 'MSISDN_TAKEN' })
  await t.rejects(changeMsisdn(store, ALICE, number(9), act), { code: 'RANGE_FOREIGN' })
  await changeMsisdn(store, ALICE, number(5), act)

  const submitted: string[] = []
  const adapter: PortAdapter = {
    submit: async ({ msisdn: moved }, pin) => {
      submitted.push(`${moved} ${pin}`)
      return { reference: 'r1' }
    },
    cancel: async ({ reference }) => {
      submitted.push(`cancel ${reference}`)
    },
  }
  const out = { direction: 'out', msisdn: number(5), subscriber: ALICE, partner: 'other' } as const
  await setLock(store, ALICE, 'port', true, act)
  await t.rejects(requestPort({ store, adapter: adapter }, out, act), { code: 'SUBSCRIPTION_LOCKED' })
  t.same(submitted, [])
  await setLock(store, ALICE, 'port', false, act)
  await t.rejects(
    requestPort({ store, adapter: adapter }, { ...out, msisdn: number(7) }, act),
    { code: 'MSISDN_TAKEN' },
    'of somebody else',
  )
  const port = await requestPort({ store, adapter: adapter }, { ...out, pin: '4711' }, act)
  t.match(port, { state: 'submitted', reference: 'r1' })
  await t.rejects(requestPort({ store, adapter: adapter }, out, act), { code: 'MSISDN_TAKEN' }, 'twice at once')
  await movePort(store, port.portId, 'confirm', act)
  await t.rejects(cancelPort({ store, adapter: adapter }, port.portId, act), {
    code: 'SIM_STEP',
    hint: `from here it can: complete (tallycell port complete ${port.portId})`,
  })
  await movePort(store, port.portId, 'complete', act)
  t.equal((await store.batch((sql) => lockSubscription(sql, ALICE))).msisdn, null)

  const coming = await requestPort(
    { store, adapter: byHand },
    { ...out, direction: 'in', msisdn: number(9), pin: '4711' },
    act,
  )
  t.equal(coming.reference, `by hand ${coming.portId}`)
  await movePort(store, coming.portId, 'confirm', act)
  await movePort(store, coming.portId, 'complete', act)
  t.equal((await store.batch((sql) => lockSubscription(sql, ALICE))).msisdn, number(9))
  const third = await requestPort({ store, adapter: adapter }, { ...out, msisdn: number(9) }, act)
  await cancelPort({ store, adapter: adapter }, third.portId, act)
  t.same(submitted, [`${number(5)} 4711`, `${number(9)} undefined`, 'cancel r1'])
  t.same(
    (await store.batch((sql) => listPorts(sql, { limit: 10 }))).ports.map(({ state }) => state),
    ['completed', 'completed', 'cancelled'],
  )
  const rows = await store.batch((sql) =>
    sql.rows<{ pin_hash: string | null }>('select pin_hash from number_port order by port_id'),
  )
  t.ok(checkPin('4711', rows[0]?.pin_hash ?? ''))
  t.notOk(checkPin('4712', rows[0]?.pin_hash ?? ''))
  t.notMatch(JSON.stringify(rows), /4711/)
  t.match(await noticesOf(world), [
    'alice number-changed',
    'alice port-locked',
    'alice port-out-refused',
    'alice port-unlocked',
    'alice port-out-requested',
    'alice ported-out',
    'alice ported-in',
    'alice port-out-requested',
  ])
  await t.rejects(movePort(store, 99n, 'confirm', act), { code: 'PORT_UNKNOWN' })
})
