import t from 'tap'
import { imsi, payerId, planId, subscriberId } from '../../core/kernel/ids.ts'
import { millis } from '../../core/kernel/units.ts'
import { createSubscriberDirectory } from '../../sim-provisioning/profiles/directory.ts'
import {
  addSubscriber,
  addSubscribers,
  changePlan,
  listSubscribers,
  maskImsi,
  type NewSubscriber,
} from '../../sim-provisioning/profiles/store.ts'
import { onEachEngine } from './engines.ts'

const now = millis(1_700_000_000_000n)

const sim = (id: string, digits: string, over: Partial<NewSubscriber> = {}): NewSubscriber => ({
  subscriber: subscriberId(id),
  imsi: imsi(digits),
  payer: payerId('default'),
  plan: planId('flat'),
  ...over,
})

onEachEngine('what stands in the way is named, the IMSI masked', async (t, database) => {
  const store = await database.open()
  await addSubscriber(store, sim('alice', '001010000000001'), now)
  await t.rejects(addSubscriber(store, sim('alice', '001010000000001'), now), { code: 'SUBSCRIBER_EXISTS' })
  await t.rejects(addSubscriber(store, sim('alice', '001010000000002'), now), {
    code: 'SUBSCRIBER_EXISTS',
    message: "a subscriber 'alice' is registered already",
  })
  await t.rejects(addSubscriber(store, sim('bob', '001010000000001'), now), {
    code: 'IMSI_TAKEN',
    message: "the IMSI 00101········01 belongs to the subscriber 'alice'",
  })
  t.equal((await store.db.selectFrom('subscriber').selectAll().execute()).length, 1)
})

onEachEngine('many at once: each stands or falls alone', async (t, database) => {
  const store = await database.open()
  const outcomes = await addSubscribers(
    store,
    [
      sim('a', '001010000000001'),
      sim('a', '001010000000001'),
      sim('a', '001010000000001', { plan: planId('gold') }),
      sim('b', '001010000000001'),
      sim('c', '001010000000003'),
    ],
    now,
  )
  t.match(outcomes, ['added', 'unchanged', { code: 'SUBSCRIBER_EXISTS' }, { code: 'IMSI_TAKEN' }, 'added'])
})

onEachEngine('payer and plan have defaults', async (t, database) => {
  const store = await database.open()
  await addSubscriber(store, { subscriber: subscriberId('a'), imsi: imsi('001010000000001') }, now)
  t.match((await listSubscribers(store, { limit: 1 })).subscribers, [{ payer: 'default', plan: 'flat' }])
})

t.test('a mask leaves country and network, and two digits where enough stay hidden', async (t) => {
  t.equal(maskImsi('001010123456789'), '00101········89')
  t.equal(maskImsi('0010101234'), '00101···34')
  t.equal(maskImsi('001010123'), '00101····')
  t.equal(maskImsi('001011'), '00101·')
})

onEachEngine('a long list comes in pages, without IMSIs', async (t, database) => {
  const store = await database.open()
  t.same(await listSubscribers(store, { limit: 2 }), { subscribers: [], more: false })
  await addSubscribers(
    store,
    [sim('c', '001010000000003'), sim('a', '001010000000001'), sim('b', '001010000000002')],
    now,
  )
  const first = await listSubscribers(store, { limit: 2 })
  t.match(first, { subscribers: [{ subscriber: 'a', imsi: '00101········01' }, { subscriber: 'b' }], more: true })
  t.match(await listSubscribers(store, { limit: 2, after: 'b' }), { subscribers: [{ subscriber: 'c' }], more: false })
  t.notMatch(
    JSON.stringify(first, (_key, value) => String(value)),
    /0010100000/,
  )
})

onEachEngine('the directory answers from memory and sees what another process adds', async (t, database) => {
  const [node, other] = [await database.open(), await database.open()]
  await addSubscriber(node, sim('alice', '001010000000001'), now)
  const directory = createSubscriberDirectory(node, { minInterval: 0 })
  await directory.load()
  const alice = { subscriber: 'alice', payer: 'default', plan: 'flat' }
  t.same(directory.byImsi(imsi('001010000000001')), alice)
  t.same(directory.byId(subscriberId('alice')), alice)
  t.equal(directory.imsiOf(subscriberId('alice')), '001010000000001')

  await addSubscriber(other, sim('bob', '001010000000002', { payer: payerId('acme') }), now)
  t.equal(directory.byId(subscriberId('bob')), undefined)
  await directory.refresh()
  t.same(directory.byImsi(imsi('001010000000002')), { subscriber: 'bob', payer: 'acme', plan: 'flat' })
  t.equal(directory.imsiOf(subscriberId('nobody')), undefined)
})

onEachEngine('another plan reaches every reader of the list', async (t, database) => {
  const [node, other] = [await database.open(), await database.open()]
  await addSubscriber(node, sim('alice', '001010000000001', { payer: payerId('acme') }), now)
  const directory = createSubscriberDirectory(node, { minInterval: 0 })
  await directory.load()
  t.equal(await changePlan(other, subscriberId('alice'), planId('data-m')), true)
  t.equal(await changePlan(other, subscriberId('alice'), planId('data-m')), false)
  await directory.refresh()
  const alice = { subscriber: 'alice', payer: 'acme', plan: 'data-m' }
  t.same(directory.byId(subscriberId('alice')), alice)
  t.same(directory.byImsi(imsi('001010000000001')), alice)
  t.equal((await node.db.selectFrom('subscriber').selectAll().execute()).length, 1)
  await t.rejects(changePlan(node, subscriberId('nobody'), planId('flat')), { code: 'SUBSCRIBER_UNKNOWN' })
})

onEachEngine('more subscribers than one read takes', async (t, database) => {
  const store = await database.open()
  const many = Array.from({ length: 25_000 }, (_, n) => sim(`s${n}`, String(1_010_000_000_000 + n).padStart(15, '0')))
  await addSubscribers(store, many, now)
  const directory = createSubscriberDirectory(store)
  await directory.load()
  for (const { subscriber, imsi } of many) if (directory.byImsi(imsi)?.subscriber !== subscriber) t.fail(subscriber)
  t.equal(directory.imsiOf(subscriberId('s24999')), many[24_999]?.imsi)
})
