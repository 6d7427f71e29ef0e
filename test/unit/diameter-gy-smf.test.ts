// The emulated SMF sends what the real one sent: every recorded CER and CCR, rebuilt from what it says, to the octet.
import t from 'tap'
import type { AvpName, Avps, AvpValue } from '../../core/wire/diameter/dictionary.ts'
import { encode } from '../../core/wire/diameter/encode.ts'
import { isFault } from '../../core/wire/diameter/fault.ts'
import { all, FLAG, get } from '../../core/wire/diameter/message.ts'
import { message, recorded, recordings } from '../emulators/diameter-recording.ts'
import { ccrAvps, cerAvps, type GyReport, type GySession } from '../emulators/gy-smf.ts'

const ORIGIN = { identity: 'smf.localdomain', realm: 'localdomain' }

function has<Name extends AvpName>(avps: Avps | undefined, name: Name): AvpValue<Name> | undefined {
  const value = avps === undefined ? undefined : get(avps, name)
  if (isFault(value)) throw new RangeError(name)
  return value as AvpValue<Name> | undefined
}

/** `{ [key]: value }`, or nothing. */
const field = <Key extends string, Value>(key: Key, value: Value | undefined): { [K in Key]?: Value } =>
  value === undefined ? {} : ({ [key]: value } as { [K in Key]?: Value })

t.test('Credit-Control-Requests', async (t) => {
  let count = 0
  for (const name of recordings()) {
    for (const { octets, frame } of recorded(name)) {
      const request = message(octets)
      if (request.command !== 272 || request.application !== 4 || (request.flags & FLAG.request) === 0) continue
      const [imsi, msisdn] = all(request, 'Subscription-Id') as Avps[]
      const ps = has(has(request, 'Service-Information'), 'PS-Information')
      const service = has(request, 'Multiple-Services-Credit-Control')
      const used = has(service, 'Used-Service-Unit')
      const session: GySession = {
        sessionId: has(request, 'Session-Id') ?? '',
        imsi: has(imsi, 'Subscription-Id-Data') ?? '',
        ...field('msisdn', has(msisdn, 'Subscription-Id-Data')),
        imeisv: Buffer.from(has(has(ps, 'User-Equipment-Info'), 'User-Equipment-Info-Value') ?? []).toString(),
        apn: has(ps, 'Called-Station-Id') ?? '',
        chargingId: has(ps, '3GPP-Charging-Id') ?? -1,
        address: has(ps, 'PDP-Address') ?? '',
        ...field('sgsn', has(ps, 'SGSN-Address')),
        ggsn: has(ps, 'GGSN-Address') ?? '',
        plmn: has(ps, '3GPP-SGSN-MCC-MNC') ?? '',
        nsapi: has(ps, '3GPP-NSAPI') ?? new Uint8Array(),
        ...field('timeZone', has(ps, '3GPP-MS-TimeZone')),
        ...field('location', has(ps, '3GPP-User-Location-Info')),
        ratType: has(ps, '3GPP-RAT-Type') ?? new Uint8Array(),
        ...field('server', has(request, 'Destination-Host')),
      }
      const report = {
        type: has(request, 'CC-Request-Type'),
        number: has(request, 'CC-Request-Number'),
        at: has(request, 'Event-Timestamp'),
        ...field(
          'used',
          used === undefined
            ? undefined
            : {
                seconds: has(used, 'CC-Time'),
                uplink: has(used, 'CC-Input-Octets'),
                downlink: has(used, 'CC-Output-Octets'),
              },
        ),
        ...field('reason', has(used, 'Reporting-Reason') ?? has(service, 'Reporting-Reason')),
      } as GyReport
      t.same(encode({ ...request, avps: ccrAvps(ORIGIN, session, report) }), octets, `${name} frame ${frame}`)
      count++
    }
  }
  t.equal(count, 62)
})

t.test('Capabilities-Exchange-Requests', async (t) => {
  let count = 0
  for (const name of recordings()) {
    for (const { octets, to } of recorded(name)) {
      const cer = message(octets)
      if (cer.command !== 257 || (cer.flags & FLAG.request) === 0 || to !== '127.0.0.30:3868') continue
      t.same(encode({ ...cer, avps: cerAvps(ORIGIN, '127.0.0.4', has(cer, 'Origin-State-Id') ?? -1) }), octets, name)
      count++
    }
  }
  t.equal(count, 4)
})
