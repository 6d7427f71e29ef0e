// Concealing and revealing against TS 33.501 Annex C.4, and that nothing but the right SUCI for the right key opens.
import { createECDH, createPrivateKey } from 'node:crypto'
import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import t from 'tap'
import { conceal, deconceal } from '../../sim-provisioning/auth/suci/conceal.ts'
import { deriveKeys, keyPair, type Profile } from '../../sim-provisioning/auth/suci/ecies.ts'
import { homeKey, homeKeyFromPem, homeKeys } from '../../sim-provisioning/auth/suci/home-keys.ts'
import { decodeSuci } from '../../sim-provisioning/auth/suci/nas.ts'
import { isSuciFault, type Suci } from '../../sim-provisioning/auth/suci/suci.ts'
import { formatSuci, parseSuci } from '../../sim-provisioning/auth/suci/text.ts'

interface Row {
  readonly source: string
  readonly scheme: string
  readonly supi: string
  readonly suci: string
  readonly nas?: string
  readonly homePrivate?: string
  readonly [field: string]: string | undefined
}

const read = (name: string) => JSON.parse(readFileSync(new URL(`../vectors/sim/${name}`, import.meta.url), 'utf8'))
const rows: readonly Row[] = read('suci.json').sets
const octets = (text: string | undefined): Uint8Array => new Uint8Array(Buffer.from(text ?? '', 'hex'))
const hex = (bytes: Uint8Array | undefined): string => Buffer.from(bytes ?? []).toString('hex')
const concealed = rows.filter(({ homePrivate }) => homePrivate !== undefined)
const profileOf = ({ scheme }: Row): Profile => Number(scheme) as Profile

function parsed(text: string): Suci {
  const suci = parseSuci(text)
  if (isSuciFault(suci)) throw new Error(`${suci.fault}: ${suci.field}`)
  return suci
}

t.equal(concealed.length, 4, 'both profiles, for both kinds of identity')

for (const row of concealed) {
  t.test(row.source, async (t) => {
    const profile = profileOf(row)
    const home = homeKey(27, profile, octets(row.homePrivate))
    t.equal(hex(home.publicKey), row.homePublic, "home network's public key")
    const phone = keyPair(profile, octets(row.ephemeralPrivate))
    t.equal(hex(phone?.publicKey), row.ephemeralPublic, 'ephemeral public key')
    t.equal(hex(phone?.agree(home.publicKey)), row.shared, "phone's shared secret")
    t.equal(hex(home.agree(octets(row.ephemeralPublic))), row.shared, "home network's shared secret")
    const keys = deriveKeys(octets(row.shared), octets(row.ephemeralPublic))
    t.equal(hex(keys.encryptionKey), row.encryptionKey, 'encryption key')
    if (row.icb !== undefined) t.equal(hex(keys.icb), row.icb, 'initial counter block')
    t.equal(hex(keys.macKey), row.macKey, 'MAC key')
    const made = conceal(
      row.supi,
      { profile, keyId: 27, homePublicKey: home.publicKey, ephemeralPrivateKey: octets(row.ephemeralPrivate) },
      { mncDigits: 3, routingIndicator: '678' },
    )
    t.equal(formatSuci(made), row.suci, 'concealed')
    t.equal(hex(made.output), `${row.ephemeralPublic}${row.cipher}${row.mac}`, 'scheme output')
    t.same(deconceal(parsed(row.suci), homeKeys([home])), { supi: row.supi }, 'revealed')
  })
}

for (const row of rows.filter(({ scheme }) => scheme === '0')) {
  t.test(row.source, async (t) => {
    t.equal(formatSuci(conceal(row.supi, undefined, { mncDigits: 3, routingIndicator: '678' })), row.suci)
    t.same(deconceal(parsed(row.suci), homeKeys([])), { supi: row.supi })
    t.same(deconceal(parsed(row.suci), homeKeys([]), { nullScheme: 'refuse' }), {
      fault: 'null-scheme',
      field: 'protection scheme identifier',
    })
  })
}

t.test('the SUCI that a foreign phone sent and a foreign AMF wrote', async (t) => {
  const { nas, text, supi } = read('open5gs-aka.json').suci
  const suci = decodeSuci(octets(nas))
  if (isSuciFault(suci)) return t.fail(suci.fault)
  t.equal(formatSuci(suci), text)
  t.same(deconceal(suci, homeKeys([])), { supi })
})

const scalar = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => bytes.with(0, 1))
const profile = fc.constantFrom<Profile>(1, 2)
const supi = fc.oneof(
  fc.stringMatching(/^[0-9]{7,15}$/).map((digits) => `imsi-${digits}`),
  fc
    .tuple(fc.stringMatching(/^[a-z0-9._é-]{1,40}$/), fc.stringMatching(/^[a-z0-9]{1,20}\.example$/))
    .map(([user, realm]) => `nai-${user}@${realm}`),
)

