// Cryptographic Message Syntax, signed-data (RFC 5652 §5): how a configuration profile says who made it.
import { createHash, sign, type X509Certificate } from 'node:crypto'
import {
  Attribute,
  CertificateChoices,
  CertificateSet,
  CMSVersion,
  ContentInfo,
  DigestAlgorithmIdentifier,
  DigestAlgorithmIdentifiers,
  EncapsulatedContent,
  EncapsulatedContentInfo,
  IssuerAndSerialNumber,
  id_data,
  id_signedData,
  SignatureAlgorithmIdentifier,
  SignedData,
  SignerIdentifier,
  SignerInfo,
  SignerInfos,
} from '@peculiar/asn1-cms'
import { AsnConvert, AsnObjectIdentifierConverter, OctetString } from '@peculiar/asn1-schema'
import { Certificate } from '@peculiar/asn1-x509'
import { universal, writeElement } from '../../core/wire/ber/element.ts'
import type { KeyedCertificate } from './pem.ts'

const SHA256 = '2.16.840.1.101.3.4.2.1'
const RSA_ENCRYPTION = '1.2.840.113549.1.1.1'
const ECDSA_WITH_SHA256 = '1.2.840.10045.4.3.2'
const CONTENT_TYPE = '1.2.840.113549.1.9.3'
const MESSAGE_DIGEST = '1.2.840.113549.1.9.4'
const NULL = new Uint8Array([5, 0]).buffer

/**
 * `content` with its signature and the signer's chain, as DER. SHA-256 with RSA (PKCS #1 v1.5) or ECDSA. Without a signing time, so
 * that the same content and an RSA key give the same octets.
 */
export function signedData(content: Uint8Array, { certificate, issuers, key }: KeyedCertificate): Buffer {
  const signer = asCertificate(certificate)
  const attributes = sorted([
    new Attribute({
      attrType: CONTENT_TYPE,
      attrValues: [AsnConvert.serialize(AsnObjectIdentifierConverter.toASN(id_data))],
    }),
    new Attribute({
      attrType: MESSAGE_DIGEST,
      attrValues: [AsnConvert.serialize(new OctetString(createHash('sha256').update(content).digest()))],
    }),
  ])
  const digest = new DigestAlgorithmIdentifier({ algorithm: SHA256 })
  const info = new SignerInfo({
    version: CMSVersion.v1,
    sid: new SignerIdentifier({
      issuerAndSerialNumber: new IssuerAndSerialNumber({
        issuer: signer.tbsCertificate.issuer,
        serialNumber: signer.tbsCertificate.serialNumber,
      }),
    }),
    digestAlgorithm: digest,
    signedAttrs: attributes,
    signatureAlgorithm:
      key.asymmetricKeyType === 'ec'
        ? new SignatureAlgorithmIdentifier({ algorithm: ECDSA_WITH_SHA256 })
        : new SignatureAlgorithmIdentifier({ algorithm: RSA_ENCRYPTION, parameters: NULL }),
    signature: new OctetString(sign('sha256', setOf(attributes), key)),
  })
  const signed = new SignedData({
    version: CMSVersion.v1,
    digestAlgorithms: new DigestAlgorithmIdentifiers([digest]),
    encapContentInfo: new EncapsulatedContentInfo({
      eContentType: id_data,
      eContent: new EncapsulatedContent({ single: new OctetString(content) }),
    }),
    certificates: new CertificateSet(
      [certificate, ...issuers].map((one) => new CertificateChoices({ certificate: asCertificate(one) })),
    ),
    signerInfos: new SignerInfos([info]),
  })
  return Buffer.from(
    AsnConvert.serialize(new ContentInfo({ contentType: id_signedData, content: AsnConvert.serialize(signed) })),
  )
}

const asCertificate = (certificate: X509Certificate): Certificate => AsnConvert.parse(certificate.raw, Certificate)

const encoded = (attribute: Attribute): Buffer => Buffer.from(AsnConvert.serialize(attribute))

/** DER puts the members of a set in the order of their octets (X.690 §11.6). */
const sorted = (attributes: Attribute[]): Attribute[] =>
  attributes.sort((a, b) => Buffer.compare(encoded(a), encoded(b)))

/** What is signed: the attributes as a SET, not under the tag [0] that they travel with (RFC 5652 §5.4). */
const setOf = (attributes: readonly Attribute[]): Uint8Array =>
  writeElement(universal(17), true, attributes.map(encoded))
