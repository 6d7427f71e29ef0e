import assert from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import {
  type ActivationCode,
  formatActivationCode,
  newMatchingId,
  parseActivationCode,
} from '../../sim-provisioning/esim/activation-code.ts'

// SGP.22 §4.1, the examples there.
const EXAMPLES: readonly (readonly [string, ActivationCode])[] = [
  [
    '1$SMDP.GSMA.COM$04386-AGYFT-A74Y8-3F815',
    { smdpAddress: 'SMDP.GSMA.COM', matchingId: '04386-AGYFT-A74Y8-3F815', confirmationCode: false },
  ],
  [
    '1$SMDP.GSMA.COM$04386-AGYFT-A74Y8-3F815$$1',
    { smdpAddress: 'SMDP.GSMA.COM', matchingId: '04386-AGYFT-A74Y8-3F815', confirmationCode: true },
  ],
  [
    '1$SMDP.GSMA.COM$04386-AGYFT-A74Y8-3F815$1.3.6.1.4.1.31746$1',
    {
      smdpAddress: 'SMDP.GSMA.COM',
      matchingId: '04386-AGYFT-A74Y8-3F815',
      oid: '1.3.6.1.4.1.31746',
      confirmationCode: true,
    },
  ],
  [
    '1$SMDP.GSMA.COM$04386-AGYFT-A74Y8-3F815$1.3.6.1.4.1.31746',
    {
      smdpAddress: 'SMDP.GSMA.COM',
      matchingId: '04386-AGYFT-A74Y8-3F815',
      oid: '1.3.6.1.4.1.31746',
      confirmationCode: false,
    },
  ],
  [
    '1$SMDP.GSMA.COM$$1.3.6.1.4.1.31746',
    { smdpAddress: 'SMDP.GSMA.COM', matchingId: '', oid: '1.3.6.1.4.1.31746', confirmationCode: false },
  ],
]

t.test('the examples of the standard, both ways', async (t) => {
  for (const [text, code] of EXAMPLES) {
    t.same(parseActivationCode(text), code)
    t.same(parseActivationCode(`LPA:${text}`), code)
    t.equal(formatActivationCode(code), `LPA:${text}`)
  }
})

t.test('what is no code is refused, and no token repeated', async (t) => {
  const token = 'SECRET-TOKEN-7'
  const bad = [
    '',
    'LPA:',
    '1$smdp.example.com',
    `2$smdp.example.com$${token}`,
    `1$$${token}`,
    `1$smdp..example.com$${token}`,
    `1$-smdp.example.com$${token}`,
    `1$smdp.example.com/x$${token}`,
    `1$${'a'.repeat(64)}.com$${token}`,
    `1$smdp.example.com$${token.toLowerCase()}`,
    `1$smdp.example.com$${token} `,
    `1$smdp.example.com$${token}$`,
    `1$smdp.example.com$${token}$$`,
    `1$smdp.example.com$${token}$$0`,
    `1$smdp.example.com$${token}$1.2.03`,
    `1$smdp.example.com$${token}$oid`,
    `1$smdp.example.com$${token}$$1$`,
    `1$smdp.example.com$${token.repeat(20)}`,
    `lpa:1$smdp.example.com$${token}`,
  ]
  for (const text of bad) {
    let said = ''
    try {
      parseActivationCode(text)
    } catch (error) {
      said = `${String(error)} ${JSON.stringify(error)}`
    }
    t.match(said, 'ID_INVALID', text)
    t.notMatch(said.toUpperCase(), token)
  }
  const plain = { smdpAddress: 'smdp.example.com', matchingId: token, confirmationCode: false }
  t.throws(() => formatActivationCode({ ...plain, matchingId: 'A$B' }), { code: 'ID_INVALID' })
  t.throws(() => formatActivationCode({ ...plain, smdpAddress: 'a b' }), { code: 'ID_INVALID' })
  t.throws(() => formatActivationCode({ ...plain, matchingId: 'A'.repeat(250) }), { code: 'ID_INVALID' })
})

t.test('every code that can be written is read as the same', async () => {
  const label = fc.stringMatching(/^[A-Za-z0-9]([A-Za-z0-9-]{0,10}[A-Za-z0-9])?$/)
  const code = fc.record({
    smdpAddress: fc.array(label, { minLength: 1, maxLength: 4 }).map((labels) => labels.join('.')),
    matchingId: fc.stringMatching(/^[0-9A-Z-]{0,40}$/),
    oid: fc.option(
      fc.array(fc.nat({ max: 99999 }), { minLength: 1, maxLength: 8 }).map((arcs) => `1.${arcs.join('.')}`),
      { nil: undefined },
    ),
    confirmationCode: fc.boolean(),
  })
  fc.assert(
    fc.property(code, ({ oid, ...rest }) => {
      const made = oid === undefined ? rest : { ...rest, oid }
      assert.deepEqual(parseActivationCode(formatActivationCode(made)), made)
    }),
  )
})

t.test('matching ids are ours alone', async (t) => {
  const made = new Set(Array.from({ length: 1000 }, newMatchingId))
  t.equal(made.size, 1000)
  t.ok([...made].every((id) => /^[2-9A-HJ-NP-Z]{5}(-[2-9A-HJ-NP-Z]{5}){3}$/.test(id)))
})
