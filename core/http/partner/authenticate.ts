// Who is asking: the access token of a request (RFC 6750 §2.1), and the client certificate that it may be bound to (RFC 8705 §3).
import { createHash, type X509Certificate } from 'node:crypto'
import { TLSSocket } from 'node:tls'
import type { FastifyRequest } from 'fastify'
import type { Clock } from '../../kernel/clock.ts'
import { fail } from '../../kernel/errors.ts'
import type { Millis } from '../../kernel/units.ts'
import type { Grant, Tokens } from './tokens.ts'

const BEARER = /^Bearer ([A-Za-z0-9._~+/-]+=*)$/i

/** Throws PARTNER_UNAUTHENTICATED. */
export async function authenticate(
  { tokens, certificateOf }: { readonly tokens: Tokens; readonly certificateOf: CertificateOf },
  request: FastifyRequest,
  at: Millis,
): Promise<Grant> {
  const header = request.headers.authorization
  if (header === undefined) return fail('PARTNER_UNAUTHENTICATED', { reason: 'the request has none' })
  const [, token] = BEARER.exec(header) ?? []
  if (token === undefined) return fail('PARTNER_UNAUTHENTICATED', { reason: 'expected Authorization: Bearer TOKEN' })
  const grant = await tokens.verify(token, at)
  if (grant.certificate !== undefined && grant.certificate !== certificateOf(request))
    return fail('PARTNER_UNAUTHENTICATED', { reason: 'it belongs to another client certificate' })
  return grant
}

/** x5t#S256 of the certificate whose key the client has proved to hold in the TLS handshake; undefined without a valid one. */
export type CertificateOf = (request: FastifyRequest) => string | undefined

/**
 * With `authority` certificates have to be signed by the configured one (RFC 8705 §2.1); without, any will do (§2.2): a client is known by
 * the thumbprint that was registered, and TLS has made sure that it holds the key.
 */
export function createCertificateReader(authority: boolean, clock: Clock): CertificateOf {
  const known = new WeakMap<object, X509Certificate>()
  return ({ raw: { socket } }) => {
    if (!(socket instanceof TLSSocket)) return undefined
    const certificate = known.get(socket) ?? socket.getPeerX509Certificate()
    if (!certificate || (authority && !socket.authorized)) return undefined
    known.set(socket, certificate)
    const now = Number(clock())
    if (Date.parse(certificate.validFrom) > now || Date.parse(certificate.validTo) < now) return undefined
    return certificateThumbprint(certificate.raw)
  }
}

/** Of the DER octets. */
export const certificateThumbprint = (der: Uint8Array): string => createHash('sha256').update(der).digest('base64url')

/** RFC 6750 §3: what is wrong, for the program at the other end. */
export const challenge = (code: string, scope?: string): string =>
  code === 'PARTNER_FORBIDDEN'
    ? `Bearer realm="partner", error="insufficient_scope", scope="${scope ?? ''}"`
    : 'Bearer realm="partner", error="invalid_token"'
