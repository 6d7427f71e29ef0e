// A gateway that opens many sessions and reports for them as fast as it is answered, with so many requests under way. Messages are made once and
// their numbers written into the octets, so that the driver costs little beside what it measures.
// Usage: gy-load.ts PORT SESSIONS WINDOW SECONDS; with 0 seconds the sessions are only opened. Says one line of JSON.
import { connect } from 'node:net'
import { pathToFileURL } from 'node:url'
import { millis } from '../../core/kernel/units.ts'
import { putU32, u24, u32 } from '../../core/wire/bytes/integers.ts'
import { definitionOf } from '../../core/wire/diameter/dictionary.ts'
import { encode } from '../../core/wire/diameter/encode.ts'
import { decode, FLAG, find, get, type Message } from '../../core/wire/diameter/message.ts'
import { ccrAvps, cerAvps, type GyReport } from '../emulators/gy-smf.ts'

export const imsiOf = (index: number): string => `99970${String(index).padStart(10, '0')}`

export interface Load {
  /** Updates answered a second, and the time that 99 of 100 were answered in at most, milliseconds. */
  readonly rate: number
  readonly p99: number
  readonly answered: number
}

const ORIGIN = { identity: 'smf.localdomain', realm: 'localdomain' }
const NUMBER = definitionOf('CC-Request-Number')

function check(octets: Uint8Array): void {
  const result = get(decode(octets) as Message, 'Result-Code')
  if (result !== 2001) throw new Error(`answered with Result-Code ${String(result)}`)
}

interface Session {
  readonly first: Uint8Array
  readonly update: Uint8Array
  /** Where CC-Request-Number stands in an update. */
  readonly at: number
  number: number
}

function sessionOf(index: number, run: number): Session {
  const bearer = {
    sessionId: `smf.localdomain;${run};${index};app_gy`,
    imsi: imsiOf(index),
    imeisv: '8665070400405301',
    apn: 'internet',
    chargingId: index,
    address: '10.45.0.2',
    sgsn: '127.0.0.3',
    ggsn: '127.0.0.4',
    plmn: '99970',
    nsapi: Uint8Array.of(5),
    timeZone: Uint8Array.of(0, 0),
    location: Buffer.from('8299f907000199f90701079baf', 'hex'),
    ratType: Uint8Array.of(6),
  }
  const make = (report: GyReport): Uint8Array =>
    encode({
      flags: FLAG.request | FLAG.proxiable,
      command: 272,
      application: 4,
      hopByHop: index,
      endToEnd: 0,
      avps: ccrAvps(ORIGIN, bearer, report),
    })
  const at = millis(1_795_176_000_000n)
  const used = { seconds: 1, uplink: 100n, downlink: 900n }
  const update = make({ type: 'UPDATE_REQUEST', number: 0, at, used, reason: 'QUOTA_EXHAUSTED' })
  return {
    first: make({ type: 'INITIAL_REQUEST', number: 0, at }),
    update,
    at: find(decode(update) as Message, NUMBER) + 8,
    number: 0,
  }
}

/** Drives a charging system on the loopback interface. */
async function drive(port: number, count: number, window: number, seconds: number): Promise<Load> {
  // Sessions that nobody had before.
  const run = Date.now()
  const sessions = Array.from({ length: count }, (_, index) => sessionOf(index, run))
  const sentAt = new Float64Array(count)
  const times: number[] = []
  let endToEnd = Math.floor(Math.random() * 0x4000_0000)
  const identifier = (): number => {
    endToEnd = (endToEnd + 1) >>> 0
    return endToEnd
  }
  let answered = 0
  let begun = 0
  let until = Number.POSITIVE_INFINITY
  let finished: (load: Load) => void = () => undefined
  const done = new Promise<Load>((resolve) => {
    finished = resolve
  })
  const socket = connect({ host: '127.0.0.1', port })
  let out: Uint8Array[] = []
  const put = (octets: Uint8Array): void => {
    if (out.length === 0) setImmediate(flush)
    out.push(octets)
  }
  const flush = (): void => {
    socket.write(Buffer.concat(out))
    out = []
  }
  let opened = 0
  let next = 0
  const open = (): void => {
    const session = sessions[next++]
    if (session === undefined) return
    putU32(session.first, 16, identifier())
    put(session.first)
  }
  const update = (index: number): void => {
    const session = sessions[index] as Session
    putU32(session.update, 16, identifier())
    putU32(session.update, session.at, ++session.number)
    sentAt[index] = performance.now()
    put(session.update)
  }
  const loaded = (): void => {
    begun = performance.now()
    if (seconds === 0) {
      finished({ rate: 0, p99: 0, answered: opened })
      return
    }
    until = begun + seconds * 1000
    for (let index = 0; index < Math.min(window, count); index++) update(index)
    next = Math.min(window, count)
  }
  const take = (hop: number): void => {
    if (opened < count) {
      opened++
      open()
      if (opened === count) loaded()
      return
    }
    const now = performance.now()
    answered++
    times.push(now - (sentAt[hop] as number))
    if (now < until) {
      update(next % count)
      next++
    } else if (answered > 0 && until !== Number.POSITIVE_INFINITY) {
      until = Number.POSITIVE_INFINITY
      times.sort((a, b) => a - b)
      finished({
        rate: Math.round((answered / (now - begun)) * 1000),
        p99: times[Math.floor(times.length * 0.99)] ?? 0,
        answered,
      })
    }
  }
  let rest: Buffer | undefined
  let greeted = false
  socket.on('data', (chunk: Buffer) => {
    const octets = rest === undefined ? chunk : Buffer.concat([rest, chunk])
    let at = 0
    while (at + 20 <= octets.length) {
      const length = u24(octets, at + 1)
      if (at + length > octets.length) break
      if (!greeted) {
        greeted = true
        for (let index = 0; index < Math.min(window, count); index++) open()
      } else if (u24(octets, at + 5) === 272) {
        // One in a thousand is read, so that nobody is quick with refusals.
        if ((opened + answered) % 1000 === 0) check(octets.subarray(at, at + length))
        take(u32(octets, at + 12))
      }
      at += length
    }
    rest = at < octets.length ? octets.subarray(at) : undefined
  })
  await new Promise<void>((resolve, reject) => socket.once('connect', resolve).once('error', reject))
  const flags = FLAG.request
  socket.write(
    encode({ flags, command: 257, application: 0, hopByHop: 1, endToEnd: 1, avps: cerAvps(ORIGIN, '127.0.0.4', 1) }),
  )
  const load = await done
  socket.destroy()
  return load
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const [port = 0, count = 0, window = 0, seconds = 0] = process.argv.slice(2).map(Number)
  console.log(JSON.stringify(await drive(port, count, window, seconds)))
}
