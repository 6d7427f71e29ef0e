// Vectors and their keys against RFC 9048 and against what a foreign core handed out.
import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import t from 'tap'
import { openAuts } from '../../sim-provisioning/auth/auts.ts'
import { ckIkPrime, hresStar, resStar } from '../../sim-provisioning/auth/kdf.ts'
import { milenage } from '../../sim-provisioning/auth/milenage.ts'
import { decodePlmn, encodePlmn, isServingNetworkName, servingNetworkName } from '../../sim-provisioning/auth/plmn.ts'
import { readSqn, sqn } from '../../sim-provisioning/auth/sqn.ts'
import { tuak } from '../../sim-provisioning/auth/tuak.ts'
import { answer, newUsim } from '../../sim-provisioning/auth/usim.ts'
import {
  akaPrimeVector,
  epsVector,
  hasSeparationBit,
  homeVector,
  servingVector,
  umtsVector,
  withSeparationBit,
} from '../../sim-provisioning/auth/vector.ts'

const read = (name: string) => JSON.parse(readFileSync(new URL(`../vectors/sim/${name}`, import.meta.url), 'utf8'))
const octets = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'hex'))
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
const written = (vector: object) =>
  Object.fromEntries(Object.entries(vector).map(([name, value]) => [name, hex(value as Uint8Array)]))

const recorded = read('open5gs-aka.json')
const functions = milenage(octets(recorded.k), octets(recorded.opc))
const amf = octets(recorded.amf)
const network: string = recorded.servingNetworkName

/** The sequence number inside a recorded AUTN. */
function sqnOf(rand: Uint8Array, autn: Uint8Array) {
  const { ak } = functions.f2345(rand)
  return readSqn(autn.subarray(0, 6).map((octet, index) => octet ^ (ak[index] ?? 0)))
}

t.test('5G vectors of a foreign UDM and AUSF', async (t) => {
  t.equal(recorded.fiveG.length, 5)
  for (const row of recorded.fiveG as Record<string, string>[]) {
    const rand = octets(row.rand ?? '')
    const home = homeVector(functions, rand, sqnOf(rand, octets(row.autn ?? '')), amf, network)
    const { rand: _, autn, xresStar, kAusf } = written(home)
    t.same({ autn, xresStar, kAusf }, { autn: row.autn, xresStar: row.xresStar, kAusf: row.kAusf })
    const serving = written(servingVector(home, network))
    t.equal(serving.hxresStar, row.hxresStar)
    if (row.kSeaf !== undefined) t.equal(serving.kSeaf, row.kSeaf)
  }
})

t.test('EPS vectors of a foreign HSS', async (t) => {
  t.equal(recorded.eps.length, 12)
  for (const row of recorded.eps as Record<string, string>[]) {
    const rand = octets(row.rand ?? '')
    const made = epsVector(functions, rand, sqnOf(rand, octets(row.autn ?? '')), amf, octets(recorded.plmn))
    t.same(written(made), { rand: row.rand, autn: row.autn, xres: row.xres, kAsme: row.kAsme })
  }
})

t.test('the AUTS of a foreign phone', async (t) => {
  const { rand, auts, sqnMs } = recorded.resynchronisation
  t.same(openAuts(functions, octets(rand), octets(auts)), { verdict: 'accept', sqnMs: BigInt(`0x${sqnMs}`) })
})

t.test("EAP-AKA' of RFC 9048", async (t) => {
  for (const row of read('eap-aka-prime.json').sets) {
    const made = ckIkPrime(octets(row.ck), octets(row.ik), row.networkName, octets(row.autn).subarray(0, 6))
    t.same(written(made), { ckPrime: row.ckPrime, ikPrime: row.ikPrime }, row.source)
  }
  const [row] = read('eap-aka-prime.json').sets
  const set19 = read('milenage.json').sets.find(({ source }: { source: string }) => source === 'TS 35.208 set 19')
  const made = akaPrimeVector(
    milenage(octets(set19.k), octets(set19.opc)),
    octets(row.rand),
    sqn(BigInt(`0x${set19.sqn}`)),
    octets(set19.amf),
    row.networkName,
  )
  const { rand, autn, res, ckPrime, ikPrime } = row
  t.same(written(made), { rand, autn, xres: res, ckPrime, ikPrime }, 'from K and OPc')
})

