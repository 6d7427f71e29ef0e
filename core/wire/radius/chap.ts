// Passwords that are proved, not told: CHAP (RFC 1994 §4.1, RFC 2865 §2.2) and MS-CHAPv2 (RFC 2759) with the keys that follow from it
// (RFC 3079 §3). All pure; whoever compares does it in constant time.
import { createCipheriv, createHash } from 'node:crypto'
import { u8 } from '../bytes/integers.ts'
import { md4 } from '../bytes/md4.ts'

/** Response Value of CHAP: MD5 over identifier, secret and challenge. */
export const chapResponse = (identifier: number, secret: Uint8Array, challenge: Uint8Array): Uint8Array =>
  createHash('md5').update(Uint8Array.of(identifier)).update(secret).update(challenge).digest()

/** MS-CHAP2-Response (RFC 2548 §2.3.2). */
export interface MsChap2Response {
  readonly identifier: number
  /** 16 octets. */
  readonly peerChallenge: Uint8Array
  /** 24 octets. */
  readonly ntResponse: Uint8Array
}

const RESPONSE = { length: 50, peerChallenge: 2, ntResponse: 26 } as const

/** The fields of MS-CHAP2-Response (views), or undefined where it is not of 50 octets. */
export function readMsChap2Response(octets: Uint8Array): MsChap2Response | undefined {
  if (octets.length !== RESPONSE.length) return undefined
  return {
    identifier: u8(octets, 0),
    peerChallenge: octets.subarray(RESPONSE.peerChallenge, RESPONSE.peerChallenge + 16),
    ntResponse: octets.subarray(RESPONSE.ntResponse),
  }
}

/** What both sides know of an exchange. */
export interface MsChap2Exchange {
  /** 16 octets: MS-CHAP-Challenge. */
  readonly authenticatorChallenge: Uint8Array
  readonly peerChallenge: Uint8Array
  /** As the peer sent it; a domain before a backslash does not count (RFC 2759 §4). */
  readonly userName: Uint8Array
}

const sha1 = (...parts: readonly Uint8Array[]): Uint8Array => {
  const hash = createHash('sha1')
  for (const part of parts) hash.update(part)
  return hash.digest()
}

/** RFC 2759 §8.3: over the password in UTF-16, little-endian. */
export const ntPasswordHash = (password: string): Uint8Array => md4(Buffer.from(password, 'utf16le'))

/** RFC 2759 §8.2. */
export function challengeHash({ authenticatorChallenge, peerChallenge, userName }: MsChap2Exchange): Uint8Array {
  const name = userName.subarray(userName.lastIndexOf(0x5c) + 1)
  return sha1(peerChallenge, authenticatorChallenge, name).subarray(0, 8)
}

/** RFC 2759 §8.1: 24 octets. */
export function ntResponse(exchange: MsChap2Exchange, passwordHash: Uint8Array): Uint8Array {
  const challenge = challengeHash(exchange)
  const keys = Buffer.alloc(21)
  keys.set(passwordHash)
  return Buffer.concat([0, 7, 14].map((at) => des(keys.subarray(at, at + 7), challenge)))
}

/** One block of DES (RFC 2759 §8.6). With three equal keys Triple DES is DES, which OpenSSL no longer has by itself. */
function des(key: Uint8Array, block: Uint8Array): Uint8Array {
  const single = withParity(key)
  const cipher = createCipheriv('des-ede3-ecb', Buffer.concat([single, single, single]), null).setAutoPadding(false)
  return cipher.update(block)
}

/** Seven octets as eight with seven bits each; the lowest bit is parity, which nobody looks at. */
function withParity(key: Uint8Array): Uint8Array {
  const bits = BigInt(`0x${Buffer.from(key).toString('hex')}`)
  return Uint8Array.from({ length: 8 }, (_, index) => Number((bits >> BigInt(49 - index * 7)) & 0x7fn) << 1)
}

const SIGNING = Buffer.from('Magic server to client signing constant')
const PADDING = Buffer.from('Pad to make it do more than one iteration')

/** RFC 2759 §8.7: `S=` and 40 hex digits, by which the peer knows that we know the password. */
export function authenticatorResponse(
  exchange: MsChap2Exchange,
  passwordHash: Uint8Array,
  response: Uint8Array,
): string {
  const digest = sha1(md4(passwordHash), response, SIGNING)
  return `S=${Buffer.from(sha1(digest, challengeHash(exchange), PADDING))
    .toString('hex')
    .toUpperCase()}`
}

const MASTER = Buffer.from('This is the MPPE Master Key')
const CLIENT_SENDS = Buffer.from('On the client side, this is the send key; on the server side, it is the receive key.')
const SERVER_SENDS = Buffer.from('On the client side, this is the receive key; on the server side, it is the send key.')
const PAD1 = new Uint8Array(40)
const PAD2 = new Uint8Array(40).fill(0xf2)

/** RFC 3079 §3.4, 128 bits: `send` is what the server encrypts with, MS-MPPE-Send-Key, and `receive` what it decrypts with. */
export function mppeKeys(
  passwordHash: Uint8Array,
  response: Uint8Array,
): { readonly master: Uint8Array; readonly send: Uint8Array; readonly receive: Uint8Array } {
  const master = sha1(md4(passwordHash), response, MASTER).subarray(0, 16)
  const start = (magic: Uint8Array): Uint8Array => sha1(master, PAD1, magic, PAD2).subarray(0, 16)
  return { master, send: start(SERVER_SENDS), receive: start(CLIENT_SENDS) }
}
