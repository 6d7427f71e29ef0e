// Structure of messages: what is refused, with which Result-Code and Failed-AVP, and what passes.
import t from 'tap'
import { millis } from '../../core/kernel/units.ts'
import { type AvpInput, type Avps, definitions } from '../../core/wire/diameter/dictionary.ts'
import { encode, encodeAvp, MAX_LENGTH } from '../../core/wire/diameter/encode.ts'
import { FAULT_RESULT, isFault } from '../../core/wire/diameter/fault.ts'
import { missing, refusal, unsupported } from '../../core/wire/diameter/judge.ts'
import { all, avpsOf, decode, get, lengthAt, MAX_AVPS, MAX_DEPTH } from '../../core/wire/diameter/message.ts'
import { message } from '../emulators/diameter-recording.ts'

const FIELDS = { flags: 0x80, command: 272, application: 4, hopByHop: 1, endToEnd: 2 }
const make = (...avps: AvpInput[]): Uint8Array => encode({ ...FIELDS, avps })
const hex = (octets: Uint8Array): string => Buffer.from(octets).toString('hex')
/** A header with these octets after it, its length right unless given. */
function bytes(body: string, length = 20 + body.length / 2): Uint8Array {
  return Buffer.from(`01${length.toString(16).padStart(6, '0')}80000110000000040000000100000002${body}`, 'hex')
}

t.test('what is no message', async (t) => {
  const rows: [string, Uint8Array, string, number, number][] = [
    ['nothing', new Uint8Array(0), 'message-length', 0, 5015],
    ['19 octets', bytes('').subarray(0, 19), 'message-length', 19, 5015],
    ['version 2', Buffer.from(`02${hex(bytes('')).slice(2)}`, 'hex'), 'version', 0, 5011],
    ['fewer octets than its length', bytes('', 24), 'message-length', 1, 5015],
    ['more octets than its length', bytes('00000000', 20), 'message-length', 1, 5015],
    ['a length that 4 does not divide', bytes('0000', 22), 'message-length', 1, 5015],
    ['AVP length 0', bytes('0000010840000000'), 'avp-length', 20, 5014],
    ['AVP length 7', bytes('0000010840000007'), 'avp-length', 20, 5014],
    ['AVP length 11 with Vendor-Id', bytes('00000108c000000b000028af'), 'avp-length', 20, 5014],
    ['AVP past the end', bytes('000001084000000d61626364'), 'avp-overrun', 20, 5014],
    ['half an AVP header', bytes('00000108'), 'avp-overrun', 20, 5014],
    ['AVP length of 2^24 - 1', bytes('0000010840ffffff61626364'), 'avp-overrun', 20, 5014],
    ['AVP length 0 in a group', bytes('000001c8400000100000010840000000'), 'avp-length', 28, 5014],
    ['AVP past the end of its group', bytes('000001c8400000100000010840000010'), 'avp-overrun', 28, 5014],
  ]
  for (const [what, octets, fault, offset, result] of rows) {
    const decoded = decode(octets)
    t.match(decoded, { fault, offset }, what)
    if (isFault(decoded)) t.equal(FAULT_RESULT[decoded.fault], result, what)
  }
})

t.test('Failed-AVP', async (t) => {
  const rows: [string, Uint8Array, string][] = [
    [
      'a length that cannot be: header and an empty value of its format',
      bytes('000001a440000000'),
      '000001a44000000c00000000',
    ],
    ['no header to its end: zeros', bytes('000028af'), '000028af0000000800000000'.slice(0, 16)],
  ]
  for (const [what, octets, failed] of rows) {
    const decoded = decode(octets)
    if (!isFault(decoded)) return t.fail(what)
    t.same(
      refusal(octets, decoded).failed.map((avp) => hex(encodeAvp(avp))),
      [failed],
      what,
    )
  }
  const octets = make([
    'Multiple-Services-Credit-Control',
    [
      [
        'Granted-Service-Unit',
        [{ code: 420, vendor: 0, flags: 0x40, octets: new Uint8Array(3) }, ['CC-Total-Octets', 1n]],
      ],
    ],
  ])
  const service = get(message(octets), 'Multiple-Services-Credit-Control') as Avps
  const fault = get(get(service, 'Granted-Service-Unit') as Avps, 'CC-Time')
  if (!isFault(fault)) return t.fail('three octets are no CC-Time')
  t.equal(fault.fault, 'value-length')
  t.match(
    refusal(octets, fault),
    {
      result: 5014,
      failed: [['Multiple-Services-Credit-Control', [['Granted-Service-Unit', [{ code: 420 }]]]]],
    },
    'the groups around it, with nothing else',
  )
})

