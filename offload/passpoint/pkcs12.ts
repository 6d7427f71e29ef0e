// A PKCS #12 file (RFC 7292) for a phone's key and certificates. Triple DES and SHA-1 are all that every phone in use opens; what
// keeps the key secret is that the whole profile is handed to its owner alone.
import { createCipheriv, createHash, createHmac, type KeyObject, randomBytes, type X509Certificate } from 'node:crypto'
import { ContentInfo, id_data } from '@peculiar/asn1-cms'
import {
  AuthenticatedSafe,
  CertBag,
  id_certBag,
  id_pbeWithSHAAnd3_KeyTripleDES_CBC,
  id_pkcs8ShroudedKeyBag,
  id_x509Certificate,
  MacData,
  PFX,
  PKCS8ShroudedKeyBag,
  PKCS12Attribute,
  SafeBag,
  SafeContents,
} from '@peculiar/asn1-pfx'
import { DigestInfo } from '@peculiar/asn1-rsa'
import { AsnConvert, OctetString } from '@peculiar/asn1-schema'
import { AlgorithmIdentifier } from '@peculiar/asn1-x509'
import { universal, writeElement } from '../../core/wire/ber/element.ts'
import type { KeyedCertificate } from './pem.ts'

const SHA1 = '1.3.14.3.2.26'
const LOCAL_KEY_ID = '1.2.840.113549.1.9.21'
const ITERATIONS = 2048
const SALT = 8

/** One key with its chain. Android opens only files whose password is empty (ConfigParser of its source). */
export function pkcs12({ certificate, issuers, key }: KeyedCertificate, password: string): Buffer {
  const id = createHash('sha1').update(certificate.raw).digest()
  const certificates = [certificate, ...issuers].map((one, index) => certificateBag(one, index === 0 ? id : undefined))
  const contents = [new SafeContents(certificates), new SafeContents([keyBag(key, id, password)])]
  const safe = Buffer.from(AsnConvert.serialize(new AuthenticatedSafe(contents.map((one) => data(one)))))
  const salt = randomBytes(SALT)
  const mac = createHmac('sha1', deriveKey(password, salt, 3, 20))
    .update(safe)
    .digest()
  const file = new PFX({
    version: 3,
    authSafe: data(safe),
    macData: new MacData({
      mac: new DigestInfo({
        digestAlgorithm: new AlgorithmIdentifier({ algorithm: SHA1, parameters: null }),
        digest: new OctetString(mac),
      }),
      macSalt: new OctetString(salt),
      iterations: ITERATIONS,
    }),
  })
  return Buffer.from(AsnConvert.serialize(file))
}

function data(content: SafeContents | Buffer): ContentInfo {
  const octets = Buffer.isBuffer(content) ? content : Buffer.from(AsnConvert.serialize(content))
  return new ContentInfo({ contentType: id_data, content: AsnConvert.serialize(new OctetString(octets)) })
}

const certificateBag = ({ raw }: X509Certificate, id: Buffer | undefined): SafeBag =>
  new SafeBag({
    bagId: id_certBag,
    bagValue: AsnConvert.serialize(
      new CertBag({ certId: id_x509Certificate, certValue: AsnConvert.serialize(new OctetString(raw)) }),
    ),
    ...(id === undefined ? {} : { bagAttributes: [localKeyId(id)] }),
  })

/** Says which certificate belongs to the key. The class forgets what its constructor is given (asn1-pfx 2.11). */
const localKeyId = (id: Buffer): PKCS12Attribute =>
  Object.assign(new PKCS12Attribute(), {
    attrId: LOCAL_KEY_ID,
    attrValues: [AsnConvert.serialize(new OctetString(id))],
  })

function keyBag(key: KeyObject, id: Buffer, password: string): SafeBag {
  const salt = randomBytes(SALT)
  const cipher = createCipheriv('des-ede3-cbc', deriveKey(password, salt, 1, 24), deriveKey(password, salt, 2, 8))
  const encrypted = Buffer.concat([cipher.update(key.export({ type: 'pkcs8', format: 'der' })), cipher.final()])
  const bag = new PKCS8ShroudedKeyBag({
    encryptionAlgorithm: new AlgorithmIdentifier({
      algorithm: id_pbeWithSHAAnd3_KeyTripleDES_CBC,
      parameters: pbeParameters(salt),
    }),
    encryptedData: new OctetString(encrypted),
  })
  return new SafeBag({
    bagId: id_pkcs8ShroudedKeyBag,
    bagValue: AsnConvert.serialize(bag),
    bagAttributes: [localKeyId(id)],
  })
}

/** SEQUENCE { salt OCTET STRING, iterations INTEGER } (RFC 7292 appendix C). */
const pbeParameters = (salt: Buffer): ArrayBuffer =>
  new Uint8Array(
    writeElement(universal(16), true, [
      writeElement(universal(4), false, [salt]),
      writeElement(universal(2), false, [Buffer.from([ITERATIONS >> 8, ITERATIONS & 0xff])]),
    ]),
  ).buffer

/** RFC 7292 appendix B.2 with SHA-1; `purpose` 1 for a key, 2 for an initial value, 3 for a MAC. */
function deriveKey(password: string, salt: Buffer, purpose: 1 | 2 | 3, length: number): Buffer {
  const block = 64
  const diversifier = Buffer.alloc(block, purpose)
  const input = Buffer.concat([repeat(salt, block), repeat(bmpString(password), block)])
  let derived = Buffer.alloc(0)
  while (derived.length < length) {
    let digest = createHash('sha1').update(diversifier).update(input).digest()
    for (let round = 1; round < ITERATIONS; round++) digest = createHash('sha1').update(digest).digest()
    derived = Buffer.concat([derived, digest])
    const addend = repeat(digest, block).subarray(0, block)
    for (let at = 0; at < input.length; at += block) addPlusOne(input.subarray(at, at + block), addend)
  }
  return derived.subarray(0, length)
}

/** UTF-16, big-endian, ended by two zeros (appendix B.1). */
const bmpString = (text: string): Buffer => Buffer.from(`${text}\0`, 'utf16le').swap16()

/** `octets` again and again, up to a whole number of blocks. */
function repeat(octets: Buffer, block: number): Buffer {
  const out = Buffer.alloc(Math.ceil(octets.length / block) * block)
  for (let at = 0; at < out.length; at++) out[at] = octets[at % octets.length] ?? 0
  return out
}

/** block = block + addend + 1, modulo 2 to the length. */
function addPlusOne(block: Buffer, addend: Buffer): void {
  let carry = 1
  for (let at = block.length - 1; at >= 0; at--) {
    carry += (block[at] ?? 0) + (addend[at] ?? 0)
    block[at] = carry & 0xff
    carry >>= 8
  }
}
