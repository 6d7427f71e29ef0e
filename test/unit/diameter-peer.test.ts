// The pure parts of a peer: state machine, watchdog, election, admission, duplicates, routes, pending requests.
import t from 'tap'
import { createAdmission } from '../../core/transport/diameter/admission.ts'
import { createDuplicates } from '../../core/transport/diameter/duplicates.ts'
import type { Link } from '../../core/transport/diameter/link.ts'
import {
  PEER_MACHINE,
  type PeerEvent,
  type PeerState,
  stepPeer,
  winsElection,
} from '../../core/transport/diameter/peer-machine.ts'
import { createPending } from '../../core/transport/diameter/pending.ts'
import { route } from '../../core/transport/diameter/routes.ts'
import { INITIAL, stepWatchdog, type WatchdogEvent, watchdogInterval } from '../../core/transport/diameter/watchdog.ts'
import type { AvpInput } from '../../core/wire/diameter/dictionary.ts'
import { encode } from '../../core/wire/diameter/encode.ts'
import { message } from '../emulators/diameter-recording.ts'

t.test('peer state machine: RFC 6733 §5.6', async (t) => {
  const rows: [string, PeerEvent[], PeerState, string][] = [
    ['we connect', ['start', 'i-conn-ack', 'i-cea'], 'i-open', 'dial send-cer open'],
    ['nobody is there', ['start', 'i-conn-nack'], 'closed', 'dial drop-i closed'],
    ['the peer refuses us', ['start', 'i-conn-ack', 'i-cea-refused'], 'closed', 'dial send-cer drop-i closed'],
    ['no CEA', ['start', 'i-conn-ack', 'timeout'], 'closed', 'dial send-cer drop-i closed'],
    ['the peer connects', ['r-cer'], 'r-open', 'accept-r send-cea open'],
    [
      'both at once, won',
      ['start', 'i-conn-ack', 'r-cer', 'won'],
      'r-open',
      'dial send-cer accept-r elect drop-i send-cea open',
    ],
    [
      'both at once, lost',
      ['start', 'i-conn-ack', 'r-cer', 'i-cea'],
      'i-open',
      'dial send-cer accept-r elect drop-r open',
    ],
    [
      'its CER before our connection',
      ['start', 'r-cer', 'i-conn-ack', 'won'],
      'r-open',
      'dial accept-r send-cer elect drop-i send-cea open',
    ],
    [
      'its CER, and our connection fails',
      ['start', 'r-cer', 'i-conn-nack'],
      'r-open',
      'dial accept-r drop-i send-cea open',
    ],
    [
      'its connection fails again',
      ['start', 'r-cer', 'r-closed', 'i-conn-ack', 'i-cea'],
      'i-open',
      'dial accept-r drop-r send-cer open',
    ],
    ['a second connection', ['r-cer', 'r-cer'], 'r-open', 'accept-r send-cea open reject-r'],
    ['we part', ['r-cer', 'stop', 'dpa'], 'closed', 'accept-r send-cea open send-dpr drop-i drop-r closed'],
    [
      'we part, no answer',
      ['r-cer', 'stop', 'timeout'],
      'closed',
      'accept-r send-cea open send-dpr drop-i drop-r closed',
    ],
    ['the peer parts', ['r-cer', 'dpr', 'r-closed'], 'closed', 'accept-r send-cea open send-dpa drop-i drop-r closed'],
    [
      'both part',
      ['r-cer', 'stop', 'dpr', 'dpa'],
      'closed',
      'accept-r send-cea open send-dpr send-dpa drop-i drop-r closed',
    ],
  ]
  for (const [what, events, state, effects] of rows) {
    let at: PeerState = 'closed'
    const done: string[] = []
    for (const event of events) {
      const step = stepPeer(at, event)
      t.ok(step.legal, `${what}: ${event} in ${at}`)
      at = step.state
      done.push(...step.effects)
    }
    t.same([at, done.join(' ')], [state, effects], what)
  }
  t.notOk(stepPeer('closed', 'dpa').legal)
  // Every state can be left, and every waiting one by time.
  const states = new Set(PEER_MACHINE.map(({ from }) => from))
  for (const { to } of PEER_MACHINE) t.ok(states.has(to))
  for (const state of states)
    t.equal(stepPeer(state, 'timeout').legal, !['closed', 'r-open', 'i-open'].includes(state), state)
})

t.test('election: RFC 6733 §5.6.4', async (t) => {
  t.ok(winsElection('z.example', 'a.example'))
  t.notOk(winsElection('a.example', 'z.example'))
  t.notOk(winsElection('a.example', 'A.example'), 'one and the same')
})

