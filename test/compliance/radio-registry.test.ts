import { bssid } from '../../core/kernel/bssid.ts'
import { radioClass, radioId, wallet } from '../../core/kernel/ids.ts'
import { millis } from '../../core/kernel/units.ts'
import { createRadioDirectory } from '../../radio/registry/directory.ts'
import {
  addRadio,
  addRadios,
  banRadio,
  classifyRadio,
  listRadios,
  type NewRadio,
  unbanRadio,
} from '../../radio/registry/store.ts'
import { onEachEngine } from './engines.ts'

const OWNER = wallet('7EqQdEULxWcraVx3mXKFjc84LhCkMGZCkRuDpvcMwJeK')
const OTHER = wallet('TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA')
const now = millis(1_700_000_000_000n)
const later = (ms: number) => millis(now + BigInt(ms))

const claim = (id: string, over: Partial<NewRadio> = {}): NewRadio => ({
  radio: radioId(id),
  access: 'wifi',
  nasIdentifier: `ap-${id}`,
  owner: OWNER,
  ...over,
})

onEachEngine('a claim writes the row and its journal entry together', async (t, database) => {
  const store = await database.open()
  await addRadio(store, claim('r1', { calledStation: bssid('00-11-22-33-44-55'), payout: OTHER }), now)
  t.match(await store.db.selectFrom('radio').selectAll().execute(), [
    {
      radio_id: 'r1',
      access: 'wifi',
      nas_identifier: 'ap-r1',
      called_station: '001122334455',
      owner_wallet: OWNER,
      payout_wallet: OTHER,
      created_at: now,
    },
  ])
  t.match(await store.db.selectFrom('radio_event').selectAll().execute(), [
    { event_id: 1n, kind: 'claim', radio_id: 'r1', owner_wallet: OWNER, payout_wallet: OTHER, at: now },
  ])
})

onEachEngine('what stands in the way is named, and nothing is written', async (t, database) => {
  const store = await database.open()
  const first = claim('r1', { calledStation: bssid('00-11-22-33-44-55') })
  await addRadio(store, first, now)
  await t.rejects(addRadio(store, first, now), { code: 'RADIO_EXISTS', hint: /tallycell radio list/ })
  await t.rejects(addRadio(store, claim('r1', { owner: OTHER }), now), {
    code: 'RADIO_EXISTS',
    message: "a radio 'r1' is registered already",
  })
  await t.rejects(addRadio(store, claim('r2', { nasIdentifier: 'ap-r1' }), now), {
    code: 'RADIO_NAS_TAKEN',
    message: "the NAS-Identifier 'ap-r1' belongs to the radio 'r1'",
  })
  await t.rejects(addRadio(store, claim('r2', { calledStation: bssid('001122334455') }), now), {
    code: 'RADIO_BSSID_TAKEN',
    message: "the BSSID 00-11-22-33-44-55 belongs to the radio 'r1'",
  })
  await t.rejects(addRadio(store, claim('r2', { nasIdentifier: undefined }), now), { code: 'RADIO_UNRECOGNISABLE' })
  t.equal((await store.db.selectFrom('radio').selectAll().execute()).length, 1)
  t.equal((await store.db.selectFrom('radio_event').selectAll().execute()).length, 1)
  await addRadio(store, claim('cell-1', { access: 'nr', nasIdentifier: undefined }), now)
  await addRadio(store, claim('cell-2', { access: 'nr', nasIdentifier: undefined }), now)
})

onEachEngine('many at once: each stands or falls alone', async (t, database) => {
  const store = await database.open()
  const outcomes = await addRadios(store, [claim('r1'), claim('r1'), claim('r1', { owner: OTHER }), claim('r2')], now)
  t.match(outcomes, ['added', 'unchanged', { code: 'RADIO_EXISTS' }, 'added'])
})

