// A phone that roams between access points: sessions of its own, one link (Acct-Multi-Session-Id, RFC 2866 §5.11), orders to the newest.
import { listUsage } from '../../billing/rating/store.ts'
import type { SessionOrder } from '../../core/events/sessions/port.ts'
import type { Standing } from '../../core/events/standing.ts'
import { radioId, subscriberId } from '../../core/kernel/ids.ts'
import { millis } from '../../core/kernel/units.ts'
import type { Store } from '../../core/store/store.ts'
import { createAccountingStore, type SessionRecord } from '../../offload/accounting/store.ts'
import { createWifiListener } from '../../offload/control/listener.ts'
import { onEachEngine } from './engines.ts'

const T = 1_700_000_000_000n
const alice = subscriberId('alice')

const record = (ap: string, session: string, seconds: bigint, down: bigint, link?: string): SessionRecord => ({
  kind: 'session',
  origin: `radius:club:${ap}`,
  sessionId: session,
  multiSession: link,
  callingStation: '02-00-00-00-00-01',
  radio: radioId(ap),
  subscriber: alice,
  access: 'wifi',
  received: T + seconds * 1000n,
  report: {
    status: 'interim',
    at: T + seconds * 1000n,
    timestamped: true,
    seconds: 10n,
    uplink: { total: 0n, gigawords: true },
    downlink: { total: down, gigawords: true },
    identity: 'anonymous',
  },
})

const ordered = (store: Store) =>
  store.batch((sql) =>
    sql.rows<{ session_key: string; calling_station: string }>(
      'select session_key, calling_station from control_order join usage_session using (session_no) order by session_key',
    ),
  )

onEachEngine('orders go where the phone is now, counters stay apart', async (t, database) => {
  const store = await database.open()
  const account = createAccountingStore(store)
  await account([record('ap-1', 'a', 10n, 100n, 'm1'), record('ap-1', 'x', 20n, 7n)])
  await account([record('ap-2', 'b', 30n, 200n, 'm1')])
  const usage = await listUsage(store, { subscriber: 'alice', radio: undefined, limit: 10 })
  t.same(
    usage.map(({ radio_id, session_id, multi_session, downlink }) => [radio_id, session_id, multi_session, downlink]),
    [
      ['ap-2', 'b#1', 'm1', 200n],
      ['ap-1', 'x#1', null, 7n],
      ['ap-1', 'a#1', 'm1', 100n],
    ],
  )
  const exhausted: Standing = { state: 'exhausted', throttle: undefined }
  const listener = createWifiListener({
    store,
    clock: () => millis(T + 60_000n),
    standing: { standing: async () => exhausted },
    wake: () => {},
  })
  const order: SessionOrder = {
    ...{ subscriber: alice, imsi: undefined, orderNo: 1n, at: millis(T) },
    action: 'refresh',
    cause: 'exhausted',
  }
  t.equal(await listener.refresh(order, new AbortController().signal), 2)
  t.same(await ordered(store), [
    { session_key: 'radius:club:ap-1\u001fx', calling_station: '02-00-00-00-00-01' },
    { session_key: 'radius:club:ap-2\u001fb', calling_station: '02-00-00-00-00-01' },
  ])
  // Without a link of its own an interim keeps the one that it had.
  await account([
    { ...record('ap-2', 'b', 40n, 300n), report: { ...record('ap-2', 'b', 40n, 300n).report, seconds: 20n } },
  ])
  const [newest] = await listUsage(store, { subscriber: 'alice', radio: undefined, limit: 1 })
  t.match(newest, { multi_session: 'm1', downlink: 100n })
})
