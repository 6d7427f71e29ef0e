// Whatever a peer or a person sends is read, or refused with an error of the catalogue; nothing else is thrown.
import fc from 'fast-check'
import t from 'tap'
import { isTallycellError } from '../../core/kernel/errors.ts'
import { parseActivationCode } from '../../sim-provisioning/esim/activation-code.ts'
import { readProgress } from '../../sim-provisioning/esim/es2plus/messages.ts'
import { describeStatus } from '../../sim-provisioning/esim/es2plus/status-codes.ts'

const REPORT = {
  header: { functionRequesterIdentifier: 'smdp', functionCallIdentifier: '1' },
  iccid: '8988211000000000011F',
  notificationPointId: 3,
  notificationPointStatus: { status: 'Failed', statusCodeData: { subjectCode: '8.2.7', reasonCode: '6.4' } },
}
const paths = Object.keys(REPORT)

t.test('reports with anything in the place of a member', async (t) => {
  let taken = 0
  fc.assert(
    fc.property(fc.constantFrom(...paths), fc.jsonValue({ maxDepth: 3 }), (member, value) => {
      const read = readProgress({ ...REPORT, [member]: value })
      if ('progress' in read) taken++
      else if (read.wrong === '' || read.wrong.includes('8988211')) throw new Error(read.wrong)
    }),
    { numRuns: 2000 },
  )
  fc.assert(fc.property(fc.jsonValue(), (value) => 'wrong' in readProgress(value)))
  t.ok('progress' in readProgress(REPORT))
  t.ok(taken < 2000)
})

t.test('activation codes of any text', async () => {
  const part = fc.constantFrom('LPA:', '1', '$', 'smdp.example.com', 'A-1', '1.2.3', '', ' ', '\u0000', 'ß')
  const text = fc.oneof(
    fc.string(),
    fc.array(part, { maxLength: 12 }).map((parts) => parts.join('')),
  )
  fc.assert(
    fc.property(text, (came) => {
      try {
        parseActivationCode(came)
      } catch (error) {
        if (!isTallycellError(error)) throw error
      }
    }),
    { numRuns: 5000 },
  )
})

t.test('status codes of any text repeat none of it that is no code', async () => {
  const strange = fc.string({ minLength: 1 }).filter((text) => !/^[0-9.]+$/.test(text))
  fc.assert(
    fc.property(strange, strange, (subject, reason) => {
      const { meaning, advice } = describeStatus(subject, reason)
      return meaning === 'something: no reason that is known' && advice !== ''
    }),
  )
})
