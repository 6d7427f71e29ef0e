// The published keys and packets of EAP-AKA' and EAP-SIM.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { SUBTYPE } from '../../core/wire/eap/dict/attributes.ts'
import {
  akaKeys,
  akaPrimeKeys,
  akaPrimeReauthKeys,
  kcOf,
  keysOfMaster,
  reauthKeys,
  simKeys,
  sresOf,
} from '../../core/wire/eap/keys.ts'
import { decodeEap, EAP_CODE, EAP_TYPE, isEapFault } from '../../core/wire/eap/packet.ts'
import { checkSim, decryptSim, encryptSim, signSim } from '../../core/wire/eap/protect.ts'
import { decodeSim, decodeSimAttributes, encodeSim, isSimFault } from '../../core/wire/eap/sim.ts'
import { ckIkPrime } from '../../sim-provisioning/auth/kdf.ts'

interface Vectors {
  readonly akaPrime: readonly Record<
    'identity' | 'network' | 'autn' | 'ck' | 'ik' | 'ckPrime' | 'ikPrime' | 'encr' | 'aut' | 're' | 'msk' | 'emsk',
    string
  >[]
  readonly sim: Record<
    | 'identity'
    | 'kc'
    | 'sres'
    | 'nonceMt'
    | 'versionList'
    | 'selectedVersion'
    | 'mk'
    | 'encr'
    | 'aut'
    | 'msk'
    | 'emsk'
    | 'rands'
    | 'challenge'
    | 'iv'
    | 'pseudonym'
    | 'reauthId',
    string
  >
}

const { akaPrime, sim } = JSON.parse(
  readFileSync(join(import.meta.dirname, '../vectors/eap-keys.json'), 'utf8'),
) as Vectors
const octets = (hex: string): Buffer => Buffer.from(hex, 'hex')
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

for (const [index, v] of akaPrime.entries())
  t.test(`EAP-AKA' keys, case ${index + 1} (RFC 9048 Appendix E)`, async (t) => {
    const { ckPrime, ikPrime } = ckIkPrime(octets(v.ck), octets(v.ik), v.network, octets(v.autn).subarray(0, 6))
    t.equal(hex(ckPrime), v.ckPrime)
    t.equal(hex(ikPrime), v.ikPrime)
    const keys = akaPrimeKeys(ckPrime, ikPrime, Buffer.from(v.identity))
    t.equal(hex(keys.encr), v.encr)
    t.equal(hex(keys.aut), v.aut)
    t.equal(hex(keys.re), v.re)
    t.equal(hex(keys.msk), v.msk)
    t.equal(hex(keys.emsk), v.emsk)
  })

const keys = simKeys(
  octets(sim.kc),
  octets(sim.nonceMt),
  octets(sim.versionList),
  octets(sim.selectedVersion),
  Buffer.from(sim.identity),
)

t.test('EAP-SIM keys (RFC 4186 Appendix A)', async (t) => {
  t.equal(hex(keys.re), sim.mk)
  for (const name of ['encr', 'aut', 'msk', 'emsk'] as const) t.equal(hex(keys[name]), sim[name])
})

t.test('EAP-Request/SIM/Challenge, read, checked and opened (RFC 4186 §A.5)', async (t) => {
  const packet = decodeEap(octets(sim.challenge))
  if (isEapFault(packet)) throw new Error(packet.fault)
  t.match(packet, { code: EAP_CODE.request, identifier: 2, type: EAP_TYPE.sim })
  const message = decodeSim(packet.data)
  if (isSimFault(message)) throw new Error(message.fault)
  t.equal(message.subtype, SUBTYPE.simChallenge)
  t.equal(hex(message.values.get('AT_RAND') ?? octets('')), sim.rands)
  t.ok(checkSim(packet.bytes, message, keys.aut, octets(sim.nonceMt)))
  t.notOk(checkSim(packet.bytes, message, keys.aut), 'without NONCE_MT the MAC is another')
  const inner = decodeSimAttributes(decryptSim(keys.encr, message) ?? octets(''))
  if ('fault' in inner) throw new Error(inner.fault)
  t.equal(Buffer.from(inner.get('AT_NEXT_PSEUDONYM') ?? '').toString(), sim.pseudonym)
  t.equal(Buffer.from(inner.get('AT_NEXT_REAUTH_ID') ?? '').toString(), sim.reauthId)
})

t.test('the same EAP-Request/SIM/Challenge, made', async (t) => {
  const packet = encodeSim(EAP_CODE.request, 2, EAP_TYPE.sim, SUBTYPE.simChallenge, [
    ['AT_RAND', octets(sim.rands)],
    ...encryptSim(keys.encr, octets(sim.iv), [
      ['AT_NEXT_PSEUDONYM', Buffer.from(sim.pseudonym)],
      ['AT_NEXT_REAUTH_ID', Buffer.from(sim.reauthId)],
    ]),
    ['AT_MAC', new Uint8Array(16)],
  ])
  signSim(packet, keys.aut, octets(sim.nonceMt))
  t.equal(hex(packet), sim.challenge)
})

t.test('keys depend on every input', async (t) => {
  const one = octets('01'.repeat(16))
  const two = octets('02'.repeat(16))
  const name = Buffer.from('0001010000000000')
  const counter = octets('0001')
  const all = [
    akaKeys(one, two, name).msk,
    akaKeys(two, one, name).msk,
    akaKeys(one, two, Buffer.from('0')).msk,
    reauthKeys(octets(sim.mk), name, counter, one).msk,
    reauthKeys(octets(sim.mk), name, counter, two).msk,
    reauthKeys(octets(sim.mk), name, octets('0002'), one).msk,
    akaPrimeReauthKeys(octets('03'.repeat(32)), name, counter, one).msk,
    akaPrimeReauthKeys(octets('03'.repeat(32)), name, counter, two).msk,
  ].map(hex)
  t.equal(new Set(all).size, all.length)
  for (const msk of all) t.equal(msk.length, 128)
  t.equal(hex(keysOfMaster(octets(sim.mk)).msk), sim.msk)
})

// TS 33.102 §6.8.1.2, with test set 1 of TS 35.207.
t.test('triplets of a quintet', async (t) => {
  const ck = octets('b40ba9a3c58b2a05bbf0d987b21bf8cb')
  const ik = octets('f769bcd751044604127672711c6d3441')
  t.equal(hex(kcOf(ck, ik)), 'eae4be823af9a08b')
  t.equal(hex(sresOf(octets('a54211d5e3ba50bf'))), '46f8416a')
})