t.test('the separation bit tells EPS and 5G from UMTS, whatever the AMF was', async (t) => {
  const rand = new Uint8Array(16)
  for (const [text, clear, set] of [
    ['0000', '0000', '8000'],
    ['8000', '0000', '8000'],
    ['7fff', '7fff', 'ffff'],
    ['b9b9', '39b9', 'b9b9'],
  ] as const) {
    const of = (vector: { autn: Uint8Array }) => hex(vector.autn.subarray(6, 8))
    t.equal(of(umtsVector(functions, rand, sqn(1n), octets(text))), clear)
    t.equal(of(epsVector(functions, rand, sqn(1n), octets(text), octets('99f907'))), set)
    t.equal(of(akaPrimeVector(functions, rand, sqn(1n), octets(text), 'WLAN')), set)
    t.equal(of(homeVector(functions, rand, sqn(1n), octets(text), network)), set)
    t.equal(hex(withSeparationBit(octets(text), true)), set)
    t.equal(hasSeparationBit(octets(clear)), false)
    t.equal(hasSeparationBit(octets(set)), true)
  }
})

t.test('what the phone makes of a vector is what the network made of it', async () => {
  const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length })
  fc.assert(
    fc.property(
      bytes(16),
      bytes(32),
      bytes(16),
      fc.bigInt(32n, 2n ** 33n - 1n),
      fc.boolean(),
      (k, opc, rand, seq, other) => {
        const algorithm = other ? tuak(k, opc) : milenage(k, opc.subarray(0, 16))
        const home = homeVector(algorithm, rand, sqn(seq), octets('8000'), network)
        const phone = answer(algorithm, newUsim(), rand, home.autn)
        if (phone.verdict !== 'accept') return false
        const star = resStar(phone.ck, phone.ik, network, rand, phone.res)
        const quintet = umtsVector(algorithm, rand, sqn(seq), octets('8000'))
        return (
          hex(star) === hex(home.xresStar) &&
          hex(hresStar(rand, star)) === hex(servingVector(home, network).hxresStar) &&
          hex(quintet.ck) === hex(phone.ck) &&
          hex(quintet.xres) === hex(phone.res)
        )
      },
    ),
  )
})

t.test('keys are bound to the network that asked', async (t) => {
  const rand = new Uint8Array(16)
  const of = (name: string) => written(homeVector(functions, rand, sqn(32n), amf, name))
  const [here, there] = [of(network), of('5G:mnc001.mcc001.3gppnetwork.org')]
  t.equal(here.autn, there.autn)
  t.not(here.xresStar, there.xresStar)
  t.not(here.kAusf, there.kAusf)
})

t.test('lengths that AKA cannot carry are refused', async (t) => {
  const long = { k: new Uint8Array(16), topc: new Uint8Array(32) }
  for (const options of [{ mac: 128 }, { ck: 256 }, { ik: 256 }, { res: 256 }] as const) {
    t.throws(
      () => homeVector(tuak(long.k, long.topc, options), new Uint8Array(16), sqn(32n), amf, network),
      { code: 'AUTH_LENGTH_INVALID' },
      JSON.stringify(options),
    )
  }
  t.throws(() => epsVector(functions, new Uint8Array(16), sqn(32n), amf, new Uint8Array(2)), {
    code: 'AUTH_LENGTH_INVALID',
  })
  t.throws(() => withSeparationBit(new Uint8Array(1), true), { code: 'AUTH_LENGTH_INVALID' })
})

t.test('names and octets of networks', async (t) => {
  for (const [mcc, mnc, wire, name] of [
    ['999', '70', '99f907', '5G:mnc070.mcc999.3gppnetwork.org'],
    ['274', '012', '722410', '5G:mnc012.mcc274.3gppnetwork.org'],
    ['001', '01', '00f110', '5G:mnc001.mcc001.3gppnetwork.org'],
    ['310', '410', '130014', '5G:mnc410.mcc310.3gppnetwork.org'],
  ] as const) {
    t.equal(hex(encodePlmn({ mcc, mnc })), wire)
    t.same(decodePlmn(octets(wire)), { mcc, mnc })
    t.equal(servingNetworkName({ mcc, mnc }), name)
    t.equal(isServingNetworkName(name), true)
  }
  const private5g = servingNetworkName({ mcc: '345', mnc: '12', nid: '000007ed9d5' })
  t.equal(private5g, '5G:mnc012.mcc345.3gppnetwork.org:000007ED9D5')
  t.equal(isServingNetworkName(private5g), true)
  for (let length = 0; length < private5g.length; length++) {
    t.equal(isServingNetworkName(private5g.slice(0, length)), length === 32, `cut to ${length}`)
  }
  for (const bad of [
    '5G:mnc70.mcc999.3gppnetwork.org',
    '5g:mnc070.mcc999.3gppnetwork.org',
    `${network} `,
    `${network}\n`,
  ]) {
    t.equal(isServingNetworkName(bad), false, JSON.stringify(bad))
  }
  for (const bad of ['', '99', '99f9', 'aaf907', '9af907', '99e907', '99f90a', '99f9a7']) {
    t.equal(decodePlmn(octets(bad)), undefined, bad)
  }
})
