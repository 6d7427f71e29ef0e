// Accounting of roamers: on record before the answer, once for each packet, sent until the home server has it, on both engines.
import { pino } from 'pino'
import { millis } from '../../core/kernel/units.ts'
import type { PeerReply, Silence } from '../../core/transport/radius/client.ts'
import { encode } from '../../core/wire/radius/encode.ts'
import { CODE, decode, get, type Packet } from '../../core/wire/radius/packet.ts'
import { createForwarder } from '../../offload/proxy/accounting.ts'
import type { WatchedServer } from '../../offload/proxy/pool.ts'
import { until } from '../unit/radius-fixture.ts'
import { onEachEngine } from './engines.ts'

const packet = (session: string): Uint8Array =>
  Uint8Array.from(
    encode({
      code: CODE['Accounting-Request'],
      identifier: 1,
      attributes: [
        ['Acct-Status-Type', 'Start'],
        ['Acct-Session-Id', session],
        ['User-Name', 'bob@partner.example'],
      ],
    }),
  )

onEachEngine('a partner that is away loses nothing', async (t, database) => {
  const store = await database.open()
  let now = 1_795_000_000_000n
  let away = true
  const got: Packet[] = []
  const reply: PeerReply = {
    packet: decode(encode({ code: CODE['Accounting-Response'], identifier: 1, attributes: [] })) as Packet,
    reveal: () => undefined,
  }
  const server: WatchedServer = {
    name: 'partner',
    up: () => true,
    async request(_service, { code, attributes }): Promise<PeerReply | Silence> {
      if (away) return 'timeout'
      const sealing = { hidePassword: (it: Uint8Array) => it }
      got.push(decode(encode({ code, identifier: 1, attributes: attributes(sealing) })) as Packet)
      return reply
    },
  }
  const counted: string[] = []
  const forwarder = createForwarder({
    store,
    clock: () => millis(now),
    log: pino({ enabled: false }),
    serversOf: (realm) => (realm === 'partner.example' ? [server] : undefined),
    terms: () => ({ tag: Buffer.from('us'), operatorName: undefined, offeredService: undefined }),
    count: (result) => counted.push(result),
  })
  await forwarder.start()
  t.teardown(() => forwarder.stop())
  const record = (session: string, realm = 'partner.example') => ({
    ...{ client: 'c', realm, packet: packet(session), received: millis(now) },
  })
  const left = async (): Promise<number> =>
    (await store.db.selectFrom('proxy_accounting').select('record_no').execute()).length
  await forwarder.keep([record('s-1'), record('s-2')])
  await forwarder.keep([record('s-1')])
  t.equal(await left(), 2, 'a retransmission is kept once')
  await until(async () => {
    const rows = await store.db.selectFrom('proxy_accounting').select(['attempt', 'next_at']).execute()
    return rows.every(({ attempt, next_at }) => attempt === 1n && next_at < now + 10_000n)
  })
  away = false
  now += 30_000n
  await until(async () => (await left()) === 0)
  t.same(got.map((request) => get(request, 'Acct-Session-Id')).sort(), ['s-1', 's-2'])
  t.same(
    got.map((request) => get(request, 'Acct-Delay-Time')),
    [30, 30],
  )
  away = true
  await forwarder.keep([record('s-3')])
  now += 8n * 86_400_000n
  await forwarder.keep([record('s-4', 'gone.example')])
  await until(async () => (await left()) === 0)
  t.same(counted, ['forwarded', 'forwarded', 'given-up', 'given-up'])
})
