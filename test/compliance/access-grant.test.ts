// Access on both engines: granted on any node, once, with the keys of the phone; refused to whom it should be.
import { join } from 'node:path'
import type { SubscriberId } from '../../core/kernel/ids.ts'
import { EAP_CODE, EAP_TYPE, encodeEap } from '../../core/wire/eap/packet.ts'
import { CODE, octetsOf, type Packet } from '../../core/wire/radius/packet.ts'
import { createCui } from '../../offload/aaa/cui.ts'
import { accessRequest, ap, authenticate, eapOf, identityResponse, keysOf, phone } from '../emulators/eap-peer.ts'
import { accessWorld, SECRET, subscriberOf, type WorldOptions } from '../emulators/eap-world.ts'
import { onEachEngine, type TestDatabase } from './engines.ts'
import type { TestSim } from './sim-world.ts'

async function world(
  t: Parameters<Parameters<typeof onEachEngine>[1]>[0],
  database: TestDatabase,
  options: Partial<WorldOptions> = {},
) {
  const folder = join(t.testdirName, 'keys-of')
  const store = await database.open()
  const made = await accessWorld(t, store, { folder, sims: 2, ...options })
  const access = await ap(made.port, SECRET)
  t.teardown(() => access.close())
  const [sim] = made.sims
  if (sim === undefined) throw new Error('no SIM')
  return { ...made, store, folder, access, sim: sim as TestSim }
}

onEachEngine('keys, class and limits of a grant', async (t, database) => {
  const { access, sim, store, aaa } = await world(t, database)
  for (const type of [EAP_TYPE.akaPrime, EAP_TYPE.aka] as const) {
    const peer = phone(sim, type)
    const { answer, requests } = await authenticate((octets) => access.ask(octets), peer, SECRET)
    t.equal(answer?.code, CODE['Access-Accept'])
    const last = requests.at(-1)
    if (answer === undefined || last === undefined) throw new Error('no answer')
    t.strictSame(Buffer.from(keysOf(answer, last, SECRET)), Buffer.from(peer.msk()))
    const granted = aaa.classes.open(octetsOf(answer, 'Class') ?? new Uint8Array(0), BigInt(Date.now()))
    t.equal(granted?.subscriber, subscriberOf(0))
    t.equal(octetsOf(answer, 'Chargeable-User-Identity'), undefined, 'nobody asked for it')
    t.notMatch(answer.bytes.toString(), sim.imsi)
  }
  const rows = await store.batch((sql) => sql.rows<{ method: string }>('select method from access_session'))
  t.same(rows.map(({ method }) => method).sort(), ['aka', 'aka-prime'])
})

onEachEngine('a conversation goes on at another node, and is granted once', async (t, database) => {
  const first = await world(t, database)
  const second = await accessWorld(t, first.store, { folder: first.folder })
  const other = await ap(second.port, SECRET)
  t.teardown(() => other.close())
  const peer = phone(first.sim)
  const turns = [first.access, other]
  const { answer, requests, answers } = await authenticate(
    (octets, round) => (turns[round % 2] ?? other).ask(octets),
    peer,
    SECRET,
  )
  t.equal(answer?.code, CODE['Access-Accept'])
  const last = requests.at(-1)
  const challenge = answers.at(-2)
  if (last === undefined || challenge === undefined) throw new Error('no challenge')
  const repeated = await first.access.ask(last)
  t.equal(repeated?.code, CODE['Access-Accept'], 'the same request is answered by any node')
  const captured = accessRequest(
    { userName: peer.identity, eap: peer.respond(eapOf(challenge)), state: octetsOf(challenge, 'State') },
    Buffer.from(SECRET),
    77,
  )
  t.equal((await first.access.ask(captured))?.code, CODE['Access-Reject'], 'a captured response opens nothing')
  t.equal((await other.ask(Uint8Array.from(captured)))?.code, CODE['Access-Reject'])
})

