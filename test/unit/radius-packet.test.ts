import t from 'tap'
import { isTallycellError } from '../../core/kernel/errors.ts'
import { millis } from '../../core/kernel/units.ts'
import { definitions } from '../../core/wire/radius/dictionary.ts'
import { encode, type NamedAttribute } from '../../core/wire/radius/encode.ts'
import { type Fault, isFault } from '../../core/wire/radius/fault.ts'
import {
  all,
  attributes,
  CODE,
  decode,
  get,
  octetsOf,
  type Packet,
  type RawAttribute,
} from '../../core/wire/radius/packet.ts'

const bytes = (...octets: number[]): Uint8Array => Uint8Array.from(octets)
const octets = (hex: string): Uint8Array => new Uint8Array(Buffer.from(hex, 'hex'))

function packet(...list: (NamedAttribute | RawAttribute)[]): Packet {
  const decoded = decode(encode({ code: CODE['Accounting-Request'], identifier: 9, attributes: list }))
  if (isFault(decoded)) throw new Error(decoded.fault)
  return decoded
}
const raw = (type: number, hex: string): RawAttribute => ({ type, octets: octets(hex) })
const codeOf = (work: () => unknown): string => {
  try {
    work()
  } catch (error) {
    return isTallycellError(error) ? error.code : String(error)
  }
  return 'nothing thrown'
}

t.test('structure', async (t) => {
  const whole = encode({
    code: 4,
    identifier: 1,
    attributes: [
      ['User-Name', 'nemo'],
      ['NAS-Port', 3],
    ],
  })
  const cases: [string, Uint8Array, Fault][] = [
    ['empty', bytes(), { fault: 'too-short', offset: 0, attribute: undefined }],
    ['19 octets', whole.subarray(0, 19), { fault: 'too-short', offset: 19, attribute: undefined }],
    ['Length 19', Uint8Array.from(whole).fill(19, 3, 4), { fault: 'bad-length', offset: 2, attribute: undefined }],
    [
      'Length 4097',
      new Uint8Array(5000).fill(0x10, 2, 3).fill(1, 3, 4),
      { fault: 'bad-length', offset: 2, attribute: undefined },
    ],
    ['one octet missing', whole.subarray(0, 31), { fault: 'truncated', offset: 31, attribute: undefined }],
    [
      'attribute length 0',
      Uint8Array.from(whole).fill(0, 21, 22),
      { fault: 'attribute-length', offset: 20, attribute: 'User-Name' },
    ],
    [
      'attribute length 1',
      Uint8Array.from(whole).fill(1, 27, 28),
      { fault: 'attribute-length', offset: 26, attribute: 'NAS-Port' },
    ],
    [
      'attribute too long',
      Uint8Array.from(whole).fill(7, 27, 28),
      { fault: 'attribute-overrun', offset: 26, attribute: 'NAS-Port' },
    ],
    [
      'half an attribute header',
      Uint8Array.from(whole).fill(11, 21, 22).fill(200, 31),
      { fault: 'attribute-overrun', offset: 31, attribute: '200' },
    ],
  ]
  for (const [name, input, fault] of cases) t.same(decode(input), fault, name)

  const header = new Uint8Array(20).fill(20, 3, 4)
  t.notOk(isFault(decode(header)), 'a header alone is a packet')
  const longest = encode({
    code: 4,
    identifier: 1,
    attributes: [...Array.from({ length: 15 }, () => raw(25, '00'.repeat(253))), raw(25, '00'.repeat(249))],
  })
  t.equal(longest.length, 4096)
  t.notOk(isFault(decode(longest)), '4096 octets are a packet')

  const padded = decode(Buffer.concat([whole, Buffer.from('junk')]))
  t.notOk(isFault(padded), 'octets after Length are padding')
  if (!isFault(padded)) t.same(Buffer.from(padded.bytes), Buffer.from(whole), 'and do not count')
})

