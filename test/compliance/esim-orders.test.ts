// Orders against an SM-DP+ over mutual TLS: the whole life, every refusal, and every way in which an answer can fail to come.
import { payerId } from '../../core/kernel/ids.ts'
import { millis } from '../../core/kernel/units.ts'
import type { Store } from '../../core/store/store.ts'
import { parseActivationCode } from '../../sim-provisioning/esim/activation-code.ts'
import {
  activationCode,
  cancelOrder,
  confirmOrder,
  findOrder,
  orderProfile,
  releaseOrder,
} from '../../sim-provisioning/esim/orders.ts'
import { takeProgress } from '../../sim-provisioning/esim/progress.ts'
import { subjectOf } from '../../sim-provisioning/esim/store.ts'
import { listEvents, needSim } from '../../sim-provisioning/profiles/sims/store.ts'
import { onEachEngine } from './engines.ts'
import { EID, esimWorld, iccidOf, SMDP_ADDRESS } from './esim-world.ts'
import { ACME, act, NOW } from './sim-world.ts'

const LATER = { actor: 'SM-DP+', now: millis(NOW + 1000n) }
const POINTS = { 6: 'enable', 7: 'disable', 8: 'delete' } as const
const report = (
  iccid: string,
  point: number | string,
  more: Record<string, unknown> = {},
): Record<string, unknown> => ({
  header: { functionRequesterIdentifier: 'smdp', functionCallIdentifier: `call ${point}` },
  iccid: iccid.padEnd(20, 'F'),
  profileType: 'data',
  timestamp: '2026-11-21T10:00:00Z',
  notificationPointId: point,
  notificationPointStatus: { status: 'Executed-Success' },
  ...more,
})
const history = async (store: Store, orderId: string): Promise<string[]> =>
  (await store.batch((sql) => listEvents(sql, subjectOf(orderId), 100)))
    .map(({ kind, to }) => `${kind} ${to}`)
    .reverse()

onEachEngine('from stock to a phone and off it', async (t, database) => {
  const store = await database.open()
  const { smdp, deps } = await esimWorld(t, store)
  const iccid = iccidOf(1)
  const made = await orderProfile(deps, { tenant: ACME, iccid }, act)
  t.match(made, { state: 'allocated', iccid, tenant: ACME })
  t.throws(() => activationCode(made), { code: 'ESIM_NO_CODE' })
  const released = await confirmOrder(deps, made.orderId, { confirmationCode: '4711', release: true }, act)
  t.equal(released.state, 'released')
  const code = parseActivationCode(activationCode(released))
  t.match(code, { smdpAddress: SMDP_ADDRESS, confirmationCode: true })
  t.match(smdp.profiles.get(iccid), { state: 'Released', matchingId: code.matchingId, confirmationCode: '4711' })

  const take = (point: number | string, more = {}) => takeProgress(store, POINTS, report(iccid, point, more), LATER)
  t.equal(await take(1), 'noted')
  t.equal(await take('3', { eid: EID }), 'moved', 'a number as text')
  t.equal(await take(3), 'stale', 'told twice')
  t.equal(await take(4), 'moved')
  t.equal((await store.batch((sql) => needSim(sql, iccid))).eid, EID)
  for (const point of [6, 7, 6, 8]) t.equal(await take(point), 'moved')
  t.equal(await take(6), 'unknown', 'no order holds it any more')
  t.same(await history(store, made.orderId), [
    'order available',
    'allocate allocated',
    'confirmAndRelease released',
    'report released',
    'download downloaded',
    'install installed',
    'enable enabled',
    'disable disabled',
    'enable enabled',
    'delete deleted',
  ])
  t.notMatch(
    JSON.stringify(await store.batch((sql) => sql.rows('select * from esim_order')), (_k, v) => String(v)),
    '4711',
  )
  await t.rejects(cancelOrder(deps, made.orderId, 'Available', act), { code: 'SIM_STEP' })
  for (const { headers, body } of smdp.requests) {
    t.equal(headers['x-admin-protocol'], 'gsma/rsp/v2.5.0')
    t.match(body.header, { functionCallIdentifier: /^[0-9a-f-]{36}$/ })
  }
})

onEachEngine('for a known phone, released later, called off', async (t, database) => {
  const store = await database.open()
  const { smdp, deps } = await esimWorld(t, store)
  const linked = await orderProfile(deps, { tenant: ACME, profileType: 'data', eid: EID }, act)
  t.match(linked, { state: 'linked', iccid: iccidOf(0) })
  const { orderId } = linked
  await t.rejects(releaseOrder(deps, orderId, act), { code: 'SIM_STEP' })
  t.equal((await confirmOrder(deps, orderId, { release: false }, act)).state, 'confirmed')
  const [, confirmed] = smdp.requests
  t.notOk(Object.hasOwn(confirmed?.body ?? {}, 'confirmationCode'))
  t.equal((await releaseOrder(deps, orderId, act)).state, 'released')
  t.equal((await cancelOrder(deps, orderId, 'Available', act)).state, 'cancelled')
  t.match(smdp.profiles.get(iccidOf(0)), { state: 'Available' })
  await t.rejects(cancelOrder(deps, orderId, 'Available', act), { code: 'SIM_STEP' })
  t.throws(() => activationCode({ ...linked, state: 'cancelled', matchingId: 'X', smdpAddress: 'x' }), {
    code: 'ESIM_NO_CODE',
  })
  t.equal((await orderProfile(deps, { tenant: ACME, iccid: iccidOf(0) }, act)).state, 'allocated', 'free again')
})

