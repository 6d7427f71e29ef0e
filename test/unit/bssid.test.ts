import fc from 'fast-check'
import t from 'tap'
import { bssid, formatBssid, parseBssid } from '../../core/kernel/bssid.ts'

t.test('the examples of RFC 3580 §3.20', async (t) => {
  t.equal(parseBssid('00-10-A4-23-19-C0'), '0010a42319c0')
  t.equal(parseBssid('00-10-A4-23-19-C0:AP1'), '0010a42319c0')
})

t.test('the notations that access points send', async (t) => {
  const same = [
    '00:10:a4:23:19:c0',
    '00.10.a4.23.19.c0',
    '0010.a423.19c0',
    '0010-a423-19c0',
    '0010a4-2319c0',
    '0010A42319C0',
  ]
  for (const text of same) {
    t.equal(parseBssid(text), '0010a42319c0', text)
    t.equal(parseBssid(`${text}:guest: 5 GHz`), '0010a42319c0', `${text} with an SSID`)
    t.equal(parseBssid(`${text}:`), '0010a42319c0', `${text} with a hidden SSID`)
  }
  t.equal(parseBssid('00-10-a4-23-19-c0:line\nbreak'), '0010a42319c0')
})

t.test('what is no address of one station', async (t) => {
  const bad = [
    '',
    '00-10-A4-23-19',
    '00-10-A4-23-19-C0-11',
    '00-10:A4-23-19-C0',
    '00-10-A4-23-19-CG',
    '00-10-A4-23-19-C0 AP1',
    ' 00-10-A4-23-19-C0',
    '0010a42319c',
    '0010a42319c01',
    '00-00-00-00-00-00',
    'ff-ff-ff-ff-ff-ff',
    '01-00-5e-00-00-01',
    `00-10-A4-23-19-C0:${'x'.repeat(253)}`,
    'cafe',
  ]
  for (const text of bad) {
    t.equal(parseBssid(text), undefined, JSON.stringify(text.slice(0, 30)))
    t.throws(() => bssid(text), { code: 'ID_INVALID', message: /expected the access point's own MAC address/ })
  }
})

t.test('every truncation of an address is refused', async (t) => {
  const whole = '00-10-A4-23-19-C0'
  for (let length = 0; length < whole.length; length++) t.equal(parseBssid(whole.slice(0, length)), undefined)
})

t.test('any address survives writing and reading', async () => {
  const address = fc
    .uint8Array({ minLength: 6, maxLength: 6 })
    .map((octets) => Buffer.from(octets.with(0, (octets[0] ?? 0) & 0xfe)).toString('hex'))
    .filter((digits) => digits !== '000000000000')
  fc.assert(
    fc.property(address, fc.string({ maxLength: 32 }), (digits, ssid) => {
      return parseBssid(`${formatBssid(digits).toUpperCase()}:${ssid}`) === digits
    }),
  )
})

t.test('no text makes the parser throw', async () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 400 }), (text) => {
      const parsed = parseBssid(text)
      return parsed === undefined || /^[0-9a-f]{12}$/.test(parsed)
    }),
  )
})