t.test('unknown AVPs', async (t) => {
  const unknown = (flags: number, vendor = 0): AvpInput => ({ code: 8000, vendor, flags, octets: Buffer.from('x') })
  t.equal(
    unsupported(message(make(['Session-Id', 's'], unknown(0)))),
    undefined,
    'without M they are none of our business',
  )
  t.match(unsupported(message(make(['Session-Id', 's'], unknown(0x40)))), { result: 5001, failed: [{ code: 8000 }] })
  t.match(unsupported(message(make(['Subscription-Id', [unknown(0x40)]]))), {
    result: 5001,
    failed: [['Subscription-Id', [{ code: 8000 }]]],
  })
  // 264 of a vendor is not Origin-Host.
  const foreign = message(make({ code: 264, vendor: 32_473, flags: 0xc0, octets: Buffer.from('x') }))
  t.equal(get(foreign, 'Origin-Host'), undefined)
  t.match(unsupported(foreign), { result: 5001 })
  t.match(avpsOf(message(make(unknown(0x80, 32_473)))), [{ name: undefined, code: 8000, vendor: 32_473 }])
})

t.test('a missing AVP is named with an example of it', async (t) => {
  const request = message(make(['Session-Id', 's']))
  t.equal(missing(request, ['Session-Id']), undefined)
  t.match(missing(request, ['Session-Id', 'CC-Request-Number']), {
    result: 5005,
    failed: [{ code: 415, vendor: 0, flags: 0x40, octets: new Uint8Array(4) }],
  })
})

t.test('depth and number of AVPs are bounded', async (t) => {
  const nested = (depth: number): AvpInput => (depth === 0 ? ['Session-Id', 's'] : ['Failed-AVP', [nested(depth - 1)]])
  t.notOk(isFault(decode(make(nested(MAX_DEPTH)))))
  t.match(decode(make(nested(MAX_DEPTH + 1))), { fault: 'depth' })
  const many = (count: number): AvpInput[] => Array.from({ length: count }, () => ['Rating-Group', 1] as const)
  t.notOk(isFault(decode(make(...many(MAX_AVPS)))))
  t.match(decode(make(...many(MAX_AVPS + 1))), { fault: 'count' })
})

t.test('padding', async (t) => {
  t.equal(hex(make(['Session-Id', 'abcde'])).slice(40), '000001074000000d6162636465000000')
  // A group whose last AVP lacks its padding, as some peers send it.
  const group = message(bytes('000001bb40000015000001bc4000000d6162636465000000'))
  t.equal(get(get(group, 'Subscription-Id') as Avps, 'Subscription-Id-Data'), 'abcde')
  t.equal(get(message(bytes('000001074000000d6162636465ffffff')), 'Session-Id'), 'abcde', 'whatever is in it')
})

