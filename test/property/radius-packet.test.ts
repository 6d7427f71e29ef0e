import assert from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import { type Millis, millis } from '../../core/kernel/units.ts'
import { checkRequest, checkResponse, signRequest } from '../../core/wire/radius/authenticator.ts'
import type { AttributeRow, ValueType } from '../../core/wire/radius/dict/row.ts'
import { definitions } from '../../core/wire/radius/dictionary.ts'
import { encode, type NamedAttribute } from '../../core/wire/radius/encode.ts'
import { isFault } from '../../core/wire/radius/fault.ts'
import { hidePassword, hideSalted, revealPassword, revealSalted } from '../../core/wire/radius/hidden.ts'
import {
  all,
  attributes,
  authenticatorOf,
  CODE,
  decode,
  type Packet,
  rawAttributes,
} from '../../core/wire/radius/packet.ts'
import { encodeResponse } from '../../core/wire/radius/response.ts'

const octets = (most: number, least = 0) => fc.uint8Array({ minLength: least, maxLength: most })
const u32 = fc.oneof(fc.constantFrom(0, 1, 0x7fffffff, 0x80000000, 0xffffffff), fc.nat(0xffffffff))
const group = fc.nat(0xffff).map((value) => value.toString(16))
const VALUES: Readonly<Record<ValueType, fc.Arbitrary<unknown>>> = {
  text: fc.string({ unit: 'grapheme', maxLength: 60 }).filter((text) => Buffer.byteLength(text) <= 200),
  octets: octets(200),
  concat: octets(253, 1),
  u8: fc.nat(255),
  u32,
  u64: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  date: u32.map((seconds): Millis => millis(seconds * 1000)),
  ipv4: fc.ipV4(),
  ipv6: fc.constantFrom('::', '::1', '2001:db8::1', 'fe80::1:2', '::ffff:192.0.2.1', '1:2:3:4:5:6:7:8'),
  ipv6prefix: fc.constantFrom('::/0', '2001:db8::/32', '2001:db8:1:2::/64', '2001:db8::1/128', 'fc00::/7'),
  ifid: fc.tuple(group, group, group, group).map((groups) => groups.map((text) => text.padStart(4, '0')).join(':')),
}

function arbitraryOf(row: AttributeRow): fc.Arbitrary<unknown> {
  const names = Object.values(row.values ?? {})
  const plain =
    names.length > 0
      ? fc.constantFrom(...names)
      : row.tagged && row.type === 'u32'
        ? fc.nat(0xffffff)
        : VALUES[row.type]
  return row.tagged ? fc.record({ tag: fc.nat(31), value: plain }) : plain
}

// Vendor-Specific by name could hold a known vendor's attributes, which read as those.
const named: fc.Arbitrary<NamedAttribute> = fc
  .constantFrom(...definitions().filter(({ name }) => name !== 'Vendor-Specific'))
  .chain(({ name, row }) => arbitraryOf(row).map((value) => [name, value] as unknown as NamedAttribute))
const secret = octets(64, 1)

function decoded(bytes: Uint8Array): Packet {
  const packet = decode(bytes)
  if (isFault(packet)) throw new Error(packet.fault)
  return packet
}
/** Buffers as plain octets, so that values compare. */
const plain = (value: unknown): unknown => {
  if (value instanceof Uint8Array) return Uint8Array.from(value)
  if (typeof value === 'object' && value !== null && 'tag' in value && 'value' in value)
    return { ...value, value: plain(value.value) }
  return value
}

t.test('values come back as they went', async () => {
  fc.assert(
    fc.property(fc.array(named, { maxLength: 16 }), fc.nat(255), (list, identifier) => {
      const packet = decoded(encode({ code: 4, identifier, attributes: list }))
      assert.equal(packet.identifier, identifier)
      assert.deepEqual(
        attributes(packet).map(({ name, value }) => [name, plain(value)]),
        list.map(([name, value]) => [name, plain(value)]),
      )
      for (const [name] of list) {
        assert.deepEqual(
          all(packet, name).map(plain),
          list.filter(([other]) => other === name).map(([, value]) => plain(value)),
        )
      }
    }),
    { numRuns: 300 },
  )
})