t.test('what is concealed for one of several keys is revealed again', async () => {
  fc.assert(
    fc.property(
      supi,
      fc.uniqueArray(fc.tuple(fc.nat(255), profile, scalar), { selector: ([id]) => id, minLength: 1, maxLength: 4 }),
      scalar,
      fc.nat(3),
      fc.stringMatching(/^[0-9]{1,4}$/),
      fc.constantFrom<2 | 3>(2, 3),
      (identity, list, ephemeralPrivateKey, choice, routingIndicator, mncDigits) => {
        const keys = list.map(([id, of, secret]) => homeKey(id, of, secret))
        const key = keys[choice % keys.length]
        if (key === undefined) return false
        const suci = conceal(
          identity,
          { profile: key.profile, keyId: key.id, homePublicKey: key.publicKey, ephemeralPrivateKey },
          { mncDigits, routingIndicator },
        )
        const again = parsed(formatSuci(suci) as string)
        const revealed = deconceal(again, homeKeys(keys))
        return !isSuciFault(revealed) && revealed.supi === identity
      },
    ),
  )
})

for (const row of concealed) {
  t.test(`${row.source}: any flipped bit and any cut is refused`, async (t) => {
    const keys = homeKeys([homeKey(27, profileOf(row), octets(row.homePrivate))])
    const suci = parsed(row.suci)
    const faults = new Set<string>()
    for (let bit = 0; bit < suci.output.length * 8; bit++) {
      const output = suci.output.with(bit >> 3, (suci.output[bit >> 3] ?? 0) ^ (1 << (bit & 7)))
      const verdict = deconceal({ ...suci, output }, keys)
      if (isSuciFault(verdict)) faults.add(verdict.fault)
      else t.fail(`bit ${bit}`)
    }
    for (const fault of faults) t.match(fault, /^(mac|point)$/)
    for (let length = 0; length < suci.output.length; length++) {
      const verdict = deconceal({ ...suci, output: suci.output.subarray(0, length) }, keys)
      const kinds = isSuciFault(verdict) ? verdict.fault : 'revealed'
      t.match(kinds, /^(output-length|mac)$/, `cut to ${length}`)
    }
    const longer = new Uint8Array(suci.output.length + 300)
    longer.set(suci.output)
    t.match(deconceal({ ...suci, output: longer }, keys), { fault: 'output-length' })
  })
}

t.test('which key a SUCI is for', async (t) => {
  const [a, , b] = concealed
  if (a === undefined || b === undefined) return t.fail('no rows')
  const keys = homeKeys([
    homeKey(1, 1, octets(a.homePrivate)),
    homeKey(2, 2, octets(b.homePrivate)),
    homeKey(3, 1, new Uint8Array(32).fill(7)),
  ])
  const suci = parsed(a.suci)
  t.match(deconceal({ ...suci, keyId: 1 }, keys), { supi: a.supi })
  t.match(deconceal({ ...suci, keyId: 2 }, keys), { fault: 'key-scheme' })
  t.match(deconceal({ ...suci, keyId: 3 }, keys), { fault: 'mac' })
  t.match(deconceal({ ...suci, keyId: 4 }, keys), { fault: 'key-unknown' })
  t.match(deconceal({ ...suci, keyId: 1, scheme: 2 }, keys), { fault: 'key-scheme' })
  for (let scheme = 3; scheme < 16; scheme++) {
    t.match(deconceal({ ...suci, keyId: 1, scheme }, keys), { fault: 'scheme-unknown' })
  }
})

