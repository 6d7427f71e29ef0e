// Hostile octets: whatever comes, decoding, reading and checking give values or faults and never throw.
import assert from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import { checkRequest, checkResponse } from '../../core/wire/radius/authenticator.ts'
import { definitions } from '../../core/wire/radius/dictionary.ts'
import { encode } from '../../core/wire/radius/encode.ts'
import { isFault } from '../../core/wire/radius/fault.ts'
import { revealPassword, revealSalted } from '../../core/wire/radius/hidden.ts'
import {
  all,
  attributes,
  authenticatorOf,
  decode,
  get,
  octetsOf,
  rawAttributes,
} from '../../core/wire/radius/packet.ts'

const SEED = 20_260_101
const SECRET = Buffer.from('testing123')
const names = definitions().map(({ name }) => name)

/** Does all that can be done with a datagram; says whether it was a packet. */
function exercise(datagram: Uint8Array): boolean {
  const packet = decode(datagram)
  if (isFault(packet)) return false
  let covered = 20
  for (const { octets } of rawAttributes(packet)) covered += 2 + octets.length
  assert.equal(covered, packet.bytes.length, 'attributes cover the packet')
  for (const { offset } of attributes(packet)) assert.ok(offset >= 20 && offset < packet.bytes.length)
  for (const name of names) {
    get(packet, name)
    all(packet, name)
    const octets = octetsOf(packet, name)
    if (octets === undefined) continue
    revealPassword(octets, SECRET, authenticatorOf(packet))
    revealSalted(octets, SECRET, authenticatorOf(packet))
  }
  checkRequest(packet, SECRET)
  checkResponse(packet, authenticatorOf(packet), SECRET)
  return true
}

/** A length that is often right, so that the octets behind it are looked at. */
function withLength(bytes: Uint8Array, honest: boolean): Uint8Array {
  if (!honest || bytes.length < 4) return bytes
  const copy = Uint8Array.from(bytes)
  copy[2] = copy.length >> 8
  copy[3] = copy.length
  return copy
}

t.test('random octets', async () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.boolean(), (bytes, honest) => {
      exercise(withLength(bytes, honest))
    }),
    { numRuns: 3000, seed: SEED },
  )
})

t.test('random attributes in sound packets, vendors above all', async () => {
  const vendor = fc
    .tuple(
      fc.constantFrom('00000137', '0000372a', '000028af', '00000009', 'ffffffff'),
      fc.uint8Array({ maxLength: 60 }),
    )
    .map(([number, rest]) => ({ type: 26, octets: Buffer.concat([Buffer.from(number, 'hex'), rest]) }))
  const other = fc.record({ type: fc.nat(255), octets: fc.uint8Array({ maxLength: 40 }) })
  fc.assert(
    fc.property(fc.nat(255), fc.array(fc.oneof(vendor, other), { maxLength: 12 }), (code, list) => {
      assert.ok(exercise(encode({ code, identifier: 0, attributes: list })))
    }),
    { numRuns: 1500, seed: SEED },
  )
})

t.test('a good packet with octets changed, cut or added', async (t) => {
  const good = encode({
    code: 4,
    identifier: 1,
    attributes: [
      ['Acct-Status-Type', 'Start'],
      ['User-Name', 'nemo'],
      ['WISPr-Location-Name', 'Cafe'],
      ['Tunnel-Private-Group-ID', { tag: 1, value: '42' }],
      ['Framed-IPv6-Prefix', '2001:db8::/32'],
      ['EAP-Message', new Uint8Array(300)],
      ['Message-Authenticator', new Uint8Array(16)],
    ],
  })
  let packets = 0
  const changes = fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { minLength: 1, maxLength: 6 })
  fc.assert(
    fc.property(changes, fc.nat(good.length + 50), fc.boolean(), (changes, length, honest) => {
      const bytes = new Uint8Array(length)
      bytes.set(good.subarray(0, length))
      for (const [at, octet] of changes) if (at < length) bytes[at] = octet
      if (exercise(withLength(bytes, honest))) packets++
    }),
    { numRuns: 3000, seed: SEED },
  )
  t.ok(packets > 100, 'many were still packets')
})
