// Published and recorded packets: what is read, that the signatures hold, and that the same octets come out again.
import { readFileSync } from 'node:fs'
import t, { type Test } from "tap"
import { checkRequest, checkResponse, signRequest, signResponse } from '../../core/wire/radius/authenticator.ts'
import type { AttributeName } from '../../core/wire/radius/dictionary.ts'
import { encode, type NamedAttribute } from '../../core/wire/radius/encode.ts'
import { type Fault, isFault } from '../../core/wire/radius/fault.ts'
import { hidePassword, revealPassword, revealSalted } from '../../core/wire/radius/hidden.ts'
import { attributes, authenticatorOf, decode, get, type Packet, rawAttributes } from '../../core/wire/radius/packet.ts'

interface Exchange {
  readonly name: string
  readonly secret: string
  readonly request: string
  readonly requestAttributes?: readonly [AttributeName, unknown][]
  readonly password?: string
  /** What is wrong with the request, where the RFC printed a malformed one. */
  readonly fault?: Fault
  readonly response?: string
  readonly responseAttributes?: readonly [AttributeName, unknown][]
  /** Plain values of salted attributes, of the response if there is one. */
  readonly salted?: Readonly<Record<string, string>>
}

const FILES = ['rfc2865.json', 'rfc5997.json', 'radclient.json', 'freeradius.json']
const octets = (hex: string): Uint8Array => new Uint8Array(Buffer.from(hex, 'hex'))
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

/** A value as the files write it: octets as `{ hex }`, times as decimal milliseconds. */
function written(value: unknown): unknown {
  if (value instanceof Uint8Array) return { hex: hex(value) }
  if (typeof value === 'bigint') return value.toString()
  if (typeof value === 'object' && value !== null && 'tag' in value && 'value' in value) {
    return { tag: value.tag, value: written(value.value) }
  }
  return value
}

/** The same in the other direction. */
function read(name: AttributeName, value: unknown): unknown {
  if (name === 'Event-Timestamp') return BigInt(value as string)
  if (typeof value !== 'object' || value === null) return value
  if ('hex' in value) return octets(value.hex as string)
  return { ...value, value: read(name, (value as { value: unknown }).value) }
}

function parsed(text: string): Packet {
  const packet = decode(octets(text))
  if (isFault(packet)) throw new Error(`malformed: ${packet.fault}`)
  return packet
}

function checkAttributes(t: Test, packet: Packet, expected: readonly [AttributeName, unknown][]): void {
  t.same(
    attributes(packet).map(({ name, value }) => [name, written(value)]),
    expected,
    'attributes',
  )
  const header = { code: packet.code, identifier: packet.identifier, authenticator: authenticatorOf(packet) }
  t.equal(hex(encode({ ...header, attributes: rawAttributes(packet) })), hex(packet.bytes), 'encoded from the packet')
  const named = expected.map(([name, value]) => [name, read(name, value)] as unknown as NamedAttribute)
  t.equal(hex(encode({ ...header, attributes: named })), hex(packet.bytes), 'encoded from values')
}

function checkSalted(t: Test, packet: Packet, expected: Readonly<Record<string, string>>, secret: Uint8Array, authenticator: Uint8Array): void {
  for (const [name, plain] of Object.entries(expected)) {
    const value = get(packet, name as 'Tunnel-Password' | 'MS-MPPE-Send-Key')
    if (value === undefined || isFault(value)) {
      t.fail(`${name} is missing`)
      continue
    }
    const revealed = revealSalted('tag' in value ? value.value : value, secret, authenticator)
    const text = revealed && ('tag' in value ? Buffer.from(revealed).toString('utf8') : hex(revealed))
    t.equal(text, plain, `${name} in clear`)
  }
}

for (const file of FILES) {
  const path = new URL(`radius/${file}`, import.meta.url)
  const { exchanges } = JSON.parse(readFileSync(path, 'utf8')) as { exchanges: Exchange[] }
  for (const exchange of exchanges) {
    t.test(`${file}: ${exchange.name}`, async (t) => {
      const secret = Buffer.from(exchange.secret)
      const authenticator = octets(exchange.request).subarray(4, 20)
      if (exchange.fault) t.same(decode(octets(exchange.request)), exchange.fault, 'fault')
      if (exchange.requestAttributes) {
        const request = parsed(exchange.request)
        checkAttributes(t, request, exchange.requestAttributes)
        t.equal(checkRequest(request, secret), 'ok', 'request is signed')
        const again = octets(exchange.request)
        signRequest(again, secret)
        t.equal(hex(again), exchange.request, 'signed again')
        if (exchange.password !== undefined) {
          const hidden = get(request, 'User-Password')
          if (!(hidden instanceof Uint8Array)) t.fail('no User-Password')
          else {
            const password = revealPassword(hidden, secret, authenticator)
            t.equal(Buffer.from(password ?? []).toString(), exchange.password, 'password in clear')
            t.same(hidePassword(Buffer.from(exchange.password), secret, authenticator), new Uint8Array(hidden), 'hidden again')
          }
        }
        // In requests other than Access-Request the salted form is seeded with zeros, as the signature is.
        if (exchange.response === undefined && exchange.salted) {
          checkSalted(t, request, exchange.salted, secret, new Uint8Array(16))
        }
      }
      if (exchange.response !== undefined) {
        const response = parsed(exchange.response)
        checkAttributes(t, response, exchange.responseAttributes ?? [])
        t.equal(checkResponse(response, authenticator, secret), 'ok', 'response is signed')
        const again = octets(exchange.response)
        signResponse(again, authenticator, secret)
        t.equal(hex(again), exchange.response, 'signed again')
        if (exchange.salted) checkSalted(t, response, exchange.salted, secret, authenticator)
      }
    })
  }
}
