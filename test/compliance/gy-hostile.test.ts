// What a hostile or broken peer does costs an honest one nothing: its session is charged to the octet meanwhile.
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import t, { type Test } from 'tap'
import { systemClock } from '../../core/kernel/clock.ts'
import { type Millis, millis } from '../../core/kernel/units.ts'
import { u24 } from '../../core/wire/bytes/integers.ts'
import { encode } from '../../core/wire/diameter/encode.ts'
import { FLAG, get, type Message } from '../../core/wire/diameter/message.ts'
import { message } from '../emulators/diameter-recording.ts'
import { cerAvps, createGySmf, type GyReport } from '../emulators/gy-smf.ts'
import { faults } from './charging-world.ts'
import { testSqlite } from './engines.ts'
import { bearer, IMSI, preparePhones, startGy, told } from './gy-world.ts'

const HOST = '127.0.0.1'
const BAD = 'bad.localdomain'
const DAY = 86_400_000n
const now = systemClock()
const at = millis(now - (now % 1000n))
const used = { seconds: 1, uplink: 0n, downlink: 1000n }
const report = (number: number): GyReport => ({ type: 'UPDATE_REQUEST', number, at, used, reason: 'THRESHOLD' })

const cer = (identity: string): Uint8Array =>
  encode({
    flags: FLAG.request,
    command: 257,
    application: 0,
    hopByHop: 1,
    endToEnd: 1,
    avps: cerAvps({ identity, realm: 'localdomain' }, HOST, 1),
  })

/** The next message of a command that comes, or undefined when the connection ends first. */
function next(socket: Socket, command: number): Promise<Message | undefined> {
  return new Promise((resolve) => {
    let rest = Buffer.alloc(0)
    const take = (chunk: Buffer): void => {
      rest = Buffer.concat([rest, chunk])
      while (rest.length >= 4 && rest.length >= u24(rest, 1)) {
        const found = message(rest.subarray(0, u24(rest, 1)))
        rest = rest.subarray(found.length)
        if (found.command !== command) continue
        socket.off('data', take)
        resolve(found)
        return
      }
    }
    socket.on('data', take)
    if (socket.closed) resolve(undefined)
    else socket.once('close', () => resolve(undefined))
  })
}

async function dial(t: Test, port: number, first?: Uint8Array): Promise<Socket> {
  const socket = connect(port, HOST)
  socket.on('error', () => undefined)
  t.teardown(() => socket.destroy())
  await once(socket, 'connect')
  if (first !== undefined) socket.write(first)
  return socket
}

/** A request with these octets for AVPs. */
function request(avps: Uint8Array): Uint8Array {
  const octets = Buffer.alloc(20 + avps.length)
  octets.writeUInt32BE(0x0100_0000 + octets.length, 0)
  octets.writeUInt32BE(0xc000_0110, 4)
  octets.writeUInt32BE(4, 8)
  octets.set(avps, 20)
  return octets
}

/** A group in a group, so many times. */
function nested(levels: number): Buffer {
  let inner = Buffer.alloc(0)
  for (let level = 0; level < levels; level++) {
    const head = Buffer.alloc(8)
    head.writeUInt32BE(456, 0)
    head.writeUInt32BE(0x4000_0000 + 8 + inner.length, 4)
    inner = Buffer.concat([head, inner])
  }
  return inner
}

t.test('nonsense is answered or ended, and the honest session goes on', async (t) => {
  const store = await testSqlite(t).open()
  await preparePhones(store, [IMSI])
  const { port, node } = await startGy(t, store, {
    peers: [{ identity: 'smf.localdomain' }, { identity: BAD, connections: 8 }],
    handshake: 300,
  })
  const smf = await createGySmf({ host: HOST, port })
  await smf.ccr(bearer('a'), { type: 'INITIAL_REQUEST', number: 0, at })
  let number = 0
  const honest = async (): Promise<void> => {
    t.match(told(await smf.ccr(bearer('a'), report(++number))), { result: 2001, octets: 1_000_000n })
  }
  const known = async (): Promise<Socket> => {
    const socket = await dial(t, port, cer(BAD))
    t.equal(get((await next(socket, 257)) as Message, 'Result-Code'), 2001)
    return socket
  }
  const answers: [what: string, octets: Uint8Array, result: number][] = [
    ['an AVP of length 0 in 28 octets', request(Buffer.from('0000010700000000', 'hex')), 5014],
    ['8000 AVPs', request(Buffer.alloc(8 * 8000, Buffer.from('0000000100000008', 'hex'))), 5012],
    ['200 levels of groups', request(nested(200)), 5012],
  ]
  for (const [what, octets, result] of answers) {
    const socket = await known()
    socket.write(octets)
    t.equal(get((await next(socket, 272)) as Message, 'Result-Code'), result, what)
    await honest()
    socket.destroy()
  }
  const large = await known()
  large.write(Buffer.concat([Buffer.from('01100000', 'hex'), Buffer.alloc(1000)]))
  t.equal(await next(large, 272), undefined, 'a message of 1 MiB ends its connection')
  await honest()

  const open = await dial(t, port)
  const slow = await dial(t, port)
  const octets = cer(BAD)
  let sent = 0
  const drip = setInterval(() => slow.write(octets.subarray(sent, ++sent)), 5)
  t.equal(await next(open, 257), undefined, 'who says nothing is let go')
  t.equal(await next(slow, 257), undefined, 'and who says it too slowly')
  clearInterval(drip)
  await honest()

  const strangers = await Promise.all(
    Array.from({ length: 200 }, (_, index) => dial(t, port, cer(`x${index}.invalid`))),
  )
  for (const stranger of strangers) {
    const answer = await next(stranger, 257)
    if (answer !== undefined && get(answer, 'Result-Code') !== 3010) t.fail('a stranger was let in')
  }
  await honest()
  // The same name once more, beside the connection that there is.
  const twin = await dial(t, port, cer('smf.localdomain'))
  t.equal(await next(twin, 257), undefined)
  await honest()
  t.same(node.connected(), ['smf.localdomain'])
  const rows = await store.batch((sql) => sql.rows<{ octets: bigint }>('select downlink as octets from usage_event'))
  t.same(
    rows.map(({ octets }) => octets),
    Array.from({ length: number }, () => 1000n),
  )
  t.same(await faults(store), [])
  smf.close()
})

t.test('a clock that jumps charges nothing else', async (t) => {
  const store = await testSqlite(t).open()
  await preparePhones(store, [IMSI])
  let jump = 0n
  const clock = (): Millis => millis(systemClock() + jump)
  const { port } = await startGy(t, store, { clock })
  const smf = await createGySmf({ host: HOST, port })
  await smf.ccr(bearer('a'), { type: 'INITIAL_REQUEST', number: 0, at })
  for (const [index, to] of [-DAY, DAY, 0n, 400n * DAY, -DAY].entries()) {
    jump = to
    t.match(told(await smf.ccr(bearer('a'), report(index + 1))), { result: 2001, octets: 1_000_000n })
  }
  const rows = await store.batch((sql) =>
    sql.rows<{ octets: bigint; wrong: bigint }>(
      `select cast(sum(downlink) as bigint) as octets, cast(sum(case when start_at > end_at then 1 else 0 end) as bigint) as wrong
       from usage_event`,
    ),
  )
  t.same({ ...rows[0] }, { octets: 5000n, wrong: 0n })
  t.same(await faults(store), [])
  smf.close()
})