onEachEngine('what the SM-DP+ refuses is said in words, and can be put right', async (t, database) => {
  const store = await database.open()
  const { deps, smdp, withClient } = await esimWorld(t, store)
  const refused = (pair: string) => ({
    code: 'ESIM_REFUSED',
    context: { subject: pair.split(' ')[0] ?? '', reason: pair.split(' ')[1] ?? '' },
  })
  await t.rejects(orderProfile(deps, { tenant: ACME, iccid: iccidOf(9) }, act), refused('8.2.1 3.9'))
  await t.rejects(orderProfile(deps, { tenant: ACME, profileType: 'voice' }, act), refused('8.2.5 3.7'))
  await t.rejects(
    orderProfile(deps, { tenant: ACME, iccid: iccidOf(8), profileType: 'voice' }, act),
    refused('8.2.5 3.8'),
  )
  await t.rejects(orderProfile(withClient({ requesterId: 'else' }), { tenant: ACME, iccid: iccidOf(7) }, act), {
    message: /function requester: unknown, not identified/,
  })
  await t.rejects(orderProfile(deps, { tenant: payerId('rival'), iccid: iccidOf(1) }, act), { code: 'SIM_UNKNOWN' })
  await t.rejects(orderProfile(deps, { tenant: ACME }, act), { code: 'ID_INVALID' })
  await t.rejects(orderProfile(deps, { tenant: ACME, iccid: iccidOf(1), eid: '123' }, act), { code: 'ID_INVALID' })
  const { orderId } = await orderProfile(deps, { tenant: ACME, iccid: iccidOf(1) }, act)
  await t.rejects(orderProfile(deps, { tenant: ACME, iccid: iccidOf(1) }, act), { code: 'ESIM_ORDER_OPEN' })
  await t.rejects(findOrder(store, orderId, 'rival'), { code: 'ESIM_ORDER_UNKNOWN' })
  await t.rejects(findOrder(store, 'none'), { code: 'ESIM_ORDER_UNKNOWN' })
  t.equal((await findOrder(store, iccidOf(1), ACME)).orderId, orderId)
  smdp.fail('expired')
  await t.rejects(confirmOrder(deps, orderId, { release: true }, act), { code: 'ESIM_REFUSED' })
  t.match(await findOrder(store, orderId), { state: 'allocated', pending: undefined })
  // The SIM of a refused order can be ordered again: its order is gone on with.
  const again = await findOrder(store, iccidOf(9))
  await t.rejects(orderProfile(deps, { tenant: ACME, iccid: iccidOf(9) }, act), refused('8.2.1 3.9'))
  t.equal((await findOrder(store, iccidOf(9))).orderId, again.orderId)
  t.equal((await cancelOrder(deps, again.orderId, 'Unavailable', act)).state, 'cancelled', 'of which nobody else knows')
})