onEachEngine('many at once: what they take from each other and from those before them', async (t, database) => {
  const store = await database.open()
  await addRadio(store, claim('r0', { calledStation: bssid('00-11-22-33-44-55') }), now)
  const outcomes = await addRadios(
    store,
    [
      claim('r1', { nasIdentifier: 'ap-r0' }),
      claim('r2', { calledStation: bssid('00-11-22-33-44-55') }),
      claim('r3', { nasIdentifier: undefined }),
      claim('r4'),
      claim('r5', { nasIdentifier: 'ap-r4' }),
      claim('r0', { calledStation: bssid('00-11-22-33-44-55') }),
      claim('r0', { calledStation: bssid('00-11-22-33-44-55'), radioClass: radioClass('indoor') }),
      claim('r6', { access: 'nr', nasIdentifier: undefined }),
    ],
    now,
  )
  t.match(outcomes, [
    { code: 'RADIO_NAS_TAKEN', context: { radio: 'r0' } },
    { code: 'RADIO_BSSID_TAKEN', context: { radio: 'r0' } },
    { code: 'RADIO_UNRECOGNISABLE' },
    'added',
    { code: 'RADIO_NAS_TAKEN', context: { radio: 'r4' } },
    'unchanged',
    { code: 'RADIO_EXISTS' },
    'added',
  ])
  const claims = await store.db.selectFrom('radio_event').select(['radio_id', 'kind']).orderBy('event_id').execute()
  t.same(
    claims.map(({ radio_id }) => radio_id),
    ['r0', 'r4', 'r6'],
  )
})

onEachEngine('a radio goes into another class, and every node learns of it', async (t, database) => {
  const [node, other] = [await database.open(), await database.open()]
  await addRadio(other, claim('r1', { radioClass: radioClass('indoor') }), now)
  const directory = createRadioDirectory(node, { minInterval: 0 })
  await directory.load()
  t.same(directory.byId(radioId('r1')), { radio: 'r1', access: 'wifi', class: 'indoor' })
  t.equal(await classifyRadio(other, radioId('r1'), radioClass('indoor'), now), false)
  t.equal(await classifyRadio(other, radioId('r1'), radioClass('cbrs-b'), now), true)
  await directory.refresh()
  t.equal(directory.byId(radioId('r1'))?.class, 'cbrs-b')
  t.equal(directory.byNasIdentifier('ap-r1')?.class, 'cbrs-b')
  t.equal(await classifyRadio(other, radioId('r1'), undefined, now), true)
  await directory.refresh()
  t.equal(directory.byId(radioId('r1'))?.class, undefined)
  t.match(await listRadios(node, { limit: 1 }, now), { radios: [{ radioClass: undefined }] })
  await t.rejects(classifyRadio(other, radioId('r2'), undefined, now), { code: 'RADIO_UNKNOWN' })
})

onEachEngine('two nodes that register the same radios at once register each once', async (t, database) => {
  const node = await database.open()
  const other = database.engine === 'sqlite' ? node : await database.open()
  const many = Array.from({ length: 100 }, (_, index) => claim(`r${index}`))
  const outcomes = await Promise.all([node, other].map((store) => addRadios(store, many, now)))
  for (const index of many.keys())
    t.same(outcomes.map((each) => each[index]).toSorted(), ['added', 'unchanged'], `r${index}`)
})

onEachEngine('bans are journalled, replaced, ended and run out', async (t, database) => {
  const store = await database.open()
  const r1 = radioId('r1')
  const ban = async (at = now) => (await listRadios(store, { limit: 1 }, at)).radios[0]?.ban
  await t.rejects(banRadio(store, r1, { reason: 'x', until: undefined }, now), { code: 'RADIO_UNKNOWN' })
  await t.rejects(unbanRadio(store, r1, undefined, now), { code: 'RADIO_UNKNOWN' })
  await addRadio(store, claim('r1'), now)
  await t.rejects(unbanRadio(store, r1, undefined, now), { code: 'RADIO_NOT_BANNED' })
  await t.rejects(banRadio(store, r1, { reason: 'x', until: now }, now), {
    code: 'BAN_ENDED',
    message: /in the future, got 2023-11-14T22:13:20/,
  })
  await banRadio(store, r1, { reason: 'not where it says', until: later(1000) }, now)
  t.same(await ban(), { reason: 'not where it says', until: later(1000) })
  t.equal(await ban(later(1000)), undefined)
  await banRadio(store, r1, { reason: 'again', until: undefined }, now)
  t.same(await ban(later(1e9)), { reason: 'again', until: undefined })
  await unbanRadio(store, r1, 'settled', now)
  t.equal(await ban(), undefined)
  const kinds = await store.db.selectFrom('radio_event').select(['kind', 'reason', 'expires_at']).execute()
  t.same(kinds, [
    { kind: 'claim', reason: null, expires_at: null },
    { kind: 'ban', reason: 'not where it says', expires_at: later(1000) },
    { kind: 'ban', reason: 'again', expires_at: null },
    { kind: 'unban', reason: 'settled', expires_at: null },
  ])
})

