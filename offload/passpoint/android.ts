// A Passpoint profile for Android: the Per-Provider Subscription management object (Hotspot 2.0 Technical Specification §9.1) as
// OMA-DM XML, in a multipart message, in base64, as android.net.wifi.hotspot2.ConfigParser reads it.
import { createHash } from 'node:crypto'
import type { Credential, Holder } from './credential.ts'
import { type PasspointNetwork, simRealm } from './network.ts'
import { pkcs12 } from './pkcs12.ts'
import { nameUuid } from './uuid.ts'
import { element, formatXml, type XmlElement } from './xml.ts'

export interface AndroidProfile {
  readonly network: PasspointNetwork
  readonly holder: Holder
  readonly credential: Credential
}

/** What a web server has to call the file. */
export const ANDROID_TYPE = 'application/x-wifi-config'

/** The file, all ASCII. */
export function androidProfile({ network, holder, credential }: AndroidProfile): string {
  const parts: [type: string, content: Uint8Array][] = [
    ['application/x-passpoint-profile', Buffer.from(subscription(network, credential))],
  ]
  if (credential.kind === 'tls') {
    // Android keeps the last authority that it meets, so the root comes last; the others are for whoever reads them all.
    for (const der of credential.authorities) parts.push(['application/x-x509-ca-cert', der])
    parts.push(['application/x-pkcs12', pkcs12(credential.client, '')])
  }
  const boundary = nameUuid(`${network.domain}/${holder.kind}/${holder.id}`)
  const message = [
    `Content-Type: multipart/mixed; boundary=${boundary}`,
    'Content-Transfer-Encoding: base64',
    '',
    ...parts.flatMap(([type, content]) => [
      `--${boundary}`,
      `Content-Type: ${type}`,
      'Content-Transfer-Encoding: base64',
      '',
      base64Lines(content),
    ]),
    `--${boundary}--`,
    '',
  ].join('\r\n')
  return `${base64Lines(Buffer.from(message))}\r\n`
}

/** Lines of at most 76 characters (RFC 2045 §6.8). */
const base64Lines = (octets: Uint8Array): string =>
  (
    Buffer.from(octets)
      .toString('base64')
      .match(/.{1,76}/g) ?? []
  ).join('\r\n')

function subscription(network: PasspointNetwork, credential: Credential): string {
  const home = [
    leaf('FriendlyName', network.operator),
    leaf('FQDN', network.domain),
    ...(network.rcois.length > 0 ? [leaf('RoamingConsortiumOI', network.rcois.join(','))] : []),
  ]
  const tree: XmlElement = {
    name: 'MgmtTree',
    attributes: { xmlns: 'syncml:dmddf1.2' },
    children: [
      element('VerDTD', '1.2'),
      element(
        'Node',
        element('NodeName', 'PerProviderSubscription'),
        element(
          'RTProperties',
          element('Type', element('DDFName', 'urn:wfa:mo:hotspot2dot0-perprovidersubscription:1.0')),
        ),
        node('i001', node('HomeSP', ...home), node('Credential', ...credentialNodes(credential))),
      ),
    ],
  }
  return `<?xml version="1.0" encoding="UTF-8"?>\n${formatXml(tree)}`
}

/** A SIM has one method here: the best. */
function credentialNodes(credential: Credential): XmlElement[] {
  if (credential.kind === 'sim')
    return [
      leaf('Realm', simRealm(credential.plmn)),
      node('SIM', leaf('IMSI', credential.imsi), leaf('EAPType', String(credential.methods[0]))),
    ]
  const fingerprint = createHash('sha256').update(credential.client.certificate.raw).digest('hex')
  return [
    leaf('Realm', credential.realm),
    node('DigitalCertificate', leaf('CertificateType', 'x509v3'), leaf('CertSHA256Fingerprint', fingerprint)),
  ]
}

const node = (name: string, ...children: XmlElement[]): XmlElement =>
  element('Node', element('NodeName', name), ...children)
const leaf = (name: string, value: string): XmlElement => node(name, element('Value', value))