t.test('the limits of each format', async (t) => {
  const rows: [AvpInput, string][] = [
    [['CC-Total-Octets', 0n], '0000000000000000'],
    [['CC-Total-Octets', 2n ** 64n - 1n], 'ffffffffffffffff'],
    [['Value-Digits', -(2n ** 63n)], '8000000000000000'],
    [['Exponent', -2_147_483_648], '80000000'],
    [['CC-Time', 4_294_967_295], 'ffffffff'],
    [['CC-Request-Type', 'EVENT_REQUEST'], '00000004'],
    [['CC-Request-Type', -1], 'ffffffff'],
    [['Event-Timestamp', millis(0)], '83aa7e80'],
    // 2036-02-07T06:28:16Z begins the era after (RFC 5905 §6).
    [['Event-Timestamp', millis(2_085_978_495_000n)], 'ffffffff'],
    [['Event-Timestamp', millis(2_085_978_496_000n)], '00000000'],
    [['Host-IP-Address', '192.0.2.1'], '0001c0000201'],
    [['Host-IP-Address', '2001:db8::1'], '000220010db8000000000000000000000001'],
    [['Framed-IP-Address', '192.0.2.1'], 'c0000201'],
    [['Origin-Host', 'ocs.example.com'], hex(Buffer.from('ocs.example.com'))],
    [['User-Name', 'é'], 'c3a9'],
  ]
  for (const [avp, value] of rows) {
    if (!Array.isArray(avp)) continue
    const [name, given] = avp as readonly [AvpName, unknown]
    const decoded = message(make(avp))
    const [read] = avpsOf(decoded)
    t.equal(hex(decoded.bytes).slice(56, 56 + value.length), value, name)
    t.same(read?.value, given, name)
  }
  const invalid: unknown[][] = [
    ['CC-Total-Octets', -1n],
    ['CC-Total-Octets', 2n ** 64n],
    ['Value-Digits', 2n ** 63n],
    ['CC-Time', -1],
    ['CC-Time', 1.5],
    ['CC-Request-Type', 'NO_SUCH_REQUEST'],
    ['Event-Timestamp', millis(1)],
    ['Host-IP-Address', 'host'],
    ['Framed-IP-Address', '::1'],
    ['Origin-Host', ''],
    ['Origin-Host', 'two words'],
    ['User-Name', '\ud800'],
  ]
  for (const avp of invalid)
    t.throws(() => make(avp as unknown as AvpInput), { code: 'DIAMETER_VALUE_INVALID' }, String(avp[0]))
})

t.test('values that are none are faults, not defaults', async (t) => {
  const rows: [AvpName, string, string][] = [
    ['CC-Total-Octets', '00000001', 'value-length'],
    ['CC-Time', '', 'value-length'],
    ['Host-IP-Address', '0001c00002', 'value-content'],
    ['Host-IP-Address', '0008c0000201', 'value-content'],
    ['Session-Id', 'ff', 'value-content'],
    ['Origin-Host', '', 'value-content'],
    ['Origin-Host', '6100', 'value-content'],
  ]
  for (const [name, value, fault] of rows) {
    const { code, vendor, flags } = definitions().find((each) => each.name === name) as (typeof known)[number]
    const decoded = message(make({ code, vendor, flags, octets: Buffer.from(value, 'hex') }))
    t.match(get(decoded, name), { fault, avp: name, offset: 20 }, `${name} ${value}`)
    t.match(all(decoded, name), [{ fault }])
  }
})
const known = definitions()
type AvpName = (typeof known)[number]['name']

t.test('finding messages in a stream', async (t) => {
  const one = make(['Session-Id', 's'])
  const two = Buffer.concat([one, one])
  t.equal(lengthAt(two, 0, 1000), one.length)
  t.equal(lengthAt(two, one.length, 1000), one.length)
  t.equal(lengthAt(two, two.length, 1000), undefined)
  t.equal(lengthAt(two.subarray(0, 3), 0, 1000), undefined)
  t.match(lengthAt(two, 0, one.length - 1), { fault: 'message-length' })
  t.match(lengthAt(Buffer.from('GET / HTTP/1.1'), 0, 1000), { fault: 'version' })
  t.match(lengthAt(bytes('', 0), 0, 1000), { fault: 'message-length' }, 'a length of 0 does not loop')
})

t.test('long messages', async (t) => {
  const octets = Buffer.alloc(200_000, 1)
  t.same(get(message(make(['Class', octets])), 'Class'), octets)
  t.equal(get(message(make(['User-Name', 'é'.repeat(100_000)])), 'User-Name'), 'é'.repeat(100_000))
  t.throws(() => make(['Class', Buffer.alloc(MAX_LENGTH)]), { code: 'DIAMETER_MESSAGE_TOO_LONG' })
})
