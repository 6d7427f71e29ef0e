// A session whose Stop never came is stale, and wakes with its next report without losing an octet. Class says whose it is.
import { Registry } from 'prom-client'
import { type SubscriberId, subscriberId } from '../../core/kernel/ids.ts'
import { millis } from '../../core/kernel/units.ts'
import { createLogger } from '../../core/log/logger.ts'
import { encode, type NamedAttribute } from '../../core/wire/radius/encode.ts'
import { isFault } from '../../core/wire/radius/fault.ts'
import { CODE, decode } from '../../core/wire/radius/packet.ts'
import { createClasses } from '../../offload/aaa/class.ts'
import { createSealer } from '../../offload/aaa/seal.ts'
import { createAccounting } from '../../offload/accounting/accounting.ts'
import { markStale } from '../../offload/accounting/stale.ts'
import { createRadioDirectory } from '../../radio/module.ts'
import { onEachEngine } from './engines.ts'

const START = 1_763_600_000_000n
const ALICE = subscriberId('alice')

onEachEngine('a session goes stale and wakes', async (t, database) => {
  const store = await database.open()
  const classes = createClasses(createSealer(new Uint8Array(32)))
  const alice = { subscriber: ALICE, payer: 'acme' as never, plan: 'flat' }
  const subscribers = {
    byImsi: () => undefined,
    byId: (id: SubscriberId) => (id === ALICE ? alice : undefined),
    imsiOf: () => undefined,
    refresh: async () => {},
  }
  const log = createLogger({ level: 'silent' })
  const radios = createRadioDirectory(store)
  const accounting = createAccounting({ store, radios, subscribers, classes, metrics: new Registry(), log })
  const seal = classes.seal({ reference: new Uint8Array(8), subscriber: ALICE }, START)
  const report = async (kind: 'Start' | 'Interim-Update' | 'Stop', at: bigint, octets: number): Promise<void> => {
    const attributes: NamedAttribute[] = [
      ['Acct-Status-Type', kind],
      ['Acct-Session-Id', 's1'],
      ['User-Name', 'anonymous@example.org'],
      ['NAS-Identifier', 'ap'],
      ['Class', seal],
      ['Event-Timestamp', millis(at)],
      ['Acct-Input-Octets', octets],
      ['Acct-Output-Octets', 0],
    ]
    const packet = decode(encode({ code: CODE['Accounting-Request'], identifier: 1, attributes }))
    if (isFault(packet)) throw new Error(packet.fault)
    const from = { client: { name: 'ap', address: '127.0.0.1' }, address: '127.0.0.1', port: 1, received: millis(at) }
    t.same(await accounting.handle([{ packet, ...from }]), ['accept'])
  }
  const session = () =>
    store.batch((sql) =>
      sql.row<{ state: string; uplink: bigint; subscriber_id: string }>(
        'select state, uplink, subscriber_id from usage_session join usage_counter using (session_no)',
      ),
    )

  await report('Start', START, 0)
  await report('Interim-Update', START + 300_000n, 1000)
  t.equal(await markStale(store, START + 300_000n), 0, 'heard of a moment ago')
  t.same(await session(), { state: 'open', uplink: 1000n, subscriber_id: ALICE })
  t.equal(await markStale(store, START + 300_001n), 1)
  t.equal((await session())?.state, 'stale')
  t.equal(await markStale(store, START + 300_001n), 0, 'once')

  await report('Interim-Update', START + 9_000_000n, 5000)
  t.same(await session(), { state: 'open', uplink: 5000n, subscriber_id: ALICE })
  t.equal(await markStale(store, START + 9_000_001n), 1)
  await report('Stop', START + 9_300_000n, 6000)
  t.same(await session(), { state: 'closed', uplink: 6000n, subscriber_id: ALICE })
  t.equal(await markStale(store, START * 2n), 0, 'what has ended is over')
  const events = await store.batch((sql) =>
    sql.rows<{ uplink: bigint; subscriber_id: string }>(
      'select uplink, subscriber_id from usage_event order by event_id',
    ),
  )
  t.same(
    events,
    [1000n, 4000n, 1000n].map((uplink) => ({ uplink, subscriber_id: ALICE })),
  )
})