t.test('watchdog: RFC 3539 §3.4.1', async (t) => {
  const rows: [string, WatchdogEvent[], string, string][] = [
    ['up', ['up'], 'okay', 'set-timer failback'],
    ['idle: a DWR and its DWA', ['up', 'timer', 'dwa'], 'okay', 'set-timer failback send-dwr set-timer set-timer'],
    ['traffic puts it off', ['up', 'message', 'message'], 'okay', 'set-timer failback set-timer set-timer'],
    [
      'no DWA: suspect',
      ['up', 'timer', 'timer'],
      'suspect',
      'set-timer failback send-dwr set-timer failover set-timer',
    ],
    [
      'traffic is no DWA: the next timer finds it overdue',
      ['up', 'timer', 'message', 'timer'],
      'suspect',
      'set-timer failback send-dwr set-timer set-timer failover set-timer',
    ],
    [
      'suspect, then heard',
      ['up', 'timer', 'timer', 'dwa'],
      'okay',
      'set-timer failback send-dwr set-timer failover set-timer failback set-timer',
    ],
    [
      'suspect, then silent',
      ['up', 'timer', 'timer', 'timer'],
      'down',
      'set-timer failback send-dwr set-timer failover set-timer close',
    ],
    [
      'back: three DWAs',
      ['up', 'down', 'up', 'dwa', 'timer', 'dwa', 'timer', 'dwa'],
      'okay',
      'set-timer failback failover send-dwr set-timer send-dwr set-timer send-dwr set-timer failback',
    ],
    [
      'back: messages do not count',
      ['up', 'down', 'up', 'message', 'message', 'message'],
      'reopen',
      'set-timer failback failover send-dwr set-timer',
    ],
    [
      'back, then silent',
      ['up', 'down', 'up', 'timer', 'timer'],
      'down',
      'set-timer failback failover send-dwr set-timer set-timer close',
    ],
    ['parted is no failure', ['up', 'parted', 'up'], 'okay', 'set-timer failback set-timer failback'],
    ['down again', ['up', 'down', 'down'], 'down', 'set-timer failback failover'],
  ]
  for (const [what, events, state, effects] of rows) {
    let watchdog = INITIAL
    const done: string[] = []
    for (const event of events) {
      const step = stepWatchdog(watchdog, event)
      watchdog = step.watchdog
      done.push(...step.effects)
    }
    t.same([watchdog.state, done.join(' ')], [state, effects], what)
  }
  t.same(
    [0, 0.5, 1].map((random) => watchdogInterval(30_000, random)),
    [28_000, 30_000, 32_000],
  )
  t.equal(watchdogInterval(1000, 0), 4000, 'never below six seconds, less jitter')
})

t.test('admission', async (t) => {
  const full = createAdmission({ limit: 1000, capacity: 2 })
  t.ok(full.enter(0, false) && full.enter(0, false))
  t.notOk(full.enter(0, false))
  for (let more = 0; more < 6; more++) t.ok(full.enter(0, true), 'what must be taken is taken')
  t.notOk(full.enter(0, true), 'within reason')
  full.leave(0, 1)
  t.equal(full.size(), 7)

  const stuck = createAdmission({ limit: 1000, capacity: 100 })
  stuck.enter(0, false)
  t.ok(stuck.enter(1000, false))
  t.notOk(stuck.enter(1001, false), 'the oldest has waited longer than the limit')
  stuck.leave(0, 1002)
  t.ok(stuck.enter(1003, false))

  const slow = createAdmission({ limit: 100, capacity: 1000 })
  // One answer each 10 ms: more than ten in the queue would wait too long.
  for (let now = 0; now < 10_000; now += 10) {
    slow.enter(now, true)
    slow.leave(now, now + 10)
  }
  let taken = 0
  while (slow.enter(10_000, false)) taken++
  t.equal(taken, 11)
})

