// Access tokens: JWTs as RFC 9068 has them, signed with a key of the key store (EdDSA, RFC 8037). Nodes that share their keys take each
// other's tokens.
import { createHash, randomUUID } from 'node:crypto'
import { calculateJwkThumbprint, errors, importJWK, type JWK, type JWTPayload, jwtVerify } from 'jose'
import { fail } from '../../kernel/errors.ts'
import { type PayerId, payerId } from '../../kernel/ids.ts'
import type { Millis } from '../../kernel/units.ts'
import type { SigningKey } from '../../runtime/keys.ts'

/** What a token says. */
export interface Grant {
  readonly client: string
  readonly tenant: PayerId
  readonly scopes: ReadonlySet<string>
  /** Of the client certificate that must come with it (RFC 8705 §3.1). */
  readonly certificate: string | undefined
}

export interface Tokens {
  /** RFC 7517: what others verify tokens with. */
  readonly jwks: { readonly keys: readonly JWK[] }
  issue(grant: Grant, at: Millis): string
  /** Throws PARTNER_UNAUTHENTICATED. */
  verify(token: string, at: Millis): Promise<Grant>
}

export interface TokenOptions {
  readonly issuer: string
  readonly audience: string
  /** Seconds. */
  readonly lifetime: number
}

const ALGORITHM = 'EdDSA'
const TYPE = 'at+jwt'
/** Verified tokens that are remembered. */
const MOST_KEPT = 4096
/** RFC 9068 tokens of ours are below 1 kB. */
const MOST_OCTETS = 4096

interface Kept {
  readonly grant: Grant
  /** Seconds. */
  readonly expires: number
}

export async function createTokens(key: SigningKey, { issuer, audience, lifetime }: TokenOptions): Promise<Tokens> {
  const jwk: JWK = { kty: 'OKP', crv: 'Ed25519', x: base64url(key.publicKey), alg: ALGORITHM, use: 'sig' }
  const kid = await calculateJwkThumbprint(jwk)
  const verifier = await importJWK(jwk, ALGORITHM)
  const header = base64url(JSON.stringify({ alg: ALGORITHM, typ: TYPE, kid }))
  const kept = new Map<string, Kept>()

  const check = async (token: string, seconds: number): Promise<Kept> => {
    if (token.length > MOST_OCTETS) return fail('PARTNER_UNAUTHENTICATED', { reason: 'it is too long' })
    try {
      const { payload } = await jwtVerify(token, verifier, {
        algorithms: [ALGORITHM],
        typ: TYPE,
        issuer,
        audience,
        currentDate: new Date(seconds * 1000),
        requiredClaims: ['exp', 'client_id', 'scope', 'tenant'],
      })
      return { grant: grantOf(payload), expires: payload.exp ?? 0 }
    } catch (error) {
      if (error instanceof errors.JOSEError) return fail('PARTNER_UNAUTHENTICATED', { reason: reasonOf(error) }, error)
      throw error
    }
  }

  return {
    jwks: { keys: [{ ...jwk, kid }] },
    issue({ client, tenant, scopes, certificate }, at) {
      const issued = Number(at / 1000n)
      const claims = {
        iss: issuer,
        sub: client,
        aud: audience,
        client_id: client,
        tenant,
        scope: [...scopes].join(' '),
        iat: issued,
        exp: issued + lifetime,
        jti: randomUUID(),
        ...(certificate === undefined ? {} : { cnf: { 'x5t#S256': certificate } }),
      }
      const signed = `${header}.${base64url(JSON.stringify(claims))}`
      return `${signed}.${base64url(key.sign(Buffer.from(signed)))}`
    },
    async verify(token, at) {
      const seconds = Number(at / 1000n)
      // A token is as good as its octets: what was verified once need not be again until it expires.
      const name = createHash('sha256').update(token).digest('base64')
      const known = kept.get(name)
      if (known && known.expires > seconds) return known.grant
      const fresh = await check(token, seconds)
      if (kept.size >= MOST_KEPT) kept.clear()
      kept.set(name, fresh)
      return fresh.grant
    },
  }
}

const base64url = (octets: Uint8Array | string): string => Buffer.from(octets).toString('base64url')

const reasonOf = (error: errors.JOSEError): string =>
  error instanceof errors.JWTExpired ? 'it has expired' : 'it is not one of ours'

function grantOf(payload: JWTPayload): Grant {
  const { client_id, tenant, scope, cnf } = payload
  const certificate = typeof cnf === 'object' && cnf !== null && 'x5t#S256' in cnf ? String(cnf['x5t#S256']) : undefined
  return {
    client: String(client_id),
    tenant: payerId(String(tenant)),
    scopes: new Set(String(scope).split(' ')),
    certificate,
  }
}
