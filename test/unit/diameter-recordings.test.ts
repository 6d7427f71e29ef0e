// Every Diameter message that a real Open5GS core sent in our captures: decoded, read to the last value, and made again to the octet, once from its
// AVPs as octets and once from names and values alone.
import t from 'tap'
import { type AvpInput, type Avps, definitionOf } from '../../core/wire/diameter/dictionary.ts'
import { encode } from '../../core/wire/diameter/encode.ts'
import { isFault } from '../../core/wire/diameter/fault.ts'
import { unsupported } from '../../core/wire/diameter/judge.ts'
import { all, avpsOf, FLAG, get, type Message, rawAvps } from '../../core/wire/diameter/message.ts'
import { message, recorded, recordings } from '../emulators/diameter-recording.ts'

function named(avps: Avps): AvpInput[] {
  return avpsOf(avps).map(({ name, code, vendor, flags, value }) => {
    if (name === undefined) return { code, vendor, flags, octets: value as Uint8Array }
    if (isFault(value)) throw new RangeError(`${name}: ${value.fault}`)
    return [name, definitionOf(name).codec === undefined ? named(value as Avps) : value] as unknown as AvpInput
  })
}

const hex = (octets: Uint8Array): string => Buffer.from(octets).toString('hex')
const remade = (from: Message, avps: readonly AvpInput[]): string => hex(encode({ ...from, avps }))

t.test('every message', async (t) => {
  let count = 0
  for (const name of recordings()) {
    for (const { octets, frame } of recorded(name)) {
      const decoded = message(octets)
      t.equal(remade(decoded, rawAvps(decoded)), hex(octets), `${name} frame ${frame} from octets`)
      t.equal(remade(decoded, named(decoded)), hex(octets), `${name} frame ${frame} from values`)
      t.equal(unsupported(decoded), undefined, `${name} frame ${frame} is understood`)
      count++
    }
  }
  t.equal(count, 279)
})

t.test('the CCRs of an attach read as what happened', async (t) => {
  const rows = recorded('4g-attach-gy')
    .map(({ octets }) => message(octets))
    .filter(({ command, application, flags }) => command === 272 && application === 4 && flags & FLAG.request)
    .map((request) => {
      const [service] = all(request, 'Multiple-Services-Credit-Control') as Avps[]
      const used = service === undefined ? undefined : (get(service, 'Used-Service-Unit') as Avps | undefined)
      const read = (group: Avps | undefined, name: 'CC-Input-Octets' | 'CC-Output-Octets') =>
        group === undefined ? undefined : get(group, name)
      const reason = [service, used].map((group) => (group === undefined ? undefined : get(group, 'Reporting-Reason')))
      return [
        get(request, 'CC-Request-Type'),
        get(request, 'CC-Request-Number'),
        read(used, 'CC-Input-Octets'),
        read(used, 'CC-Output-Octets'),
        reason.find((each) => each !== undefined),
      ]
    })
  t.same(rows, [
    ['INITIAL_REQUEST', 0, undefined, undefined, undefined],
    ['UPDATE_REQUEST', 1, 19_293n, 981_837n, 'QUOTA_EXHAUSTED'],
    ['UPDATE_REQUEST', 2, 13_124n, 987_000n, 'QUOTA_EXHAUSTED'],
    ['UPDATE_REQUEST', 3, 5384n, 995_400n, 'QUOTA_EXHAUSTED'],
    ['UPDATE_REQUEST', 4, 14_412n, 985_600n, 'QUOTA_EXHAUSTED'],
    ['UPDATE_REQUEST', 5, 629_737n, 371_176n, 'QUOTA_EXHAUSTED'],
    ['UPDATE_REQUEST', 6, 637_044n, 6175n, 'VALIDITY_TIME'],
    ['UPDATE_REQUEST', 7, 0n, 0n, 'VALIDITY_TIME'],
    ['TERMINATION_REQUEST', 8, 7164n, 311_980n, 'FINAL'],
  ])
})