t.test('duplicates', async (t) => {
  const sent: string[] = []
  const to = (name: string) => (octets: Uint8Array) => void sent.push(`${name}:${Buffer.from(octets).toString()}`)
  const known = createDuplicates({ lifetime: 1000, capacity: 2 })
  t.equal(known.enter('a', 1, to('one'), 0), 'new')
  t.equal(known.enter('a', 1, to('two'), 0), 'repeated')
  t.equal(known.enter('b', 1, to('other'), 0), 'new', 'of another host')
  known.answered('a', 1, Buffer.from('x'), 5)
  t.same(sent, ['one:x', 'two:x'])
  t.equal(known.enter('a', 1, to('three'), 1004), 'repeated')
  t.equal(sent.pop(), 'three:x')
  t.equal(known.enter('a', 1, to('four'), 1005), 'new', 'the answer is too old')
  known.forget('a', 1)
  t.equal(known.enter('a', 1, to('five'), 1006), 'new', 'forgotten')
  known.answered('a', 1, Buffer.from('y'), 1006, 'late')
  t.same(sent, ['one:x', 'two:x'], 'late answers are kept, not sent')
  t.equal(known.enter('a', 1, to('six'), 1007), 'repeated')
  t.equal(sent.pop(), 'six:y')
  for (let id = 10; id < 20; id++) {
    known.enter('c', id, to('c'), 1008)
    known.answered('c', id, Buffer.from('z'), 1008)
  }
  t.equal(known.size(), 2, 'the oldest answers went')
  t.equal(known.enter('c', 19, to('c'), 1009), 'repeated')
  t.equal(known.enter('c', 10, to('c'), 1009), 'new')
})

t.test('routes: RFC 6733 §6.1', async (t) => {
  const routing = {
    identity: 'ocs.home.example',
    realms: ['home.example'],
    routes: [
      { realm: 'far.example', application: 4, peers: ['ocs.far.example'] },
      { realm: 'far.example', peers: ['dra.far.example'] },
    ],
    isPeer: (identity: string) => identity === 'ocs.far.example',
  }
  const asked = (realm: string | undefined, host: string | undefined, application = 4) => {
    const avps: AvpInput[] = []
    if (realm !== undefined) avps.push(['Destination-Realm', realm])
    if (host !== undefined) avps.push(['Destination-Host', host])
    return message(encode({ flags: 0xc0, command: 272, application, hopByHop: 0, endToEnd: 0, avps }))
  }
  const rows: [string | undefined, string | undefined, string | undefined, object, number?][] = [
    ['home.example', undefined, undefined, { to: 'here' }],
    ['HOME.example', 'OCS.home.example', undefined, { to: 'here' }],
    [undefined, undefined, undefined, { to: 'here' }],
    ['home.example', 'other.home.example', undefined, { to: 'nowhere', result: 3002 }],
    ['home.example', 'ocs.far.example', undefined, { to: 'peers', peers: ['ocs.far.example'] }],
    ['far.example', undefined, undefined, { to: 'peers', peers: ['ocs.far.example'] }],
    ['far.example', undefined, undefined, { to: 'peers', peers: ['dra.far.example'] }, 16_777_238],
    ['far.example', 'unknown.far.example', undefined, { to: 'peers', peers: ['ocs.far.example'] }],
    ['nowhere.example', undefined, undefined, { to: 'nowhere', result: 3003 }],
    ['home.example', 'ocs.home.example', 'far.example', { to: 'peers', peers: ['ocs.far.example'] }],
  ]
  for (const [realm, host, home, decision, application] of rows)
    t.match(route(asked(realm, host, application), routing, home), decision, `${realm} ${host}`)
})

t.test('hop-by-hop identifiers wrap, answers of a stranger are none', async (t) => {
  const sent: number[] = []
  const link = (): Link =>
    ({
      usable: (watchdog: string) => watchdog === 'okay',
      connection: () => ({ send: (octets: Uint8Array) => void sent.push(message(octets).hopByHop) }),
    }) as unknown as Link
  const [one, two] = [link(), link()]
  const pending = createPending(() => [one], 0xffff_fffe)
  const octets = encode({ flags: 0xc0, command: 272, application: 4, hopByHop: 9, endToEnd: 5, avps: [] })
  const got: number[] = []
  const waiting = { octets, peers: ['p'], answered: () => void got.push(1), failed: () => t.fail('failed') }
  pending.send(waiting, 60_000)
  pending.send(waiting, 60_000)
  t.same(sent, [0xffff_ffff, 0])
  const answer = (hopByHop: number, endToEnd: number) =>
    message(encode({ flags: 0x40, command: 272, application: 4, hopByHop, endToEnd, avps: [] }))
  t.notOk(pending.answer(two, answer(0, 5)), 'over another connection')
  t.notOk(pending.answer(one, answer(0, 6)), 'of another request')
  t.notOk(pending.answer(one, answer(1, 5)))
  t.ok(pending.answer(one, answer(0, 5)))
  t.notOk(pending.answer(one, answer(0, 5)), 'a second time')
  t.ok(pending.answer(one, answer(0xffff_ffff, 5)))
  t.same([got.length, pending.size()], [2, 0])
})
