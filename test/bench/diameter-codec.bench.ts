// Credit-Control-Requests of Open5GS and their answers: decode = check the structure, judge unknown AVPs, read what charging needs;
// encode = write the answer from names and values.
import assert from 'node:assert/strict'
import { pathToFileURL } from 'node:url'
import type { AvpInput, Avps } from '../../core/wire/diameter/dictionary.ts'
import { encode } from '../../core/wire/diameter/encode.ts'
import { isFault } from '../../core/wire/diameter/fault.ts'
import { unsupported } from '../../core/wire/diameter/judge.ts'
import { all, decode, FLAG, reader } from '../../core/wire/diameter/message.ts'
import { message, recorded } from '../emulators/diameter-recording.ts'
import { type BenchRow, median } from './row.ts'

const ROUNDS = 7
const ROUND_MS = 250
const TARGETS = { decode: 200_000, encode: 50_000 } as const

const read = {
  session: reader('Session-Id'),
  origin: reader('Origin-Host'),
  type: reader('CC-Request-Type'),
  number: reader('CC-Request-Number'),
  service: reader('Multiple-Services-Credit-Control'),
  used: reader('Used-Service-Unit'),
  uplink: reader('CC-Input-Octets'),
  downlink: reader('CC-Output-Octets'),
  seconds: reader('CC-Time'),
  information: reader('Service-Information'),
  ps: reader('PS-Information'),
  location: reader('3GPP-User-Location-Info'),
}

function understand(octets: Uint8Array): unknown {
  const ccr = decode(octets)
  if (isFault(ccr) || unsupported(ccr) !== undefined) throw new Error('not understood')
  const subscriptions = all(ccr, 'Subscription-Id')
  const service = read.service(ccr) as Avps
  const used = read.used(service) as Avps | undefined
  const ps = read.ps(read.information(ccr) as Avps) as Avps
  return [
    read.session(ccr),
    read.origin(ccr),
    read.type(ccr),
    read.number(ccr),
    subscriptions.length,
    used === undefined ? 0n : read.uplink(used),
    used === undefined ? 0n : read.downlink(used),
    used === undefined ? 0 : read.seconds(used),
    read.location(ps),
  ]
}

const answerAvps = (index: number): AvpInput[] => [
  ['Session-Id', `smf.localdomain;1795176179;${index};app_gy`],
  ['Result-Code', 2001],
  ['Origin-Host', 'ocs.localdomain'],
  ['Origin-Realm', 'localdomain'],
  ['Auth-Application-Id', 4],
  ['CC-Request-Type', 'UPDATE_REQUEST'],
  ['CC-Request-Number', index],
  [
    'Multiple-Services-Credit-Control',
    [
      ['Granted-Service-Unit', [['CC-Total-Octets', 10_000_000n]]],
      ['Result-Code', 2001],
      ['Validity-Time', 600],
      ['Volume-Quota-Threshold', 2_000_000],
    ],
  ],
]

function rate(work: (index: number) => unknown): number {
  const rounds: number[] = []
  for (let round = 0; round <= ROUNDS; round++) {
    const start = performance.now()
    let count = 0
    let elapsed = 0
    do {
      for (let index = 0; index < 256; index++) work(count++)
      elapsed = performance.now() - start
    } while (elapsed < ROUND_MS)
    // The first round warms up.
    if (round > 0) rounds.push((count / elapsed) * 1000)
  }
  return median(rounds)
}

/** The table's rows. No peer: npm `diameter` loops on hostile lengths and is not installed. */
export async function diameterCodec(note: (line: string) => void = () => undefined): Promise<BenchRow[]> {
  const ccrs = recorded('4g-attach-gy')
    .map(({ octets }) => octets)
    .filter((octets) => {
      const { command, application, flags } = message(octets)
      return command === 272 && application === 4 && (flags & FLAG.request) !== 0
    })
  assert.ok(ccrs.length > 0)
  const header = { flags: FLAG.proxiable, command: 272, application: 4 }
  const decoded = rate((index) => understand(ccrs[index % ccrs.length] as Uint8Array))
  const encoded = rate((index) => encode({ ...header, hopByHop: index, endToEnd: index, avps: answerAvps(index) }))
  note(
    `CCRs of ${Math.round(ccrs.reduce((sum, { length }) => sum + length, 0) / ccrs.length)} octets as Open5GS sends them`,
  )
  return [
    { id: 'diameter.codec.decode', value: decoded, target: TARGETS.decode },
    { id: 'diameter.codec.encode', value: encoded, target: TARGETS.encode },
  ].map(({ id, value, target }) => ({
    id,
    value: Math.round(value),
    unit: 'messages/s',
    peer: 'none',
    peerValue: null,
    ratio: null,
    target,
    met: value >= target,
  }))
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  for (const row of await diameterCodec(console.log)) console.log(JSON.stringify(row))
}
