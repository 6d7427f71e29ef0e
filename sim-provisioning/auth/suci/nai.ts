// A SUCI as a network access identifier (TS 23.003 §28.7.3): `type1.rid678.schid1.hnkey27.ecckey...cip...mac...@3gpp.com`. The form in
// which a network-specific identifier goes over the air, and both kinds go through EAP.
import {
  type HomeNetwork,
  isRealm,
  NAI_OCTETS,
  NULL_SCHEME,
  PROFILE_A,
  PROFILE_B,
  packDigits,
  type Suci,
  type SuciFault,
  suciFault,
  unpackDigits,
  userName,
} from './suci.ts'

/** Octets of the ephemeral public key of each profile, and of its MAC. */
const POINT_HEX: Readonly<Record<number, number>> = { [PROFILE_A]: 64, [PROFILE_B]: 66 }
const MAC_HEX = 16
const LIMIT = 1024

const NULL_FORM = /^type([0-7])\.rid([0-9]{1,4})\.schid0\.userid([^@]+)@([^@]+)$/
const ECIES_FORM =
  /^type([0-7])\.rid([0-9]{1,4})\.schid([12])\.hnkey([0-9]{1,3})\.ecckey([0-9a-f]+)\.cip([0-9a-f]+)\.mac([0-9a-f]+)@([^@]+)$/i
const PLMN_REALM = /^(?:nai\.)?5gc(?:-nn)?\.mnc([0-9]{3})\.mcc([0-9]{3})\.3gppnetwork\.org$/i

/**
 * Reads a SUCI in the form of a NAI. The realm of an IMSI gives every MNC three digits: only with `mncDigits`, which the home network
 * knows of itself, can such an identity be read.
 */
export function parseNai(text: string, mncDigits?: 2 | 3): Suci | SuciFault {
  if (text.length > LIMIT) return suciFault('malformed', 'NAI')
  const concealed = ECIES_FORM.exec(text)
  const match = concealed ?? NULL_FORM.exec(text)
  if (match === null) {
    return /\.schid([3-9]|1[0-5])\./.test(text) ? suciFault('scheme-unknown', 'schid') : suciFault('malformed', 'NAI')
  }
  const type = match[1] as string
  const routingIndicator = match[2] as string
  const home = homeOf(type, match.at(-1) as string, mncDigits)
  if ('fault' in home) return home
  if (concealed === null) {
    const output = plainOctets(type, match[3] as string)
    if (output === undefined) return suciFault('malformed', 'userid')
    return { home, routingIndicator, scheme: NULL_SCHEME, keyId: 0, output }
  }
  const [scheme, keyId] = [Number(match[3]), Number(match[4])]
  const [point, cipher, mac] = match.slice(5, 8) as [string, string, string]
  if (keyId > 255) return suciFault('malformed', 'hnkey')
  if (point.length !== POINT_HEX[scheme]) return suciFault('output-length', 'ecckey')
  if (cipher.length % 2 !== 0 || cipher.length > 2 * NAI_OCTETS) return suciFault('output-length', 'cip')
  if (mac.length !== MAC_HEX) return suciFault('output-length', 'mac')
  return { home, routingIndicator, scheme, keyId, output: new Uint8Array(Buffer.from(point + cipher + mac, 'hex')) }
}

function homeOf(type: string, realm: string, mncDigits: 2 | 3 | undefined): HomeNetwork | SuciFault {
  if (type === '1') return isRealm(realm) ? { realm } : suciFault('malformed', 'realm')
  if (type !== '0' || mncDigits === undefined) return suciFault('supi-type', 'type')
  const [, mnc, mcc] = PLMN_REALM.exec(realm) ?? []
  if (mnc === undefined || mcc === undefined) return suciFault('malformed', 'realm')
  if (mncDigits === 2 && mnc[0] !== '0') return suciFault('malformed', 'realm')
  return { mcc, mnc: mnc.slice(3 - mncDigits) }
}

function plainOctets(type: string, text: string): Uint8Array | undefined {
  if (type === '0') return /^[0-9]{1,10}$/.test(text) ? packDigits(text) : undefined
  const bytes = new Uint8Array(Buffer.from(text, 'utf8'))
  return userName(bytes) === text ? bytes : undefined
}

/** Writes the NAI, or gives a fault for a scheme or scheme output that it has no form for. */
export function formatNai({ home, routingIndicator, scheme, keyId, output }: Suci): string | SuciFault {
  const nsi = 'realm' in home
  const realm = nsi ? home.realm : `5gc.mnc${home.mnc.padStart(3, '0')}.mcc${home.mcc}.3gppnetwork.org`
  const start = `type${nsi ? 1 : 0}.rid${routingIndicator}.schid${scheme}`
  if (scheme === NULL_SCHEME) {
    const user = nsi ? userName(output) : unpackDigits(output)
    return user === undefined ? suciFault('plain', 'scheme output') : `${start}.userid${user}@${realm}`
  }
  const point = POINT_HEX[scheme]
  if (point === undefined) return suciFault('scheme-unknown', 'schid')
  const hex = Buffer.from(output).toString('hex')
  if (hex.length <= point + MAC_HEX) return suciFault('output-length', 'scheme output')
  const cipher = hex.slice(point, -MAC_HEX)
  return `${start}.hnkey${keyId}.ecckey${hex.slice(0, point)}.cip${cipher}.mac${hex.slice(-MAC_HEX)}@${realm}`
}
