// A tariff by radio class, by the real program: two access points of different classes, one phone, two prices, on the node's own accounts.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import Database from 'better-sqlite3'
import t from 'tap'
import { createNas } from '../../deploy/demo/nas.ts'
import { createTestNode } from '../emulators/node.ts'

const OWNER = '7EqQdEULxWcraVx3mXKFjc84LhCkMGZCkRuDpvcMwJeK'
const SECRET = 'x'
const IMSI = '001010000000001'
const PLAN = {
  tenant: 'default',
  id: 'classes',
  version: 1,
  name: 'By radio class',
  kind: 'prepaid',
  tariffs: [
    { name: 'indoors', when: { radioClasses: ['indoor'] }, price: { octets: 500_000 } },
    { name: 'elsewhere', price: { octets: 2_000_000 } },
  ],
  grant: { largest: { octets: 1_000_000 }, least: { octets: 10_000 }, validity: 60 },
}

interface Usage {
  readonly radio_id: string
  readonly charge: string | null
}

t.test('what a megabyte costs depends on the class of its radio', async (t) => {
  const folder = t.testdir()
  const node = await createTestNode({ folder, secret: SECRET, billing: { node: 'west' } })
  await node.command('tenant', 'set', 'default', '--currency', 'EUR')
  const plan = join(folder, 'plan.json')
  writeFileSync(plan, JSON.stringify(PLAN))
  await node.command('plan', 'add', plan)
  await node.command('subscriber', 'add', 'alice', '--imsi', IMSI, '--plan', 'classes')
  await node.command('topup', 'alice', '10.00', '--reference', 'first')
  await node.command('radio', 'add', 'hall', '--owner', OWNER, '--nas-id', 'hall', '--class', 'indoor')
  await node.command('radio', 'add', 'yard', '--owner', OWNER, '--nas-id', 'yard')
  const running = await node.start()
  t.teardown(() => running.stop())

  const use = async (radio: string, id: string): Promise<void> => {
    const nas = await createNas({ server: node.radius, secret: Buffer.from(SECRET), identifier: radio })
    const session = nas.session({ id, user: IMSI })
    await session.start()
    await session.stop({ uplink: 400_000n, downlink: 600_000n, seconds: 60 })
    await nas.close()
  }
  const charges = async (count: number): Promise<string[]> => {
    for (;;) {
      const rows = (await node.command('usage', 'list')) as Usage[]
      if (rows.length === count && rows.every(({ charge }) => charge !== null))
        return rows.map(({ radio_id, charge }) => `${radio_id} ${charge}`)
      await sleep(50)
    }
  }
  await use('hall', 'a')
  await use('yard', 'b')
  t.same(await charges(2), ['yard 2000000', 'hall 500000'])
  await node.command('radio', 'class', 'yard', 'indoor')
  await use('yard', 'c')
  t.same((await charges(3))[0], 'yard 500000', 'the running node has learnt of it')

  t.match(await node.command('ledger', 'accounts', '--owner', 'payer:default'), {
    accounts: [{ account: 'payer:default:income:west:EUR', posted: '3000000' }],
  })
  t.match(await node.command('ledger', 'check'), { whole: true })

  // Far more than any session can carry, as if an access point had reported it.
  const database = new Database(node.database)
  database
    .prepare(
      `insert into usage_event (origin, session_id, sequence, subscriber_id, radio_id, access, start_at, end_at, uplink, downlink,
         cause, received_at, flags)
       select origin, 'd', 1, subscriber_id, radio_id, access, start_at, end_at, 1125899906842625, 0, cause, received_at, flags
       from usage_event limit 1`,
    )
    .run()
  database.close()
  const held = async () => ((await node.command('usage', 'held')) as { held: unknown[] }).held
  while ((await held()).length === 0) await sleep(50)
  t.match(await held(), [{ held: '1', source: 'usage:4', subscriber: 'alice', state: 'held' }])
  t.match(await node.command('usage', 'release', '1'), { source: 'usage:4', state: 'released' })
  t.same((await charges(4))[0], 'hall 562949953421312')
  t.same(await held(), [])
  t.match(await node.command('ledger', 'check'), { whole: true })
})