onEachEngine('answers that do not come, or not as they should', async (t, database) => {
  const store = await database.open()
  const { smdp, deps, withClient, files } = await esimWorld(t, store)
  const count = (name: string): number => smdp.requests.filter((one) => one.name === name).length

  // An answer is lost, the client asks again by itself, and the profile is taken once.
  smdp.fail('carry out and cut')
  const { orderId } = await orderProfile(deps, { tenant: ACME, iccid: iccidOf(1) }, act)
  t.equal(count('downloadOrder'), 2)
  smdp.fail('status 503', 'carry out and cut')
  const confirmed = await confirmOrder(deps, orderId, { release: false }, act)
  t.equal(smdp.profiles.get(iccidOf(1))?.matchingId, confirmed.matchingId, 'the matching id is the first one')
  smdp.fail('carry out and cut')
  t.equal((await releaseOrder(deps, orderId, act)).state, 'released')

  // All tries are lost: the order says what it waits for, and the same question goes on with it.
  const impatient = withClient({ timeout: 150 })
  smdp.fail('silent', 'silent', 'silent')
  await t.rejects(orderProfile(impatient, { tenant: ACME, iccid: iccidOf(2) }, act), {
    code: 'ESIM_UNANSWERED',
    message: /it took too long/,
  })
  const waiting = await findOrder(store, iccidOf(2))
  t.match(waiting, { state: 'available', pending: 'downloadOrder', pendingUntil: 0n })
  await t.rejects(confirmOrder(deps, waiting.orderId, { release: true }, act), { code: 'ESIM_ORDER_BUSY' })
  t.match(await orderProfile(deps, { tenant: ACME, iccid: iccidOf(2) }, act), {
    state: 'allocated',
    orderId: waiting.orderId,
  })

  // Any profile of a type: never asked twice by itself.
  const before = count('downloadOrder')
  smdp.fail('carry out and cut')
  await t.rejects(orderProfile(deps, { tenant: ACME, profileType: 'data' }, act), { code: 'ESIM_UNANSWERED' })
  t.equal(count('downloadOrder'), before + 1)

  for (const fault of ['no JSON', 'no header', 'wrong status word', 'flood', 'status 404'] as const) {
    // What is too long is not read to its end, and asked for again.
    const flood = fault === 'flood'
    smdp.fail(...(flood ? [fault, fault, fault] : [fault]))
    const iccid = iccidOf(3)
    const code = flood ? 'ESIM_UNANSWERED' : 'ESIM_ANSWER_INVALID'
    await t.rejects(orderProfile(deps, { tenant: ACME, iccid }, act), { code }, fault)
    const found = await orderProfile(deps, { tenant: ACME, iccid }, act)
    t.match(found, { state: 'allocated', iccid, pending: undefined }, `${fault}, and asked again`)
    t.equal((await cancelOrder(deps, found.orderId, 'Available', act)).state, 'cancelled')
  }

  smdp.fail('warning')
  const warned = await orderProfile(deps, { tenant: ACME, iccid: iccidOf(4) }, act)
  const events = await store.batch((sql) => listEvents(sql, subjectOf(warned.orderId), 1))
  t.match(events, [{ reason: /the SM-DP\+ warns: the metadata of the profile are not valid/ }])

  const strange = withClient({ as: files.stranger })
  // In TLS 1.3 the client cannot tell a certificate that is not taken from a connection that is cut.
  await t.rejects(orderProfile(strange, { tenant: ACME, iccid: iccidOf(5) }, act), { code: /^ESIM_UN/ })
  t.equal(smdp.profiles.get(iccidOf(5))?.state, 'Available')
  const nobody = withClient({ url: 'https://localhost:1' })
  await t.rejects(orderProfile(nobody, { tenant: ACME, iccid: iccidOf(6) }, act), { code: 'ESIM_UNREACHABLE' })
  t.match(await findOrder(store, iccidOf(6)), { state: 'available', pending: undefined })
})

onEachEngine('two who ask at once, and a program that died asking', async (t, database) => {
  const store = await database.open()
  const { deps, smdp } = await esimWorld(t, store)
  const { orderId } = await orderProfile(deps, { tenant: ACME, iccid: iccidOf(1) }, act)
  const both = await Promise.allSettled([1, 2].map(() => confirmOrder(deps, orderId, { release: true }, act)))
  t.same(both.map(({ status }) => status).sort(), ['fulfilled', 'rejected'])
  t.equal(smdp.requests.filter(({ name }) => name === 'confirmOrder').length, 1)

  const second = await orderProfile(deps, { tenant: ACME, iccid: iccidOf(2) }, act)
  await store.batch((sql) =>
    sql.run(
      "update esim_order set pending = 'confirmOrder', pending_until = ? where order_id = ?",
      NOW + 5n,
      second.orderId,
    ),
  )
  await t.rejects(confirmOrder(deps, second.orderId, { release: true }, act), { code: 'ESIM_ORDER_BUSY' })
  const later = { ...act, now: millis(NOW + 6n) }
  t.equal((await confirmOrder(deps, second.orderId, { release: true }, later)).state, 'released')
})

onEachEngine('reports that are none, and tries that ran out', async (t, database) => {
  const store = await database.open()
  const { deps } = await esimWorld(t, store)
  const { orderId } = await orderProfile(deps, { tenant: ACME, iccid: iccidOf(1) }, act)
  await confirmOrder(deps, orderId, { release: true }, act)
  const good = report(iccidOf(1), 3)
  for (const bad of [
    undefined,
    [],
    'text',
    { ...good, iccid: '12' },
    { ...good, header: {} },
    { ...good, notificationPointId: -1 },
    { ...good, notificationPointId: '3; drop table' },
    { ...good, notificationPointStatus: { status: 'Fine' } },
    { ...good, eid: 'x' },
  ])
    await t.rejects(takeProgress(store, POINTS, bad, LATER), { code: 'HTTP_REQUEST_INVALID' })
  t.equal(await takeProgress(store, POINTS, report(iccidOf(6), 3), LATER), 'unknown')
  t.equal(await takeProgress(store, POINTS, report(iccidOf(1), 99), LATER), 'noted')
  const failed = (subjectCode: string, reasonCode: string) => ({
    notificationPointStatus: { status: 'Failed', statusCodeData: { subjectCode, reasonCode } },
  })
  t.equal(await takeProgress(store, POINTS, report(iccidOf(1), 2, failed('8.2.7', '6.1')), LATER), 'noted')
  t.equal(await takeProgress(store, POINTS, report(iccidOf(1), 2, failed('8.2.7', '6.4')), LATER), 'moved')
  t.equal((await findOrder(store, orderId)).state, 'error')
  t.match(await store.batch((sql) => listEvents(sql, subjectOf(orderId), 1)), [
    { kind: 'fail', reason: 'confirmation code: Failed, a wrong confirmation code was typed too often' },
  ])
  t.equal((await cancelOrder(deps, orderId, 'Unavailable', act)).state, 'cancelled')
})