onEachEngine('a long list comes in pages', async (t, database) => {
  const store = await database.open()
  t.same(await listRadios(store, { limit: 2 }, now), { radios: [], more: false })
  await addRadios(store, [claim('c'), claim('a'), claim('b')], now)
  const first = await listRadios(store, { limit: 2 }, now)
  t.match(first, { radios: [{ radio: 'a' }, { radio: 'b' }], more: true })
  t.match(await listRadios(store, { limit: 2, after: 'b' }, now), { radios: [{ radio: 'c' }], more: false })
  t.match(await listRadios(store, { limit: 3 }, now), { more: false })
})

onEachEngine('the directory answers from memory and sees what another process adds', async (t, database) => {
  const [node, other] = [await database.open(), await database.open()]
  await addRadio(node, claim('r1', { calledStation: bssid('00-11-22-33-44-55') }), now)
  const directory = createRadioDirectory(node, { minInterval: 0 })
  t.equal(directory.byNasIdentifier('ap-r1'), undefined)
  await directory.load()
  t.same(directory.byNasIdentifier('ap-r1'), { radio: 'r1', access: 'wifi', class: undefined })
  t.same(directory.byCalledStation('001122334455'), { radio: 'r1', access: 'wifi', class: undefined })

  await addRadio(other, claim('r2'), now)
  await banRadio(other, radioId('r2'), { reason: 'x', until: undefined }, now)
  await addRadio(other, claim('r3', { nasIdentifier: undefined, calledStation: bssid('001122334456') }), now)
  t.equal(directory.byNasIdentifier('ap-r2'), undefined)
  await directory.refresh()
  t.same(directory.byNasIdentifier('ap-r2'), { radio: 'r2', access: 'wifi', class: undefined })
  t.same(directory.byCalledStation('001122334456'), { radio: 'r3', access: 'wifi', class: undefined })
  t.equal(directory.byNasIdentifier('constructor'), undefined)
})

onEachEngine('refreshing too often reads nothing; loading always does', async (t, database) => {
  const store = await database.open()
  const directory = createRadioDirectory(store, { minInterval: 3_600_000 })
  await directory.load()
  await addRadio(store, claim('r1'), now)
  await directory.refresh()
  t.equal(directory.byNasIdentifier('ap-r1'), undefined)
  const under = directory.load()
  await addRadio(store, claim('r2'), now)
  await Promise.all([under, directory.load()])
  t.ok(directory.byNasIdentifier('ap-r1'))
  t.ok(directory.byNasIdentifier('ap-r2'))
})

onEachEngine('two nodes that end one ban at once end it once', async (t, database) => {
  const node = await database.open()
  const other = database.engine === 'sqlite' ? node : await database.open()
  await addRadio(node, claim('r1'), now)
  await banRadio(node, radioId('r1'), { reason: 'x', until: undefined }, now)
  const ends = await Promise.allSettled([node, other].map((store) => unbanRadio(store, radioId('r1'), 'y', later(1))))
  t.same(ends.map(({ status }) => status).sort(), ['fulfilled', 'rejected'])
  t.match(
    ends.find(({ status }) => status === 'rejected'),
    { reason: { code: 'RADIO_NOT_BANNED' } },
  )
})
