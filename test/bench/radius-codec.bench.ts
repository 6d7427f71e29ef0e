// Decoding and encoding of accounting packets, beside npm `radius`, both doing the same work on the same packets in turns:
// decode = check the structure and the Request Authenticator, give every attribute's name and value;
// encode = write the attributes from names and values, sign.
import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'
import { millis } from '../../core/kernel/units.ts'
import { checkRequest, signRequest } from '../../core/wire/radius/authenticator.ts'
import { encode, type NamedAttribute } from '../../core/wire/radius/encode.ts'
import { isFault } from '../../core/wire/radius/fault.ts'
import { attributes, CODE, decode } from '../../core/wire/radius/packet.ts'

interface PeerPacket {
  readonly attributes: Readonly<Record<string, unknown>>
}
/** The part of npm `radius` that is used here; the package has no types. */
interface Peer {
  decode(input: { packet: Buffer; secret: string }): PeerPacket
  decode_without_secret(input: { packet: Buffer }): PeerPacket
  encode(input: { code: string; identifier: number; secret: string; attributes: [string, unknown][] }): Buffer
}

interface BenchRow {
  readonly id: string
  readonly value: number
  readonly unit: string
  readonly peer: string
  readonly peerValue: number
  readonly ratio: number
  readonly target: number
  readonly met: boolean
}

const SECRET = 'testing123'
const SECRET_OCTETS = Buffer.from(SECRET)
const PACKETS = 256
const ROUNDS = 7
const ROUND_MS = 250
const TARGET = 500_000

/** An interim update as an access point sends it: 14 attributes, 190 octets or so. */
function fields(index: number): NamedAttribute[] {
  const time = 1_767_225_600 + index
  return [
    ['Acct-Status-Type', 'Interim-Update'],
    ['Acct-Session-Id', `67A1B2C3-8D2A11F0-${index.toString(16).padStart(8, '0').toUpperCase()}`],
    ['User-Name', `0001010${(1_000_000_000 + index).toString().slice(1)}`],
    ['NAS-IP-Address', `192.0.2.${index % 256}`],
    ['NAS-Identifier', `ap-${index.toString().padStart(3, '0')}.west`],
    ['Called-Station-Id', `02-00-5E-00-53-${(index % 256).toString(16).padStart(2, '0')}:Tallycell Offload`],
    ['Calling-Station-Id', '02-00-5E-10-00-01'],
    ['NAS-Port-Type', 'Wireless - IEEE 802.11'],
    ['Acct-Session-Time', 60 * index],
    ['Acct-Input-Octets', (index * 1_000_003) >>> 0],
    ['Acct-Output-Octets', (index * 9_000_011) >>> 0],
    ['Acct-Input-Gigawords', index % 3],
    ['Acct-Output-Gigawords', index % 5],
    ['Event-Timestamp', millis(time * 1000)],
  ]
}

/** The same fields as npm `radius` wants them: its own names for enumerated values, Date for times. */
function peerFields(index: number): [string, unknown][] {
  return fields(index).map(([name, value]) => {
    if (name === 'NAS-Port-Type') return [name, 'Wireless-802.11']
    return [name, typeof value === 'bigint' ? new Date(Number(value)) : value]
  })
}

const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0

/** Calls of `work` a second, over about ROUND_MS. */
function rate(work: (index: number) => unknown): number {
  const start = performance.now()
  let count = 0
  let elapsed = 0
  do {
    for (let index = 0; index < PACKETS; index++) work(index)
    count += PACKETS
    elapsed = performance.now() - start
  } while (elapsed < ROUND_MS)
  return (count / elapsed) * 1000
}

/** Medians of all contenders, taken in turns. */
function compare(contenders: readonly ((index: number) => unknown)[]): number[] {
  const rates = contenders.map((): number[] => [])
  for (let round = 0; round <= ROUNDS; round++) {
    for (const [index, work] of contenders.entries()) {
      const measured = rate(work)
      // The first round warms up.
      if (round > 0) rates[index]?.push(measured)
    }
  }
  return rates.map(median)
}

/** The table's rows. `note` is told what has no row: the figures without verification, and the size of the packets. */
export async function radiusCodec(note: (line: string) => void = () => undefined): Promise<BenchRow[]> {
  const peer = createRequire(import.meta.url)('radius') as Peer
  const inputs = Array.from({ length: PACKETS }, (_, index) => fields(index))
  const peerInputs = Array.from({ length: PACKETS }, (_, index) => peerFields(index))

  const ours = (index: number): Uint8Array => {
    const bytes = encode({ code: CODE['Accounting-Request'], identifier: index, attributes: inputs[index] ?? [] })
    signRequest(bytes, SECRET_OCTETS)
    return bytes
  }
  const theirs = (index: number): Buffer =>
    peer.encode({ code: 'Accounting-Request', identifier: index, secret: SECRET, attributes: peerInputs[index] ?? [] })
  const packets = inputs.map((_, index) => Buffer.from(ours(index)))
  for (const [index, packet] of packets.entries()) assert.deepEqual(packet, Buffer.from(theirs(index)), 'same octets')

  const packetAt = (index: number): Buffer => packets[index] ?? Buffer.alloc(0)
  const read = (index: number) => {
    const packet = decode(packetAt(index))
    if (isFault(packet)) throw new Error(packet.fault)
    return attributes(packet)
  }
  const verified = (index: number) => {
    const packet = decode(packetAt(index))
    if (isFault(packet)) throw new Error(packet.fault)
    if (checkRequest(packet, SECRET_OCTETS) !== 'ok') throw new Error('authenticator')
    return attributes(packet)
  }
  assert.equal(verified(1).length, Object.keys(peer.decode({ packet: packetAt(1), secret: SECRET }).attributes).length)

  const [decodeOurs = 0, decodeTheirs = 0, readOurs = 0, readTheirs = 0] = compare([
    verified,
    (index) => peer.decode({ packet: packetAt(index), secret: SECRET }),
    read,
    (index) => peer.decode_without_secret({ packet: packetAt(index) }),
  ])
  const [encodeOurs = 0, encodeTheirs = 0] = compare([ours, theirs])

  const row = (id: string, value: number, peerValue: number): BenchRow => ({
    id,
    value: Math.round(value),
    unit: 'packets/s',
    peer: 'npm radius 1.1.4',
    peerValue: Math.round(peerValue),
    ratio: Math.round((value / peerValue) * 10) / 10,
    target: TARGET,
    met: value >= TARGET,
  })
  note(
    `radius.codec.decode without the authenticator: ${Math.round(readOurs)} against ${Math.round(readTheirs)} packets/s`,
  )
  note(`packets of ${packetAt(0).length} octets with ${inputs[0]?.length ?? 0} attributes`)
  return [row('radius.codec.decode', decodeOurs, decodeTheirs), row('radius.codec.encode', encodeOurs, encodeTheirs)]
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  for (const row of await radiusCodec(console.log)) console.log(JSON.stringify(row))
}
