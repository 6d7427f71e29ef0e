// Our own small certification authority (RFC 5280): one P-256 key that issues certificates to sites and to our RadSec servers, nothing else. Its
// key follows from a secret of the key store, so that it lies encrypted like every other key.
import 'reflect-metadata'
import { createECDH, createHash, randomBytes, webcrypto } from 'node:crypto'
import { isIP } from 'node:net'
import * as x509 from '@peculiar/x509'
import { fail } from '../../core/kernel/errors.ts'
import type { KeyStore } from '../../core/runtime/keys.ts'

export interface Authority {
  /** DER. */
  readonly certificate: Uint8Array
  /** A client certificate for the holder of `key`. */
  issueClient(subject: string, key: CryptoKey, span: Span): Promise<Issued>
  /** A certificate for a server of ours. */
  issueServer(names: readonly string[], key: CryptoKey, span: Span): Promise<Issued>
  /** A revocation list (RFC 5280 §5), DER. */
  revocationList(revoked: readonly Revoked[], span: Span): Promise<Uint8Array>
}

export interface Span {
  readonly from: Date
  readonly until: Date
}

export interface Issued {
  /** Lower-case hex. */
  readonly serial: string
  /** DER. */
  readonly certificate: Uint8Array
}

export interface Revoked {
  readonly serial: string
  readonly at: Date
}

type CryptoKey = webcrypto.CryptoKey

const SUBTLE = webcrypto.subtle
const CURVE = { name: 'ECDSA', namedCurve: 'P-256' } as const
const SIGNING = { name: 'ECDSA', hash: 'SHA-256' } as const
/** Order of the group (SEC 2 §2.4.2). */
const ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n
const SECRET = 'radio-authority'
const AUTHORITY_NAME = 'Tallycell radio authority'
const YEARS = 20

x509.cryptoProvider.set(webcrypto as never)

/** The authority whose certificate is `stored`, or a new one's where there is none yet. Throws RADIO_AUTHORITY_LOST for a key that is another's. */
export async function openAuthority(keys: KeyStore, stored: Uint8Array | undefined, now: Date): Promise<Authority> {
  const pair = await keyPair(await keys.secret(SECRET, 48))
  const certificate = new x509.X509Certificate(stored ? Buffer.from(stored) : await selfSigned(pair, now))
  const own = Buffer.from(await SUBTLE.exportKey('spki', pair.publicKey))
  if (!own.equals(Buffer.from(certificate.publicKey.rawData))) fail('RADIO_AUTHORITY_LOST', {})
  return authorityOf(pair, certificate)
}

/** FIPS 186-5 §A.2.1: 384 random bits make a private key without bias. */
async function keyPair(secret: Uint8Array): Promise<webcrypto.CryptoKeyPair> {
  const scalar = (BigInt(`0x${Buffer.from(secret).toString('hex')}`) % (ORDER - 1n)) + 1n
  const d = Buffer.from(scalar.toString(16).padStart(64, '0'), 'hex')
  const curve = createECDH('prime256v1')
  curve.setPrivateKey(d)
  const point = curve.getPublicKey()
  const jwk = { kty: 'EC', crv: 'P-256', x: base64url(point.subarray(1, 33)), y: base64url(point.subarray(33)) }
  return {
    privateKey: await SUBTLE.importKey('jwk', { ...jwk, d: base64url(d) }, CURVE, false, ['sign']),
    publicKey: await SUBTLE.importKey('jwk', jwk, CURVE, true, ['verify']),
  }
}

const base64url = (octets: Buffer): string => octets.toString('base64url')

async function selfSigned(keys: webcrypto.CryptoKeyPair, now: Date): Promise<Uint8Array> {
  const until = new Date(now)
  until.setUTCFullYear(until.getUTCFullYear() + YEARS)
  const made = await x509.X509CertificateGenerator.createSelfSigned({
    name: `CN=${AUTHORITY_NAME}`,
    serialNumber: newSerial(),
    notBefore: slack(now),
    notAfter: until,
    keys,
    signingAlgorithm: SIGNING,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  })
  return new Uint8Array(made.rawData)
}

