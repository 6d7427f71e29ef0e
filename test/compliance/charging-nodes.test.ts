// Several nodes on one database: each books what it earned on accounts of its own, and the class of a radio counts on all of them.

import { createCharging } from '../../billing/charging/charging.ts'
import { payerId, radioClass, radioId, wallet } from '../../core/kernel/ids.ts'
import { microtokens, millis } from '../../core/kernel/units.ts'
import { createRadioDirectory } from '../../radio/registry/directory.ts'
import { addRadios } from '../../radio/registry/store.ts'
import {
  accounts,
  engine,
  faults,
  giveMoney,
  meter,
  NOON,
  openWorld,
  PLAN,
  rateAll,
  request,
  subscribers,
} from './charging-world.ts'
import { onEachEngine } from './engines.ts'

onEachEngine("what two nodes earn stands on two accounts, and is the tenant's together", async (t, database) => {
  const { store } = await openWorld(database)
  const other = database.engine === 'sqlite' ? store : await database.open()
  await giveMoney(store, 'alice-data', 9_000_000n)
  const nodes = { east: engine(store, { node: 'east' }), west: engine(other, { node: 'west' }) }
  for (const [session, charging] of Object.entries(nodes)) {
    await charging.open(request({ session, number: 0n }))
    await charging.close(request({ session, number: 1n, octets: 1_000_000n, wanted: false }))
  }
  await meter(store, [{ subscriber: 'alice-data', octets: 500_000n }])
  await rateAll(other, { node: 'west' })
  t.same(await accounts(store), {
    'payer:mvno:income:east:EUR': 2_000_000n,
    'payer:mvno:income:west:EUR': 3_000_000n,
    'payer:mvno:received:EUR': 9_000_000n,
    'subscriber:alice-data:money:EUR': 4_000_000n,
  })
  t.same(await faults(store), [])
})

onEachEngine('a tariff by radio class, with a reservation and after the fact', async (t, database) => {
  const indoors = { name: 'indoors', when: { radioClasses: ['indoor'] }, price: { octets: 500_000 } }
  const { store } = await openWorld(database, [{ ...PLAN, tariffs: [indoors, ...PLAN.tariffs] }])
  await giveMoney(store, 'alice-data', 100_000_000n)
  const owner = wallet('7EqQdEULxWcraVx3mXKFjc84LhCkMGZCkRuDpvcMwJeK')
  const [hall, yard] = [radioId('hall'), radioId('yard')]
  await addRadios(
    store,
    [
      { radio: hall, access: 'lte', radioClass: radioClass('indoor'), owner },
      { radio: yard, access: 'lte', radioClass: radioClass('outdoor'), owner },
    ],
    millis(NOON),
  )
  const radios = createRadioDirectory(store)
  await radios.load()
  const charging = createCharging(
    { store, subscribers, radioClass: (radio) => radios.byId(radio)?.class },
    { price: microtokens(2000n) },
  )
  const income = async () => (await accounts(store))[`payer:${payerId('mvno')}:income:n1:EUR`] ?? 0n
  for (const [radio, price] of [
    [hall, 500_000n],
    [yard, 2_000_000n],
  ] as const) {
    const at = { access: 'lte', radio, visitedPlmn: undefined } as const
    const before = await income()
    await charging.open({ ...request({ session: radio, number: 0n }), context: at })
    const last = request({ session: radio, number: 1n, octets: 1_000_000n, wanted: false })
    await charging.close({ ...last, context: at })
    t.equal((await income()) - before, price, `${radio}, reserved`)
    await meter(store, [{ subscriber: 'alice-data', octets: 1_000_000n, radio }])
    await rateAll(store, { radios })
    t.equal((await income()) - before, 2n * price, `${radio}, after the fact`)
  }
  t.same(await faults(store), [])
})
