// MikroTik RouterOS: a script for /import. Realms go in as ANQP octets, for the names that RouterOS has for EAP methods lack EAP-AKA'.
import { isIP } from 'node:net'
import { announcedRealms, type RealmMethods } from '../network.ts'
import { type AccessPoint, about, CREDENTIAL_TYPE, fit, type Product, secretOf } from './access-point.ts'

const TITLE = 'RouterOS 7.15 or later, /interface/wifi'

export const mikrotik: Product = { title: TITLE, format }

/** In double quotes, everything but the plainest characters as octets in hex. */
const quoted = (text: string): string =>
  `"${Array.from(Buffer.from(text), (octet) => {
    const char = String.fromCharCode(octet)
    return /[A-Za-z0-9.:/@,_ -]/.test(char) ? char : `\\${octet.toString(16).toUpperCase().padStart(2, '0')}`
  }).join('')}"`

function format(accessPoint: AccessPoint): string {
  const { network, nasIdentifier, transport, coaPort, interim } = accessPoint
  const value = (what: string, text: string, forbidden?: RegExp): string =>
    quoted(fit('RouterOS', what, text, forbidden))
  const pairs: readonly (readonly [string, string | undefined])[] = [
    ['name', 'tallycell'],
    ['hotspot20', 'yes'],
    ['hotspot20-dgaf', 'no'],
    ['internet', 'yes'],
    ['network-type', 'public-chargeable'],
    ['domain-names', value('the domain', network.domain)],
    ['operator-names', value('the name of the operator', `${commaless(network.operator)}:eng`)],
    ['roaming-ois', network.rcois.length > 0 ? network.rcois.join(',') : undefined],
    [
      '3gpp-info',
      network.plmns.length > 0 ? network.plmns.map(({ mcc, mnc }) => `${mcc}/${mnc}`).join(',') : undefined,
    ],
    ['realms-raw', announcedRealms(network).map(realmTuple).join(',') || undefined],
  ]
  const interworking = pairs.flatMap(([name, text]) => (text === undefined ? [] : [`${name}=${text}`])).join(' ')
  const lines = [
    ...about(accessPoint, TITLE, ...notes(accessPoint)).map((line) => `# ${fit('RouterOS', 'the name', line)}`),
    `/radius add service=wireless ${radius(accessPoint, value)}`,
    ...(transport.kind === 'udp' ? [`/radius incoming set accept=yes port=${coaPort}`] : []),
    `/interface wifi aaa add name=tallycell nas-identifier=${value('the NAS-Identifier', nasIdentifier)} interim-update=${interim}s`,
    '/interface wifi security add name=tallycell authentication-types=wpa2-eap eap-accounting=yes management-protection=allowed wps=disable',
    `/interface wifi interworking add ${interworking}`,
    `/interface wifi configuration add name=tallycell mode=ap ssid=${value('the SSID', network.ssid)} aaa=tallycell security=tallycell interworking=tallycell`,
    '/interface wifi set [ find default-name=wifi1 ] configuration=tallycell disabled=no',
  ]
  return `${lines.join('\n')}\n`
}

/** In a list of NAME:LANGUAGE, comma and colon have a meaning of their own. */
const commaless = (name: string): string => fit('RouterOS', 'the name of the operator', name, /[,:]/u)

const notes = ({ transport }: AccessPoint): string[] => [
  'Run it with /import; set country and the interface (wifi1 here) for the place.',
  ...(transport.kind === 'radsec'
    ? [
        'Before it, load what `tallycell radio cert issue` issued with /certificate import, CA first, and name the client certificate tallycell-radsec.',
        'RouterOS connects to port 2083.',
      ]
    : []),
]

function radius(
  { server, transport }: AccessPoint,
  value: (what: string, text: string, forbidden?: RegExp) => string,
): string {
  const address = isIP(server) ? server : value('the server', server)
  if (transport.kind === 'radsec') return `address=${address} protocol=radsec certificate=tallycell-radsec timeout=3s`
  const ports = `authentication-port=${transport.authenticationPort} accounting-port=${transport.accountingPort}`
  return `address=${address} protocol=udp ${ports} secret=${value('the shared secret', secretOf(transport))} require-message-auth=yes-for-request-resp timeout=3s`
}

/** NAI Realm Tuple (IEEE 802.11-2020 §9.4.5.10) without the length in front: encoding, realm, EAP methods with their credential. */
function realmTuple({ realm, methods }: RealmMethods): string {
  const name = Buffer.from(realm)
  const tuples = methods.map((method) => Buffer.from([5, method, 1, 5, 1, CREDENTIAL_TYPE[method] ?? 0]))
  return Buffer.concat([Buffer.from([0, name.length]), name, Buffer.from([methods.length]), ...tuples]).toString('hex')
}
