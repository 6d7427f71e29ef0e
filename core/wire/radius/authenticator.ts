// Who sent a packet: Request and Response Authenticators (RFC 2865 §3, RFC 2866 §3, RFC 5176 §2.3) and Message-Authenticator
// (RFC 2869 §5.14, RFC 3579 §3.2). Comparisons take the same time whatever the octets.
import { createHmac, timingSafeEqual } from 'node:crypto'
import { u8 } from '../bytes/integers.ts'
import { createMd5 } from '../bytes/md5.ts'
import { isFault } from './fault.ts'
import { CODE, decode, find, HEADER_LENGTH, MAX_LENGTH, type Packet } from './packet.ts'

/** The longest shared secret, octets. */
export const MAX_SECRET = 256

export type Authenticity = 'ok' | 'bad-authenticator' | 'bad-message-authenticator'

const MESSAGE_AUTHENTICATOR = 80
const ZEROS = new Uint8Array(16)
const md5 = createMd5(MAX_LENGTH + MAX_SECRET)
const claimed = new Uint8Array(16)

/** MD5 of the packet with `authenticator` in place of its own, then the secret. A view that the next call overwrites. */
function digest(bytes: Uint8Array, authenticator: Uint8Array, secret: Uint8Array): Uint8Array {
  if (secret.length > MAX_SECRET) throw new RangeError(`a shared secret has at most ${MAX_SECRET} octets`)
  md5.input.set(bytes)
  md5.input.set(authenticator, 4)
  md5.input.set(secret, bytes.length)
  return md5.digest(bytes.length + secret.length)
}

/** HMAC-MD5 of the packet with `authenticator` in place of its own and zeros in the Message-Authenticator at `at`. */
function messageDigest(bytes: Uint8Array, at: number, authenticator: Uint8Array, secret: Uint8Array): Uint8Array {
  const copy = Uint8Array.from(bytes)
  copy.set(authenticator, 4)
  copy.fill(0, at + 2, at + 18)
  return createHmac('md5', secret).update(copy).digest()
}

function authenticatorMatches(bytes: Uint8Array, authenticator: Uint8Array, secret: Uint8Array): boolean {
  for (let index = 0; index < 16; index++) claimed[index] = u8(bytes, index + 4)
  return timingSafeEqual(digest(bytes, authenticator, secret), claimed)
}

/** True when there is no Message-Authenticator, or exactly one and it matches. */
function messageMatches(packet: Packet, authenticator: Uint8Array, secret: Uint8Array): boolean {
  const { bytes } = packet
  const at = find(packet, MESSAGE_AUTHENTICATOR)
  if (at < 0) return true
  if (u8(bytes, at + 1) !== 18 || find(packet, MESSAGE_AUTHENTICATOR, at + 18) > 0) return false
  return timingSafeEqual(messageDigest(bytes, at, authenticator, secret), bytes.subarray(at + 2, at + 18))
}

/** Requests whose authenticator is random, not a signature. */
const isRandom = (code: number): boolean => code === CODE['Access-Request'] || code === CODE['Status-Server']

/**
 * Checks a request: its Request Authenticator where that is a signature (accounting, disconnect, CoA), and its Message-Authenticator if
 * it has one. That an Access-Request or Status-Server should have one is for the caller to demand.
 */
export function checkRequest(packet: Packet, secret: Uint8Array): Authenticity {
  const { bytes, code } = packet
  if (isRandom(code)) {
    return messageMatches(packet, bytes.subarray(4, HEADER_LENGTH), secret) ? 'ok' : 'bad-message-authenticator'
  }
  if (!authenticatorMatches(bytes, ZEROS, secret)) return 'bad-authenticator'
  return messageMatches(packet, ZEROS, secret) ? 'ok' : 'bad-message-authenticator'
}

/** Checks a response to the request whose authenticator was `requestAuthenticator`. */
export function checkResponse(packet: Packet, requestAuthenticator: Uint8Array, secret: Uint8Array): Authenticity {
  if (!authenticatorMatches(packet.bytes, requestAuthenticator, secret)) return 'bad-authenticator'
  return messageMatches(packet, requestAuthenticator, secret) ? 'ok' : 'bad-message-authenticator'
}

/** Fills the Message-Authenticator of an encoded packet, if it has one, of 16 octets. */
function signMessage(bytes: Uint8Array, authenticator: Uint8Array, secret: Uint8Array): void {
  const packet = decode(bytes)
  if (isFault(packet)) throw new RangeError(`cannot sign a malformed packet: ${packet.fault}`)
  const at = find(packet, MESSAGE_AUTHENTICATOR)
  if (at < 0) return
  if (u8(bytes, at + 1) !== 18) throw new RangeError('a Message-Authenticator has 16 octets')
  bytes.set(messageDigest(bytes, at, authenticator, secret), at + 2)
}

/**
 * Signs an encoded request in place: the Message-Authenticator, if it has one, then the Request Authenticator where that is a signature.
 * An Access-Request or Status-Server keeps the random one that it was encoded with.
 */
export function signRequest(bytes: Uint8Array, secret: Uint8Array): void {
  if (isRandom(u8(bytes, 0))) {
    signMessage(bytes, bytes.slice(4, HEADER_LENGTH), secret)
    return
  }
  signMessage(bytes, ZEROS, secret)
  bytes.set(digest(bytes, ZEROS, secret), 4)
}

/** Signs an encoded response in place: the Message-Authenticator, if it has one, then the Response Authenticator. */
export function signResponse(bytes: Uint8Array, requestAuthenticator: Uint8Array, secret: Uint8Array): void {
  signMessage(bytes, requestAuthenticator, secret)
  bytes.set(digest(bytes, requestAuthenticator, secret), 4)
}
