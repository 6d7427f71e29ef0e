// A SUCI as text, as it goes over the service-based interface (TS 29.571 §5.3.2, TS 23.003 §28.7.3): `suci-0-274-012-678-1-27-b2e9...`
import {
  isRealm,
  MSIN_OCTETS,
  NULL_SCHEME,
  packDigits,
  type Suci,
  type SuciFault,
  suciFault,
  unpackDigits,
  userName,
} from './suci.ts'

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

/** Longer than anything that could be right: a NAI's worth in hex beside a NAI's worth of realm. */
const LIMIT = 1024

const IMSI = /^suci-0-([0-9]{3})-([0-9]{2,3})-([0-9]{1,4})-([0-9a-f])-([0-9]{1,3})-(.*)$/i
// A realm may hold hyphens and digits: the first place where the numbers fit is the end of it.
const NSI = /^suci-1-(.+?)-([0-9]{1,4})-([0-9a-f])-([0-9]{1,3})-(.*)$/i

/** Reads a SUCI; the identity stays concealed. */
export function parseSuci(text: string): Suci | SuciFault {
  if (text.length > LIMIT || !/^suci-/i.test(text)) return suciFault('malformed', 'SUCI')
  const type = text[5]
  if (type !== '0' && type !== '1') {
    return /^[2-7]-$/.test(text.slice(5, 7)) ? suciFault('supi-type', 'SUPI type') : suciFault('malformed', 'SUPI type')
  }
  const match = (type === '0' ? IMSI : NSI).exec(text)
  if (match === null) return suciFault('malformed', 'SUCI')
  const [routingIndicator, schemeText, keyText, outputText] = match.slice(-4) as [string, string, string, string]
  const scheme = Number.parseInt(schemeText, 16)
  const keyId = Number(keyText)
  if (keyId > 255) return suciFault('malformed', 'home network public key identifier')
  const realm = match[1] as string
  if (type === '1' && !isRealm(realm)) return suciFault('malformed', 'home network identifier')
  const home = type === '0' ? { mcc: realm, mnc: match[2] as string } : { realm }
  const output = scheme === NULL_SCHEME ? plainOctets(type, outputText) : hexOctets(outputText)
  if (output === undefined) return suciFault('malformed', 'scheme output')
  return { home, routingIndicator, scheme, keyId, output }
}

function plainOctets(type: string, text: string): Uint8Array | undefined {
  if (type === '0') return /^[0-9]+$/.test(text) && text.length <= 2 * MSIN_OCTETS ? packDigits(text) : undefined
  const bytes = new Uint8Array(Buffer.from(text, 'utf8'))
  return userName(bytes) === text ? bytes : undefined
}

const hexOctets = (text: string): Uint8Array | undefined =>
  /^([0-9a-f]{2})+$/i.test(text) ? new Uint8Array(Buffer.from(text, 'hex')) : undefined

/** Writes a SUCI, or gives a fault when the plain octets of a null scheme are no identity. */
export function formatSuci({ home, routingIndicator, scheme, keyId, output }: Suci): string | SuciFault {
  const nsi = 'realm' in home
  const network = nsi ? `1-${home.realm}` : `0-${home.mcc}-${home.mnc}`
  const text = scheme !== NULL_SCHEME ? hex(output) : nsi ? userName(output) : unpackDigits(output)
  if (text === undefined) return suciFault('plain', 'scheme output')
  return `suci-${network}-${routingIndicator}-${scheme.toString(16)}-${keyId}-${text}`
}