t.test('public keys that give secrets away are no points', async (t) => {
  const a = homeKey(1, 1, new Uint8Array(32).fill(9))
  // RFC 7748 §6.1: the points of small order, and their other spellings.
  for (const point of [
    '0000000000000000000000000000000000000000000000000000000000000000',
    '0100000000000000000000000000000000000000000000000000000000000000',
    'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800',
    '5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157',
    'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
    'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
    'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  ]) {
    t.equal(a.agree(octets(point)), undefined, point)
    const suci = parsed(`suci-0-001-01-0-1-1-${point}00112233445566778899`)
    t.match(deconceal(suci, homeKeys([a])), { fault: 'point' })
  }
  const b = homeKey(2, 2, new Uint8Array(32).fill(9))
  const whole = createECDH('prime256v1')
  whole.setPrivateKey(new Uint8Array(32).fill(5))
  for (const point of [
    `00${'00'.repeat(32)}`,
    `02${'ff'.repeat(32)}`,
    `02${'00'.repeat(31)}01`,
    `04${hex(whole.getPublicKey()).slice(2, 66)}`,
    hex(whole.getPublicKey()),
    hex(whole.getPublicKey(null, 'hybrid')),
    '00',
    '',
  ]) {
    t.equal(b.agree(octets(point)), undefined, point)
  }
  t.equal(b.agree(whole.getPublicKey(null, 'compressed'))?.length, 32)
})

t.test('what is concealed must be an identity', async (t) => {
  const key = homeKey(1, 1, new Uint8Array(32).fill(9))
  const keys = homeKeys([key])
  const home = { mcc: '274', mnc: '012' }
  for (const [what, of, plain] of [
    ['a letter for a digit', home, '0a'],
    ['a filler in the middle', home, 'f110'],
    ['a filler in the low half', home, '0f'],
    ['a filler for both', home, 'ff'],
    ['ten digits after a PLMN of six', home, '0000000000'],
    ['six octets', home, '000000000000'],
    ['nothing', home, ''],
    ['a user with an at sign', { realm: 'example.org' }, '6140'],
    ['a control character', { realm: 'example.org' }, '610a'],
    ['no UTF-8', { realm: 'example.org' }, 'ff'],
    ['no user', { realm: 'example.org' }, ''],
  ] as const) {
    const suci = { home: of, routingIndicator: '0', scheme: 0, keyId: 0, output: octets(plain) }
    t.match(deconceal(suci, keys), { fault: 'plain' }, what)
  }
})

t.test('whatever octets come, there is a verdict', async () => {
  const keys = homeKeys([homeKey(0, 1, new Uint8Array(32).fill(9)), homeKey(255, 2, new Uint8Array(32).fill(8))])
  const suci = fc.record({
    home: fc.constantFrom({ mcc: '001', mnc: '01' }, { realm: 'example.org' }),
    routingIndicator: fc.constant('0'),
    scheme: fc.nat(15),
    keyId: fc.constantFrom(0, 1, 255),
    output: fc.uint8Array({ maxLength: 300 }),
  })
  fc.assert(
    fc.property(suci, (value) => {
      const verdict = deconceal(value, keys)
      return isSuciFault(verdict) || /^(imsi-[0-9]{6,15}|nai-[^@]+@example\.org)$/.test(verdict.supi)
    }),
    { numRuns: 500 },
  )
})

t.test('keys of the home network', async (t) => {
  const [a] = concealed
  t.throws(() => homeKey(256, 1, new Uint8Array(32)), { code: 'SUCI_KEY_INVALID' })
  t.throws(() => homeKey(-1, 1, new Uint8Array(32)), { code: 'SUCI_KEY_INVALID' })
  t.throws(() => homeKey(1.5, 1, new Uint8Array(32)), { code: 'SUCI_KEY_INVALID' })
  t.throws(() => homeKey(1, 1, new Uint8Array(31)), { code: 'SUCI_KEY_INVALID', message: /31 octets/ })
  t.throws(() => homeKey(1, 2, new Uint8Array(32)), { code: 'SUCI_KEY_INVALID', message: /order of the curve/ })
  t.throws(() => homeKey(1, 2, new Uint8Array(32).fill(255)), { code: 'SUCI_KEY_INVALID' })
  const key = homeKey(27, 1, octets(a?.homePrivate))
  t.throws(() => homeKeys([key, key]), { code: 'SUCI_KEY_INVALID', message: /27/ })
  t.notMatch(JSON.stringify(key), new RegExp(a?.homePrivate ?? '', 'i'), 'nothing private is serialised')
  const der = Buffer.from(`302e020100300506032b656e04220420${a?.homePrivate}`, 'hex')
  const pem = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }).export({ format: 'pem', type: 'pkcs8' })
  t.equal(hex(homeKeyFromPem(27, pem.toString()).publicKey), a?.homePublic)
  t.throws(() => homeKeyFromPem(27, 'no key'), { code: 'SUCI_KEY_INVALID', message: /PEM/ })
  const b = concealed[2]
  const secret = octets(b?.homePrivate)
  const ecdh = createECDH('prime256v1')
  ecdh.setPrivateKey(secret)
  const point = ecdh.getPublicKey()
  const url = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64url')
  const ec = createPrivateKey({
    format: 'jwk',
    key: { kty: 'EC', crv: 'P-256', d: url(secret), x: url(point.subarray(1, 33)), y: url(point.subarray(33)) },
  })
  for (const type of ['pkcs8', 'sec1'] as const) {
    const loaded = homeKeyFromPem(27, ec.export({ format: 'pem', type }).toString())
    t.equal(hex(loaded.publicKey), b?.homePublic)
    t.equal(loaded.profile, 2)
  }
})

t.test('what cannot be concealed', async (t) => {
  for (const bad of [
    '',
    'imsi-',
    'imsi-12345',
    'imsi-1234567890123456',
    'imsi-12345x',
    'nai-a',
    'nai-@b',
    'nai-a@',
    'nai-a@-b',
    'gci-1',
  ]) {
    t.throws(() => conceal(bad), { code: 'ID_INVALID' }, bad)
  }
  const key = homeKey(1, 1, new Uint8Array(32).fill(9))
  const protection = {
    profile: 1,
    keyId: 1,
    homePublicKey: key.publicKey,
    ephemeralPrivateKey: new Uint8Array(32).fill(3),
  } as const
  for (const wrong of [
    { homePublicKey: new Uint8Array(32) },
    { homePublicKey: new Uint8Array(33).fill(2) },
    { ephemeralPrivateKey: new Uint8Array(31) },
    { profile: 2, ephemeralPrivateKey: new Uint8Array(32) },
  ] as const) {
    t.throws(() => conceal('imsi-001010000000001', { ...protection, ...wrong }), { code: 'SUCI_KEY_INVALID' })
  }
})
