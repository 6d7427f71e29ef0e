import fc from 'fast-check'
import t from 'tap'
import { eid } from '../../core/kernel/eid.ts'
import { decodeIccid, encodeIccid, iccid, iccidOf } from '../../core/kernel/iccid.ts'
import { imsi } from '../../core/kernel/ids.ts'
import { imei } from '../../core/kernel/imei.ts'
import { luhnDigit, luhnValid } from '../../core/kernel/luhn.ts'
import { homePlmn, mncDigits, simImsi } from '../../sim-provisioning/profiles/home-imsi.ts'
import { msisdn } from '../../sim-provisioning/profiles/msisdn.ts'

const digits = (length: number) => fc.stringMatching(new RegExp(`^[0-9]{${length}}$`))

t.test('Luhn: the example of ISO/IEC 7812-1, and every single wrong digit is found', async (t) => {
  t.equal(luhnDigit('7992739871'), '3')
  fc.assert(
    fc.property(digits(18), fc.nat(17), fc.integer({ min: 1, max: 9 }), (body, at, by) => {
      const whole = body + luhnDigit(body)
      const wrong = whole.slice(0, at) + ((Number(whole[at]) + by) % 10) + whole.slice(at + 1)
      return luhnValid(whole) && !luhnValid(wrong)
    }),
  )
})

t.test('ICCID: E.118, with or without the filler', async (t) => {
  for (const good of ['8988211000000000011', '89882110000000000116', '8949440000001672706'])
    t.equal(luhnValid(good) ? iccid(good) : good, good)
  t.equal(iccid('8988211000000000011F'), '8988211000000000011')
  for (const bad of [
    '',
    '8988211000000000012',
    '7988211000000000011',
    '898821100000000001',
    '8988211000000000011FF',
    ' 8988211000000000011',
    '898821100000000001a',
  ])
    t.throws(() => iccid(bad), { code: 'ID_INVALID' }, bad)
  t.notMatch(String(t.throws(() => iccid('8988211000000000012'))), /00000000012/)
  t.equal(Buffer.from(encodeIccid(iccid('8988211000000000011'))).toString('hex'), '988812010000000010f1')
  fc.assert(
    fc.property(fc.integer({ min: 15, max: 17 }), digits(17), (length, rest) => {
      const value = iccidOf(`89${rest.slice(0, length)}`)
      return decodeIccid(encodeIccid(value)) === value
    }),
  )
})

t.test('EID: MOD 97-10', async (t) => {
  t.equal(eid('89882119900000000000000000001654'), '89882119900000000000000000001654')
  for (const bad of [
    '89882119900000000000000000001655',
    '8988211990000000000000000000165',
    '00000000000000000000000000000001',
  ])
    t.throws(() => eid(bad), { code: 'ID_INVALID' }, bad)
})

t.test('IMEI and IMEISV: TS 23.003 §6.2', async (t) => {
  t.equal(imei('490154203237518'), '490154203237518')
  t.equal(imei('49015420323751'), '490154203237518')
  t.equal(imei('490154203237510'), '490154203237518', 'a network sends 0 for the check digit')
  t.equal(imei('4901542032375101'), '490154203237518')
  for (const bad of ['490154203237519', '4901542032375', '49015420323751800', 'x90154203237518'])
    t.throws(() => imei(bad), { code: 'ID_INVALID' }, bad)
})

t.test('IMSI: the length of the MNC is data', async (t) => {
  const digits = imsi('310410123456789')
  t.same(homePlmn(digits, 3), { mcc: '310', mnc: '410' })
  t.same(homePlmn(digits, 2), { mcc: '310', mnc: '41' })
  t.throws(() => simImsi('00101000000001'), { code: 'ID_INVALID' })
  t.equal(mncDigits('3'), 3)
  for (const bad of ['', '1', '4', '02']) t.throws(() => mncDigits(bad), { code: 'ID_INVALID' })
})

t.test('MSISDN: by the numbering plans, never repeated', async (t) => {
  for (const [text, plain] of [
    ['+44 7400 123456', '447400123456'],
    ['447400123456', '447400123456'],
    ['+1 (415) 555-2671', '14155552671'],
  ] as const)
    t.equal(msisdn(text), plain)
  for (const bad of ['', '07400 123456', '+44 7400 12345', '+999123456789', '447400123456x', '+']) {
    t.throws(() => msisdn(bad), { code: 'ID_INVALID' }, bad)
    try {
      msisdn(bad)
    } catch (error) {
      t.notMatch(String(error), /7400 12345|9123/)
    }
  }
})