t.test('truncated at every octet', async (t) => {
  const whole = packet(['User-Name', 'nemo'], ['WISPr-Bandwidth-Max-Up', 9], ['Acct-Input-Octets', 7]).bytes
  for (let length = 0; length < whole.length; length++) {
    t.match(decode(whole.subarray(0, length)), { fault: length < 20 ? 'too-short' : 'truncated' }, `${length} octets`)
    if (length < 20) continue
    // The same with a Length that tells the truth: only ends between attributes are sound.
    const shorter = Uint8Array.from(whole.subarray(0, length))
    shorter[3] = length
    const sound = [20, 26, 38].includes(length)
    t.equal(isFault(decode(shorter)), !sound, `Length ${length}`)
  }
})

t.test('an integer of the wrong length is a fault when read, never 0', async (t) => {
  for (const hex of ['', '00', '000000', '0000000001']) {
    const read = packet(raw(42, hex))
    t.same(
      get(read, 'Acct-Input-Octets'),
      { fault: 'value-length', offset: 20, attribute: 'Acct-Input-Octets' },
      `'${hex}'`,
    )
    t.match(attributes(read), [{ name: 'Acct-Input-Octets', value: { fault: 'value-length' } }])
    t.same(octetsOf(read, 'Acct-Input-Octets'), octets(hex), 'its octets can still be had')
  }
  t.equal(get(packet(raw(42, 'ffffffff')), 'Acct-Input-Octets'), 4294967295)
  t.equal(get(packet(), 'Acct-Input-Octets'), undefined, 'absent is not 0 either')
})

t.test('text that is not UTF-8 is a fault, so that two names cannot become one', async (t) => {
  for (const hex of ['ff', '61c3', 'c080', 'eda080', '6161616161ff']) {
    t.same(
      get(packet(raw(44, hex)), 'Acct-Session-Id'),
      { fault: 'value-content', offset: 20, attribute: 'Acct-Session-Id' },
      hex,
    )
  }
  t.equal(get(packet(raw(44, '4ac3b67267')), 'Acct-Session-Id'), 'Jörg')
  t.equal(get(packet(raw(44, '6100')), 'Acct-Session-Id'), 'a\0', 'a zero octet is part of the text')
  t.equal(get(packet(raw(44, '')), 'Acct-Session-Id'), '')
})

t.test('enumerations', async (t) => {
  t.equal(get(packet(['Acct-Status-Type', 'Interim-Update']), 'Acct-Status-Type'), 'Interim-Update')
  t.equal(get(packet(['Acct-Status-Type', 8]), 'Acct-Status-Type'), 'Accounting-Off')
  t.equal(get(packet(['Acct-Status-Type', 99]), 'Acct-Status-Type'), 99, 'unlisted values stay numbers')
})

t.test('the first and the others', async (t) => {
  const read = packet(['Class', bytes(1)], ['User-Name', 'a'], ['Class', bytes(2)], raw(42, '00'), [
    'Acct-Input-Octets',
    5,
  ])
  t.same(get(read, 'Class'), bytes(1))
  t.same(all(read, 'Class'), [bytes(1), bytes(2)])
  t.match(all(read, 'Acct-Input-Octets'), [{ fault: 'value-length' }, 5])
  t.same(all(read, 'Proxy-State'), [])
})

