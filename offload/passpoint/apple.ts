// A configuration profile for iOS and iPadOS: com.apple.wifi.managed of Apple's device management, with what it refers to.
import type { Credential, Holder, TlsCredential } from './credential.ts'
import { EAP_TLS, type PasspointNetwork, type Plmn, simRealm } from './network.ts'
import { pkcs12 } from './pkcs12.ts'
import { formatPlist, type PlistDictionary } from './plist.ts'
import { nameUuid } from './uuid.ts'

export interface AppleProfile {
  readonly network: PasspointNetwork
  readonly holder: Holder
  readonly credential: Credential
  /** Protects the key inside; wanted for EAP-TLS only. The profile holds it too, so it keeps nobody out who has the profile. */
  readonly identityPassword: string
}

type Payload = (name: string, type: string, title: string, values: PlistDictionary) => PlistDictionary & Identified
interface Identified {
  readonly PayloadUUID: string
}

/**
 * The profile as a property list. The Passpoint network and the network by name are payloads of their own: a phone that finds both
 * in one payload takes the name and forgets the rest. The same holder's next profile replaces this one, by identifier and UUID.
 */
export function appleProfile(profile: AppleProfile): string {
  const { network, holder, credential } = profile
  const identifier = `${network.domain.split('.').reverse().join('.')}.passpoint.${holder.kind}.${holder.id}`
  const payload: Payload = (name, type, title, values) => ({
    PayloadType: type,
    PayloadVersion: 1,
    PayloadIdentifier: `${identifier}.${name}`,
    PayloadUUID: nameUuid(`${identifier}.${name}`),
    PayloadDisplayName: title,
    ...values,
  })
  const attached = credential.kind === 'tls' ? tlsPayloads(payload, credential, profile.identityPassword) : undefined
  const eap = {
    EncryptionType: 'WPA2',
    AutoJoin: true,
    PayloadCertificateUUID: attached?.identity.PayloadUUID,
    EAPClientConfiguration: attached?.eap ?? { AcceptEAPTypes: simMethods(credential) },
  }
  const wifi = 'com.apple.wifi.managed'
  return formatPlist({
    PayloadType: 'Configuration',
    PayloadVersion: 1,
    PayloadIdentifier: identifier,
    PayloadUUID: nameUuid(identifier),
    PayloadDisplayName: network.operator,
    PayloadOrganization: network.operator,
    PayloadDescription: `Joins Wi-Fi access points of ${network.operator} and its partners by itself.`,
    PayloadRemovalDisallowed: false,
    PayloadContent: [
      payload('hotspot', wifi, `${network.operator} (Passpoint)`, { ...hotspot(network, credential), ...eap }),
      payload('ssid', wifi, network.ssid, { SSID_STR: network.ssid, ...eap }),
      ...(attached?.payloads ?? []),
    ],
  })
}

const simMethods = (credential: Credential): readonly number[] => (credential.kind === 'sim' ? credential.methods : [])

function hotspot(
  { operator, domain, rcois, realms, plmns }: PasspointNetwork,
  credential: Credential,
): PlistDictionary {
  const networks = credential.kind === 'sim' ? [credential.plmn] : []
  return {
    IsHotspot: true,
    DomainName: domain,
    DisplayedOperatorName: operator,
    ServiceProviderRoamingEnabled: true,
    RoamingConsortiumOIs: rcois.map((rcoi) => rcoi.toUpperCase()),
    NAIRealmNames: [...realms, ...(credential.kind === 'sim' ? plmns.map(simRealm) : [])],
    MCCAndMNCs: networks.map(sixDigits),
  }
}

/** MCCAndMNCs takes six digits: an MNC of two gets a 0 in front, as in the realm. */
const sixDigits = ({ mcc, mnc }: Plmn): string => mcc + mnc.padStart(3, '0')

function tlsPayloads(payload: Payload, { client, authorities, serverNames }: TlsCredential, password: string) {
  const identity = payload('identity', 'com.apple.security.pkcs12', 'Wi-Fi certificate', {
    PayloadContent: pkcs12(client, password),
    Password: password,
  })
  const anchors = authorities.map((der, index) =>
    index === authorities.length - 1
      ? payload('ca-root', 'com.apple.security.root', 'Wi-Fi server authority', { PayloadContent: der })
      : payload(`ca-${index + 1}`, 'com.apple.security.pkcs1', 'Wi-Fi server authority', { PayloadContent: der }),
  )
  return {
    identity,
    payloads: [identity, ...anchors],
    eap: {
      AcceptEAPTypes: [EAP_TLS],
      TLSMinimumVersion: '1.2',
      TLSTrustedServerNames: serverNames,
      PayloadCertificateAnchorUUID: anchors.map(({ PayloadUUID }) => PayloadUUID),
    },
  }
}
