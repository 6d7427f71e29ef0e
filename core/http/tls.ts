// TLS where no proxy does it: certificate and key from files, and client certificates for partners (RFC 8705).
import { readFileSync } from 'node:fs'
import { createServer as createPlain, type RequestListener, type Server } from 'node:http'
import { createServer as createSecure } from 'node:https'
import { Type } from 'typebox'
import type { Config, Settings } from '../config/section.ts'
import { fail } from '../kernel/errors.ts'

const file = (description: string) => Type.Optional(Type.String({ minLength: 1, description }))

export const tlsSchema = Type.Object({
  certificate: file(
    'PEM file of the certificate, its chain after it. With it and the key HTTP speaks TLS 1.2 and 1.3.',
  ),
  key: file('PEM file of the private key of the certificate.'),
  clientCa: file(
    'PEM file of the authorities that sign the certificates of partners. Left out, any certificate will do whose thumbprint was registered with `tallycell partner add --certificate`.',
  ),
})

/** Absolute paths. */
export interface TlsFiles {
  readonly certificate: string
  readonly key: string
  readonly clientCa: string | undefined
}

/** Undefined where plain HTTP is configured. Throws HTTP_TLS_UNUSABLE. */
export function tlsFiles(
  config: Pick<Config, 'resolvePath'>,
  { certificate, key, clientCa }: Settings<{ key: 'tls'; schema: typeof tlsSchema }>,
): TlsFiles | undefined {
  if (certificate === undefined && key === undefined) return undefined
  if (certificate === undefined || key === undefined)
    return fail('HTTP_TLS_UNUSABLE', { file: String(certificate ?? key), reason: 'the other of the two is not set' })
  return {
    certificate: config.resolvePath(certificate),
    key: config.resolvePath(key),
    clientCa: clientCa === undefined ? undefined : config.resolvePath(clientCa),
  }
}

/** Throws HTTP_TLS_UNUSABLE. */
export function createServer(handler: RequestListener, tls: TlsFiles | undefined): Server {
  if (!tls) return createPlain(handler)
  const { certificate, key, clientCa } = tls
  const files = { cert: read(certificate), key: read(key), ...(clientCa === undefined ? {} : { ca: read(clientCa) }) }
  try {
    // Asked for and not required: most who come have a token instead. Whoever reads a certificate judges it.
    return createSecure({ ...files, minVersion: 'TLSv1.2', requestCert: true, rejectUnauthorized: false }, handler)
  } catch (error) {
    return unusable(certificate, error)
  }
}

function read(path: string): Buffer {
  try {
    return readFileSync(path)
  } catch (error) {
    return unusable(path, error)
  }
}

const unusable = (path: string, error: unknown): never =>
  fail('HTTP_TLS_UNUSABLE', { file: path, reason: error instanceof Error ? error.message : String(error) }, error)