t.test('vendor attributes', async (t) => {
  const read = packet(
    raw(26, '00000009' + '0106aabbccdd'),
    raw(26, '0000372a' + '070600000001' + '080600000002' + 'ee03ff'),
    ['WISPr-Bandwidth-Max-Down', 3],
    ['3GPP-IMSI', '001010000000001'],
  )
  t.equal(get(read, 'WISPr-Bandwidth-Max-Up'), 1)
  t.same(all(read, 'WISPr-Bandwidth-Max-Down'), [2, 3], 'several in one Vendor-Specific, and in several')
  t.equal(get(read, '3GPP-IMSI'), '001010000000001')
  t.same(
    attributes(read).map(({ name, vendor, code }) => [name, vendor, code]),
    [
      ['Vendor-Specific', 0, 26],
      ['WISPr-Bandwidth-Max-Up', 14122, 7],
      ['WISPr-Bandwidth-Max-Down', 14122, 8],
      [undefined, 14122, 0xee],
      ['WISPr-Bandwidth-Max-Down', 14122, 8],
      ['3GPP-IMSI', 10415, 1],
    ],
  )
  // RFC 2865 §5.26: a vendor may use a format of its own, so these are opaque, not faults.
  for (const hex of [
    '',
    '00',
    '0000372a',
    '0000372a07',
    '0000372a0700',
    '0000372a0701',
    '0000372a0707000000',
    '0000372a07060000000108',
  ]) {
    const opaque = packet(raw(26, hex))
    t.equal(get(opaque, 'WISPr-Bandwidth-Max-Up'), undefined, `'${hex}'`)
    t.match(attributes(opaque), [{ name: 'Vendor-Specific', value: octets(hex) }])
  }
  t.match(get(packet(raw(26, '0000372a' + '0705000001')), 'WISPr-Bandwidth-Max-Up'), {
    fault: 'value-length',
    offset: 26,
  })
  const far = raw(26, 'ffffffff' + '0106aabbccdd')
  t.match(attributes(packet(far)), [{ name: 'Vendor-Specific', value: far.octets }], 'vendor numbers have 32 bits')
})

t.test('tags', async (t) => {
  t.same(get(packet(raw(64, '0100000d')), 'Tunnel-Type'), { tag: 1, value: 'VLAN' })
  t.same(get(packet(raw(64, '2000000d')), 'Tunnel-Type'), { tag: 0, value: 'VLAN' }, 'no tag above 31')
  t.match(get(packet(raw(64, '00000d')), 'Tunnel-Type'), { fault: 'value-length' })
  t.same(get(packet(raw(81, '1f3432')), 'Tunnel-Private-Group-ID'), { tag: 31, value: '42' })
  t.same(get(packet(raw(81, '3432')), 'Tunnel-Private-Group-ID'), { tag: 0, value: '42' }, 'an untagged string')
  t.same(get(packet(raw(81, '')), 'Tunnel-Private-Group-ID'), { tag: 0, value: '' })
})

t.test('EAP-Message is one, however many attributes carry it', async (t) => {
  for (const length of [0, 1, 253, 254, 506, 1000]) {
    const message = new Uint8Array(length).map((_, index) => index)
    const read = packet(['User-Name', 'nemo'], ['EAP-Message', message])
    t.same(new Uint8Array(get(read, 'EAP-Message') as Uint8Array), message, `${length} octets`)
    t.equal(all(read, 'EAP-Message').length, Math.max(1, Math.ceil(length / 253)), 'parts')
  }
})

t.test('IPv6 values', async (t) => {
  const prefix = (hex: string) => get(packet(raw(97, hex)), 'Framed-IPv6-Prefix')
  t.equal(prefix('0000'), '::/0')
  t.equal(prefix('002020010db8'), '2001:db8::/32')
  t.equal(prefix(`0080${'20010db8'.padEnd(32, '0')}`), '2001:db8::/128')
  t.match(prefix('00'), { fault: 'value-content' }, 'too short')
  t.match(prefix('002020010d'), { fault: 'value-content' }, 'fewer octets than the prefix length says')
  t.match(prefix('001f20010db9'), { fault: 'value-content' }, 'bits beyond the prefix')
  t.match(prefix(`0081${'0'.repeat(34)}`), { fault: 'value-content' }, 'too long')
  t.equal(get(packet(raw(96, '0102030405060708')), 'Framed-Interface-Id'), '0102:0304:0506:0708')
  t.match(get(packet(raw(95, '00')), 'NAS-IPv6-Address'), { fault: 'value-length' })
})

