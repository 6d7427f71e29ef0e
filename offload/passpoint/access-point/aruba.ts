// Aruba Instant: commands for its command line. Text stands in double quotes, which have no escape.
import { announcedRealms } from '../network.ts'
import { type AccessPoint, about, fit, minutes, type Product, secretOf } from './access-point.ts'

const TITLE = 'Aruba Instant 8.6 or later, command line'
/** '"' would end the text, '?' asks the command line for help in the middle of it. */
const UNFIT = /["?]/u

export const aruba: Product = { title: TITLE, format }

/** EAP methods that the command line knows; eap-aka is announced for EAP-AKA' too. */
const METHODS: Readonly<Record<number, string>> = { 13: 'eap-tls', 18: 'eap-sim', 23: 'eap-aka', 50: 'eap-aka' }
/** hs-profile has room for the first and three more. */
const ROAMING = 3

function format(accessPoint: AccessPoint): string {
  const { network, nasIdentifier, transport, server, coaPort, interim } = accessPoint
  const text = (what: string, value: string): string => `"${fit('Aruba Instant', what, value, UNFIT)}"`
  const realms = announcedRealms(network).map(({ realm, methods }, index) => ({
    profile: `tallycell-realm-${index + 1}`,
    realm,
    method: METHODS[methods[0] ?? 0] ?? 'eap-tls',
  }))
  const networks = network.plmns.map(({ mcc, mnc }, index) => ` 3gpp-plmn${index + 1} ${mcc}${mnc}`)
  const lines = [
    ...about(accessPoint, TITLE, ...notes(accessPoint)).map(
      (line) => `! ${fit('Aruba Instant', 'the name of the operator', line, UNFIT)}`,
    ),
    'configure terminal',
    'wlan auth-server tallycell',
    ` ip ${server}`,
    ...(transport.kind === 'radsec'
      ? [` radsec port ${transport.port}`]
      : [
          ` port ${transport.authenticationPort}`,
          ` acctport ${transport.accountingPort}`,
          ` key ${text('the shared secret', secretOf(transport))}`,
        ]),
    ` nas-id ${text('the NAS-Identifier', nasIdentifier)}`,
    ' rfc3576',
    ...(coaPort === 3799 ? [] : [`! Disconnect requests will come to port ${coaPort}: set it as the port of rfc3576.`]),
    ' exit',
    ...realms.flatMap(({ profile, realm, method }) => [
      `hotspot anqp-nai-realm-profile ${profile}`,
      ` nai-realm-name ${realm}`,
      ' nai-realm-encoding rfc4282',
      ` nai-realm-eap-method ${method}`,
      ' enable',
      ' exit',
    ]),
    ...(networks.length > 0 ? ['hotspot anqp-3gpp-profile tallycell', ...networks, ' enable', ' exit'] : []),
    'hotspot anqp-domain-name-profile tallycell',
    ` domain-name ${network.domain}`,
    ' enable',
    ' exit',
    'hotspot h2qp-oper-name-profile tallycell',
    ' op-lang-code eng',
    ` op-fr-name ${text('the name of the operator', network.operator)}`,
    ' enable',
    ' exit',
    ...roamingProfile(network.rcois[0]),
    'hotspot hs-profile tallycell',
    ' access-network-type chargeable-public',
    ' internet',
    ' advertisement-protocol anqp',
    ...roamingPartners(network.rcois.slice(1)),
    ...realms.map(({ profile }) => ` advertisement-profile anqp-nai-realm ${profile}`),
    ...(networks.length > 0 ? [' advertisement-profile anqp-3gpp tallycell'] : []),
    ' advertisement-profile anqp-domain-name tallycell',
    ' advertisement-profile h2qp-oper-name tallycell',
    ...(network.rcois.length > 0 ? [' advertisement-profile anqp-roam-cons tallycell'] : []),
    ' enable',
    ' exit',
    'wlan ssid-profile tallycell',
    ' enable',
    ' type employee',
    ` essid ${text('the SSID', network.ssid)}`,
    ' opmode wpa2-aes',
    ' auth-server tallycell',
    ' radius-accounting',
    ` radius-interim-accounting-interval ${minutes(interim)}`,
    ' hotspot-profile tallycell',
    ' exit',
    'end',
    'commit apply',
  ]
  return `${lines.join('\n')}\n`
}

const notes = ({ transport, network }: AccessPoint): string[] => [
  'Paste it into the command line of the virtual controller.',
  ...(transport.kind === 'radsec'
    ? ['Load what `tallycell radio cert issue` issued first: copy tftp … radsec cert, and radsec ca.']
    : []),
  ...(network.rcois.length > ROAMING + 1
    ? [
        `Only the first ${ROAMING + 1} roaming consortium identifiers fit: ${network.rcois.slice(ROAMING + 1).join(' ')} are left out.`,
      ]
    : []),
]

const roamingProfile = (rcoi: string | undefined): string[] =>
  rcoi === undefined
    ? []
    : [
        'hotspot anqp-roam-cons-profile tallycell',
        ` roam-cons-oi ${rcoi.toUpperCase()}`,
        ` roam-cons-oi-len ${rcoi.length / 2}`,
        ' enable',
        ' exit',
      ]

const roamingPartners = (rcois: readonly string[]): string[] =>
  rcois.length === 0
    ? []
    : [
        ` addtl-roam-cons-ois ${Math.min(rcois.length, ROAMING)}`,
        ...rcois
          .slice(0, ROAMING)
          .flatMap((rcoi, index) => [
            ` roam-cons-len-${index + 1} ${rcoi.length / 2}`,
            ` roam-cons-oi-${index + 1} ${rcoi.toUpperCase()}`,
          ]),
      ]