/** Clocks of access points are a little late, and X.509 has whole seconds. */
const slack = (from: Date): Date => new Date(from.getTime() - 300_000)

/** RFC 5280 §4.1.2.2: positive, at most 20 octets, not to be guessed. */
function newSerial(): string {
  const octets = randomBytes(16)
  octets.writeUInt8((octets.readUInt8(0) & 0x3f) | 0x40, 0)
  return octets.toString('hex')
}

function authorityOf(pair: webcrypto.CryptoKeyPair, issuer: x509.X509Certificate): Authority {
  const issue = async (
    subject: string,
    key: CryptoKey,
    { from, until }: Span,
    usage: x509.ExtendedKeyUsage,
    names: x509.Extension[],
  ): Promise<Issued> => {
    const serial = newSerial()
    const made = await x509.X509CertificateGenerator.create({
      serialNumber: serial,
      subject: [{ CN: [subject] }],
      issuer: issuer.subject,
      notBefore: slack(from),
      notAfter: until,
      publicKey: key,
      signingKey: pair.privateKey,
      signingAlgorithm: SIGNING,
      extensions: [
        new x509.BasicConstraintsExtension(false, undefined, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
        new x509.ExtendedKeyUsageExtension([usage]),
        await x509.SubjectKeyIdentifierExtension.create(key),
        await x509.AuthorityKeyIdentifierExtension.create(issuer),
        ...names,
      ],
    })
    return { serial, certificate: new Uint8Array(made.rawData) }
  }
  return {
    certificate: new Uint8Array(issuer.rawData),
    issueClient: (subject, key, span) => issue(subject, key, span, x509.ExtendedKeyUsage.clientAuth, []),
    issueServer: (names, key, span) =>
      issue(names[0] ?? 'radsec', key, span, x509.ExtendedKeyUsage.serverAuth, [
        new x509.SubjectAlternativeNameExtension(
          names.map((name) => ({ type: isIP(name) === 0 ? 'dns' : 'ip', value: name })),
        ),
      ]),
    async revocationList(revoked, { from, until }) {
      const list = await x509.X509CrlGenerator.create({
        issuer: issuer.subject,
        thisUpdate: from,
        nextUpdate: until,
        signingKey: pair.privateKey,
        signingAlgorithm: SIGNING,
        entries: revoked.map(({ serial, at }) => ({ serialNumber: serial, revocationDate: at })),
      })
      return new Uint8Array(list.rawData)
    },
  }
}

/** A new P-256 key; `pem` is the private half, PKCS #8. */
export async function newKey(): Promise<{ readonly key: CryptoKey; readonly pem: string }> {
  const pair = await SUBTLE.generateKey(CURVE, true, ['sign', 'verify'])
  const pkcs8 = new Uint8Array(await SUBTLE.exportKey('pkcs8', pair.privateKey))
  return { key: pair.publicKey, pem: pem('PRIVATE KEY', pkcs8) }
}

/** The public key of a certification request (RFC 2986) that is signed by its private half. Throws RADIO_CERT_REQUEST. */
export async function requestedKey(request: string): Promise<CryptoKey> {
  try {
    const read = new x509.Pkcs10CertificateRequest(request)
    if (await read.verify()) return (await read.publicKey.export()) as CryptoKey
  } catch {
    // Whatever it is, it is no request.
  }
  return fail('RADIO_CERT_REQUEST', {})
}

export function pem(label: string, der: Uint8Array): string {
  const lines =
    Buffer.from(der)
      .toString('base64')
      .match(/.{1,64}/g) ?? []
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ''].join('\n')
}

export const fingerprintOf = (certificate: Uint8Array): string => createHash('sha256').update(certificate).digest('hex')
