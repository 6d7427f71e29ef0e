import t from 'tap'
import { formatIpv4, formatIpv6, parseAddress, parseIpv4, parseIpv6 } from '../../core/wire/bytes/address.ts'

t.test('IPv4', async (t) => {
  t.equal(parseIpv4('0.0.0.0'), 0)
  t.equal(parseIpv4('255.255.255.255'), 0xffffffff)
  t.equal(parseIpv4('192.0.2.1'), 0xc0000201)
  t.equal(formatIpv4(Uint8Array.of(192, 0, 2, 1)), '192.0.2.1')
  for (const bad of [
    '',
    '1',
    '1.2.3',
    '1.2.3.4.5',
    '1.2.3.256',
    '01.2.3.4',
    '1..2.3',
    '1.2.3.4 ',
    '-1.2.3.4',
    '1.2.3.',
  ]) {
    t.equal(parseIpv4(bad), -1, JSON.stringify(bad))
  }
})

t.test('IPv6 as RFC 5952 writes it', async (t) => {
  const same = [
    '::',
    '::1',
    '1::',
    '2001:db8::1',
    '2001:db8:0:1:1:1:1:1',
    '2001:0:0:1::1',
    '::ffff:192.0.2.1',
    'fe80::1:0:0:1',
  ]
  for (const text of same) t.equal(formatIpv6(parseIpv6(text) ?? new Uint8Array(16)), text, text)
  const other: [string, string][] = [
    ['2001:0DB8:0000:0000:0000:0000:0000:0001', '2001:db8::1'],
    ['2001:db8::0:1', '2001:db8::1'],
    ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['::ffff:c000:201', '::ffff:192.0.2.1'],
    ['64:ff9b::192.0.2.33', '64:ff9b::c000:221'],
  ]
  for (const [text, canonical] of other) t.equal(formatIpv6(parseIpv6(text) ?? new Uint8Array(16)), canonical, text)
  const bad = [
    '',
    ':',
    ':::',
    '1::2::3',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '1:2:3:4:5:6:7::8:9',
    '12345::',
    'g::',
    '::1%eth0',
    '1.2.3.4',
    '1.2.3.4::',
    '::1.2.3',
  ]
  for (const text of bad) t.equal(parseIpv6(text), undefined, JSON.stringify(text))
})

t.test('IPv4 and IPv4-mapped IPv6 are one', async (t) => {
  t.same(parseAddress('192.0.2.1'), parseAddress('::ffff:192.0.2.1'))
  t.equal(parseAddress('nowhere'), undefined)
})