t.test('any attributes survive octet for octet, known or not, in order', async () => {
  const raw = fc.record(
    { type: fc.oneof(fc.constant(26), fc.nat(255)), octets: octets(253) },
    { noNullPrototype: true },
  )
  fc.assert(
    fc.property(fc.array(raw, { maxLength: 15 }), octets(16, 16), (list, authenticator) => {
      const bytes = encode({ code: 4, identifier: 1, authenticator, attributes: list })
      const packet = decoded(bytes)
      assert.deepEqual(
        rawAttributes(packet).map(({ type, octets }) => ({ type, octets: Uint8Array.from(octets) })),
        list,
      )
      const again = encode({ ...packet, authenticator: authenticatorOf(packet), attributes: rawAttributes(packet) })
      assert.deepEqual(again, bytes)
    }),
    { numRuns: 300 },
  )
})

t.test('a signature holds until one bit changes', async () => {
  const request = fc.record({ list: fc.array(named, { maxLength: 8 }), secret, bit: fc.nat(), signed: fc.boolean() })
  fc.assert(
    fc.property(request, ({ list, secret, bit, signed }) => {
      const attributes = list.filter(([name]) => name !== 'Message-Authenticator')
      if (signed) attributes.push(['Message-Authenticator', new Uint8Array(16)])
      const bytes = encode({ code: 4, identifier: 77, attributes })
      signRequest(bytes, secret)
      assert.equal(checkRequest(decoded(bytes), secret), 'ok')
      const flipped = Uint8Array.from(bytes)
      const at = bit % (flipped.length * 8)
      flipped[at >> 3] = (flipped[at >> 3] ?? 0) ^ (1 << (at & 7))
      const other = decode(flipped)
      // A changed code may make the authenticator a random one, and a changed length the packet malformed.
      if (!isFault(other) && other.code === 4) assert.notEqual(checkRequest(other, secret), 'ok')
      assert.notEqual(checkRequest(decoded(bytes), Uint8Array.of(...secret, 1)), 'ok', 'another secret')
    }),
    { numRuns: 300 },
  )
})

t.test('a response carries Proxy-State back; one about access is signed, another where the request was', async () => {
  const states = fc.array(octets(100), { maxLength: 8 })
  const codes = fc.constantFrom(CODE['Accounting-Response'], CODE['Access-Accept'], CODE['CoA-ACK'])
  fc.assert(
    fc.property(states, secret, fc.boolean(), codes, (states, secret, asked, code) => {
      const signed = code === CODE['Access-Accept'] || (asked && code === CODE['CoA-ACK'])
      const list: NamedAttribute[] = states.map((state) => ['Proxy-State', state])
      if (asked) list.push(['Message-Authenticator', new Uint8Array(16)])
      const bytes = encode({ code: 4, identifier: 3, attributes: [['User-Name', 'nemo'], ...list] })
      signRequest(bytes, secret)
      const request = decoded(bytes)
      const response = decoded(encodeResponse(request, code, [], secret))
      assert.equal(response.identifier, 3)
      assert.equal(checkResponse(response, authenticatorOf(request), secret), 'ok')
      assert.deepEqual(all(response, 'Proxy-State').map(plain), states)
      assert.equal(all(response, 'Message-Authenticator').length, signed ? 1 : 0)
      assert.equal(attributes(response).length, states.length + (signed ? 1 : 0))
    }),
    { numRuns: 200 },
  )
})

t.test('what was hidden can be revealed', async () => {
  const password = octets(128).filter((text) => text.at(-1) !== 0)
  fc.assert(
    fc.property(
      password,
      octets(239),
      fc.nat(0xffff),
      secret,
      octets(16, 16),
      (password, key, salt, secret, authenticator) => {
        const hidden = hidePassword(password, secret, authenticator)
        assert.equal(hidden.length, Math.max(16, Math.ceil(password.length / 16) * 16))
        assert.deepEqual(revealPassword(hidden, secret, authenticator), password)
        const salted = hideSalted(key, salt, secret, authenticator)
        assert.ok((salted[0] ?? 0) >= 0x80, 'the top bit of the salt is set')
        assert.deepEqual(revealSalted(salted, secret, authenticator), key)
      },
    ),
    { numRuns: 300 },
  )
})