t.test('what cannot be written throws', async (t) => {
  const bad: NamedAttribute[] = [
    ['Acct-Input-Octets', -1],
    ['Acct-Input-Octets', 2 ** 32],
    ['Acct-Input-Octets', 0.5],
    ['Acct-Status-Type', Number.NaN],
    ['3GPP-RAT-Type', 256],
    ['User-Name', 'x'.repeat(254)],
    ['User-Name', 'ä'.repeat(127)],
    ['User-Name', '\ud800'],
    ['Class', new Uint8Array(254)],
    ['NAS-IP-Address', '192.0.2'],
    ['NAS-IPv6-Address', '192.0.2.1'],
    ['Framed-IPv6-Prefix', '2001:db8::/129'],
    ['Framed-IPv6-Prefix', '2001:db8::1/64'],
    ['Framed-Interface-Id', '1:2:3'],
    ['Event-Timestamp', millis(-1)],
    ['Event-Timestamp', millis(2 ** 32 * 1000)],
    ['Tunnel-Type', { tag: 32, value: 'VLAN' }],
    ['Tunnel-Preference', { tag: 1, value: 2 ** 24 }],
    ['WISPr-Location-Name', 'x'.repeat(248)],
  ]
  for (const attribute of bad) {
    t.equal(
      codeOf(() => packet(attribute)),
      'RADIUS_VALUE_INVALID',
      `${attribute[0]} ${String(attribute[1]).slice(0, 20)}`,
    )
  }
  t.equal(
    codeOf(() => encode({ code: 4, identifier: 256, attributes: [] })),
    'RADIUS_VALUE_INVALID',
    'identifier',
  )
  t.equal(
    codeOf(() => encode({ code: 4, identifier: 0, authenticator: bytes(1), attributes: [] })),
    'RADIUS_VALUE_INVALID',
    'authenticator',
  )
  const full = Array.from({ length: 16 }, (): NamedAttribute => ['Class', new Uint8Array(252)])
  t.equal(packet(...full.slice(0, 15), ['Class', new Uint8Array(253)], ['Class', new Uint8Array(9)]).bytes.length, 4096)
  for (const last of [
    ['User-Name', 'x'.repeat(11)],
    ['NAS-Port', 1],
    ['WISPr-Bandwidth-Max-Up', 1],
  ] as NamedAttribute[]) {
    const list: NamedAttribute[] = [...full, ['Class', new Uint8Array(5)], last]
    t.equal(
      codeOf(() => packet(...list)),
      'RADIUS_PACKET_TOO_LONG',
      String(last[0]),
    )
  }
  t.equal(
    codeOf(() => packet(raw(1, '00'.repeat(254)))),
    'RADIUS_VALUE_INVALID',
    'raw octets',
  )
})

t.test('largest values', async (t) => {
  t.equal(get(packet(['User-Name', 'x'.repeat(253)]), 'User-Name'), 'x'.repeat(253))
  t.equal(get(packet(['WISPr-Location-Name', 'x'.repeat(247)]), 'WISPr-Location-Name'), 'x'.repeat(247))
  t.equal(get(packet(['Event-Timestamp', millis(4294967295999n)]), 'Event-Timestamp'), 4294967295000n)
})

t.test('every row names its clause and has a codec', async (t) => {
  t.ok(definitions().length > 150)
  for (const { name, row } of definitions()) {
    t.match(
      row.ref,
      /^(RFC \d{4} §[\d.]+|TS 29\.061 §16\.4\.7|WISPr 1\.0|WBA RADIUS-VSA|Hotspot 2\.0|(MikroTik|ArubaOS|Ruckus|Cisco WLC|CoovaChilli) RADIUS)$/,
      name,
    )
    t.ok(row.code >= 1 && row.code <= 255, name)
    for (const value of Object.keys(row.values ?? {})) t.ok(Number(value) < 2 ** 24, `${name} ${value}`)
  }
})