onEachEngine('who has no plan to pay with is told so, protected', async (t, database) => {
  const standing = { standing: async () => ({ state: 'exhausted', throttle: undefined }) as const }
  const { access, sim, metrics } = await world(t, database, { standing })
  const { answer, answers } = await authenticate((octets) => access.ask(octets), phone(sim), SECRET)
  t.equal(answer?.code, CODE['Access-Reject'])
  t.equal(answers.length, 3, 'challenge, notification, failure')
  t.match(await metrics.metrics(), /tallycell_access_answers_total\{outcome="not-entitled"\} 1/)
})

onEachEngine('Chargeable-User-Identity: one for each partner, never the subscriber', async (t, database) => {
  const { access, sim } = await world(t, database)
  const cuiAt = async (partner: string): Promise<string> => {
    const { answer } = await authenticate((octets) => access.ask(octets), phone(sim), SECRET, [
      ['Operator-Name', partner],
      ['Chargeable-User-Identity', Uint8Array.of(0)],
    ])
    return Buffer.from(octetsOf(answer as Packet, 'Chargeable-User-Identity') ?? '').toString()
  }
  const [one, again, two] = [await cuiAt('1one.example'), await cuiAt('1one.example'), await cuiAt('1two.example')]
  t.equal(one.length, 32)
  t.equal(one, again)
  t.not(one, two)
  t.equal(one, createCui(new Uint8Array(32).fill(9))('1one.example', subscriberOf(0) as SubscriberId))
})

onEachEngine('a plan that is to be slower says how much', async (t, database) => {
  const standing = {
    standing: async () => ({ state: 'open', throttle: { uplink: 64_000n, downlink: 1n << 40n } }) as const,
  }
  const { access, sim } = await world(t, database, { standing })
  const { answer } = await authenticate((octets) => access.ask(octets), phone(sim), SECRET)
  const rate = (name: 'WISPr-Bandwidth-Max-Up' | 'WISPr-Bandwidth-Max-Down'): number =>
    Buffer.from(octetsOf(answer as Packet, name) ?? '').readUInt32BE()
  t.equal(rate('WISPr-Bandwidth-Max-Up'), 64_000)
  t.equal(rate('WISPr-Bandwidth-Max-Down'), 0xffffffff)
})

onEachEngine('states: changed, of another conversation, too late', async (t, database) => {
  const { access, sim } = await world(t, database)
  const secret = Buffer.from(SECRET)
  const peer = phone(sim)
  const start = async (id: number): Promise<Packet> =>
    (await access.ask(
      accessRequest({ userName: peer.identity, eap: identityResponse(peer.identity) }, secret, id),
    )) as Packet
  const challenge = await start(1)
  const state = octetsOf(challenge, 'State') ?? new Uint8Array(0)
  t.ok(state.length <= 253)
  const eap = peer.respond(eapOf(challenge))
  const forged = Uint8Array.from(state)
  forged[20] = (forged[20] as number) ^ 1
  const answer = async (id: number, with_: { state?: Uint8Array; eap?: Uint8Array; userName?: string }) =>
    (await access.ask(accessRequest({ userName: peer.identity, eap, state, ...with_ }, secret, id), 300))?.code
  t.equal(await answer(2, { state: forged }), CODE['Access-Reject'])
  const foreign = octetsOf(await start(3), 'State') ?? new Uint8Array(0)
  t.equal(await answer(4, { state: foreign }), CODE['Access-Challenge'], 'its AT_MAC is wrong there: a notification')
  const late = Uint8Array.from(eap)
  late[1] = (late[1] as number) ^ 1
  t.equal(await answer(5, { eap: late }), undefined, 'another identifier is passed over')
  t.equal(await answer(6, { eap: encodeEap(EAP_CODE.request, 2, EAP_TYPE.identity, new Uint8Array(0)) }), undefined)
  t.equal(
    await answer(7, { userName: `7${peer.identity}` }),
    CODE['Access-Challenge'],
    'the keys are bound to the name',
  )
  t.equal(await answer(8, {}), CODE['Access-Accept'])
})
