// Responses as every server makes them: Proxy-State comes back as it came, and who signs gets a signature.
import { signResponse } from './authenticator.ts'
import { encode, type NamedAttribute } from './encode.ts'
import { authenticatorOf, find, type Packet, type RawAttribute, rawAttributes } from './packet.ts'

const PROXY_STATE = 33
const MESSAGE_AUTHENTICATOR = 80
const UNSIGNED: RawAttribute = { type: MESSAGE_AUTHENTICATOR, octets: new Uint8Array(16) }

/**
 * The signed response `code` to a request that was checked: a Message-Authenticator first if the request had one, then `attributes`, then
 * the request's Proxy-State attributes unchanged and in order (RFC 2865 §5.33). Throws as `encode` does.
 *
 * No RFC says how to sign an Accounting-Response to a signed Accounting-Request; it is done with the Request Authenticator, as in all other
 * responses (RFC 2869 §5.14, RFC 5176 §3.4). FreeRADIUS 3.2 as a client expects zeros there and rejects the answer.
 */
export function encodeResponse(
  request: Packet,
  code: number,
  attributes: readonly NamedAttribute[],
  secret: Uint8Array,
): Uint8Array {
  const signed = find(request, MESSAGE_AUTHENTICATOR) > 0 ? [UNSIGNED] : []
  const proxied =
    find(request, PROXY_STATE) > 0 ? rawAttributes(request).filter(({ type }) => type === PROXY_STATE) : []
  const bytes = encode({ code, identifier: request.identifier, attributes: [...signed, ...attributes, ...proxied] })
  signResponse(bytes, authenticatorOf(request), secret)
  return bytes
}
