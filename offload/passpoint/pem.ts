// Certificates and keys from PEM files, checked before anything is made with them.
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { fail } from '../../core/kernel/errors.ts'
import type { Millis } from '../../core/kernel/units.ts'

/** A certificate with those that issued it, and its private key. */
export interface KeyedCertificate {
  readonly certificate: X509Certificate
  /** The issuer first; the root may be left out. */
  readonly issuers: readonly X509Certificate[]
  readonly key: KeyObject
}

export async function readBytes(path: string): Promise<Buffer> {
  try {
    return await readFile(path)
  } catch (error) {
    return fail('FILE_UNREADABLE', { path, reason: error instanceof Error ? error.message : String(error) }, error)
  }
}

/** Every certificate of a PEM file, in order, at least one. Throws FILE_UNREADABLE or PASSPOINT_CERTIFICATE_UNUSABLE. */
export async function readCertificates(
  path: string,
  now: Millis,
): Promise<readonly [X509Certificate, ...X509Certificate[]]> {
  const text = (await readBytes(path)).toString('latin1')
  const blocks = text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []
  const [first, ...others] = blocks.map((block) => parse(path, () => new X509Certificate(block)))
  if (first === undefined) return unusable(path, 'it holds no certificate in PEM form')
  for (const certificate of [first, ...others]) checkTime(path, certificate, now)
  return [first, ...others]
}

/** As `readCertificates`, with the key of the first. */
export async function readKeyed(certificateFile: string, keyFile: string, now: Millis): Promise<KeyedCertificate> {
  const [certificate, ...issuers] = await readCertificates(certificateFile, now)
  const pem = await readBytes(keyFile)
  const key = parse(keyFile, () => createPrivateKey(pem))
  if (key.asymmetricKeyType !== 'rsa' && key.asymmetricKeyType !== 'ec')
    unusable(keyFile, `phones take RSA and ECDSA keys, this is ${key.asymmetricKeyType ?? 'another'}`)
  if (!certificate.checkPrivateKey(key)) unusable(keyFile, `it is not the key of ${certificateFile}`)
  return { certificate, issuers, key }
}

function checkTime(path: string, certificate: X509Certificate, now: Millis): void {
  const { validFrom, validTo } = certificate
  if (BigInt(Date.parse(validTo)) < now) unusable(path, `a certificate in it expired on ${validTo}`)
  if (BigInt(Date.parse(validFrom)) > now) unusable(path, `a certificate in it is valid from ${validFrom} only`)
}

/** Issued by itself: the end of a chain. */
export const isRoot = (certificate: X509Certificate): boolean => certificate.checkIssued(certificate)

function parse<Value>(path: string, make: () => Value): Value {
  try {
    return make()
  } catch (error) {
    return unusable(path, error instanceof Error ? error.message : String(error))
  }
}

const unusable = (file: string, reason: string): never => fail('PASSPOINT_CERTIFICATE_UNUSABLE', { file, reason })
