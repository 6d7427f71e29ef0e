// Responses as every server makes them: Proxy-State comes back as it came, and who signs gets a signature.
import { signResponse } from './authenticator.ts'
import { encode, type NamedAttribute } from './encode.ts'
import { authenticatorOf, CODE, find, type Packet, type RawAttribute, rawAttributes } from './packet.ts'

const PROXY_STATE = 33
const MESSAGE_AUTHENTICATOR = 80
/** Codes whose answers always carry one, whatever the request did: a forged answer cannot be made by a collision then (CVE-2024-3596). */
const ACCESS: readonly number[] = [CODE['Access-Accept'], CODE['Access-Reject'], CODE['Access-Challenge']]
const UNSIGNED: RawAttribute = { type: MESSAGE_AUTHENTICATOR, octets: new Uint8Array(16) }

/**
 * The signed response `code` to a request that was checked: a Message-Authenticator first if the request had one or asked for access, then
 * `attributes`, then the request's Proxy-State attributes unchanged and in order (RFC 2865 §5.33). Throws as `encode` does.
 *
 * An Accounting-Response has none: no RFC says what it would be computed over, peers disagree (FreeRADIUS 3.2 as a client takes zeros where
 * others take the Request Authenticator, and rejects the answer), and the Response Authenticator covers the whole of it already.
 */
export function encodeResponse(
  request: Packet,
  code: number,
  attributes: readonly (NamedAttribute | RawAttribute)[],
  secret: Uint8Array,
): Uint8Array {
  const signs =
    ACCESS.includes(code) || (code !== CODE['Accounting-Response'] && find(request, MESSAGE_AUTHENTICATOR) > 0)
  const signed = signs ? [UNSIGNED] : []
  const proxied =
    find(request, PROXY_STATE) > 0 ? rawAttributes(request).filter(({ type }) => type === PROXY_STATE) : []
  const bytes = encode({ code, identifier: request.identifier, attributes: [...signed, ...attributes, ...proxied] })
  signResponse(bytes, authenticatorOf(request), secret)
  return bytes
}
