// Names that people choose reach files of seven kinds. Whatever they hold, they come out as they went in, or the file is refused:
// no name adds a line, a key, an element or a command.
import fc from 'fast-check'
import t from 'tap'
import { isTallycellError } from '../../core/kernel/errors.ts'
import { type AccessPoint, SECRET_MARK } from '../../offload/passpoint/access-point/access-point.ts'
import { PRODUCTS } from '../../offload/passpoint/access-point/products.ts'
import { androidProfile } from '../../offload/passpoint/android.ts'
import { appleProfile } from '../../offload/passpoint/apple.ts'
import { type PasspointNetwork, readNetwork } from '../../offload/passpoint/network.ts'
import type { PasspointSettings } from '../../offload/passpoint/settings.ts'
import { readPlist, readTree, readXml } from '../unit/passpoint-xml.ts'

const EVIL = [
  '"',
  "'",
  '\\',
  '$',
  '`',
  '\n',
  '\r',
  '\0',
  ';',
  '<',
  '>',
  '&',
  ']]>',
  '#',
  '?',
  '!',
  '%',
  '{',
  '}',
  '[',
  ']',
]
const MORE = [
  '=',
  ',',
  ':',
  ' ',
  '\t',
  '\u2028',
  '\u0085',
  '\ud800',
  '\uffff',
  'é',
  '😀',
  '$(reboot)',
  '--',
  '<!--',
  '\nssid=x',
]
const text = fc
  .array(fc.oneof(fc.constantFrom(...EVIL, ...MORE), fc.string({ unit: 'binary', maxLength: 4 })), { maxLength: 8 })
  .map((parts) => parts.join(''))

const settingsOf = (operator: string, ssid: string): PasspointSettings => ({
  operator,
  ssid,
  domain: 'wifi.example.org',
  rcois: ['5a03ba0000'],
  realms: ['wifi.example.org'],
  plmns: ['001-01'],
  eapMethods: ['aka-prime', 'aka', 'sim'],
  aaaServerNames: [],
  accessPoint: {
    authenticationPort: 1812,
    accountingPort: 1813,
    radsecPort: 2083,
    coaPort: 3799,
    interimSeconds: 300,
  },
})

/** Undefined where the name is refused, as it should be when it is no printable text. */
function network(operator: string, ssid: string): PasspointNetwork | undefined {
  try {
    return readNetwork(settingsOf(operator, ssid))
  } catch (error) {
    if (isTallycellError(error) && error.code === 'PASSPOINT_SETTING_INVALID') return undefined
    throw error
  }
}

/** Undefined where the product cannot be told such a name. */
function format(product: string, accessPoint: AccessPoint): string | undefined {
  try {
    return PRODUCTS[product]?.format(accessPoint)
  } catch (error) {
    if (isTallycellError(error) && error.code === 'ACCESS_POINT_VALUE_UNFIT') return undefined
    throw error
  }
}

const pointOf = (net: PasspointNetwork, nasIdentifier: string, secret: string | undefined): AccessPoint => ({
  radio: 'cafe-1',
  nasIdentifier,
  bssid: '001122334455',
  network: net,
  server: '192.0.2.10',
  transport: { kind: 'udp', authenticationPort: 1812, accountingPort: 1813, secret },
  coaPort: 3799,
  interim: 300,
})

t.test('profiles: the names come out as they went in', async () => {
  fc.assert(
    fc.property(text, text, (operator, ssid) => {
      const net = network(operator, ssid)
      if (net === undefined)
        return /[^\p{L}\p{N} ]|^ | $/u.test(operator + ssid) || operator + ssid === '' || ssid.length > 8
      const holder = { kind: 'partner', id: 'acme' } as const
      const credential = {
        kind: 'sim',
        imsi: '00101*',
        plmn: { mcc: '001', mnc: '01' },
        methods: net.simMethods,
      } as const
      const apple = readPlist(appleProfile({ network: net, holder, credential, identityPassword: '' })) as {
        PayloadDisplayName: string
        PayloadContent: { SSID_STR?: string; DisplayedOperatorName?: string }[]
      }
      const message = Buffer.from(androidProfile({ network: net, holder, credential }), 'base64').toString('latin1')
      const part = message.split('\r\n\r\n')[2]?.split('\r\n--')[0] ?? ''
      const tree = readTree(readXml(Buffer.from(part, 'base64').toString('utf8')))
      return (
        apple.PayloadDisplayName === operator &&
        apple.PayloadContent.length === 2 &&
        apple.PayloadContent[0]?.DisplayedOperatorName === operator &&
        apple.PayloadContent[1]?.SSID_STR === ssid &&
        tree.size === 6 &&
        tree.get('i001/HomeSP/FriendlyName') === operator
      )
    }),
    { numRuns: 500 },
  )
})

/** The shape of a file: its lines without what may differ by name. */
const KEYS: Readonly<Record<string, (text: string) => unknown>> = {
  hostapd: (file) => file.split('\n').map((line) => (line.startsWith('#') ? '#' : line.split('=')[0])),
  openwrt: (file) =>
    file.split('\n').map((line) => (line.startsWith('#') ? '#' : line.trim().split(' ').slice(0, 2).join(' '))),
  unifi: (file) => keysOf(JSON.parse(file)),
  ruckus: (file) => keysOf(JSON.parse(file)),
  aruba: (file) => file.split('\n').map((line) => (line.startsWith('!') ? '!' : line.replace(/"[^"]*"/g, '""'))),
  // No line is gone on with, and between quotes stand the plainest characters and octets in hex only.
  mikrotik: (file) =>
    file
      .split('\n')
      .map((line) => (line.startsWith('#') ? '#' : line.replace(/"([A-Za-z0-9.:/@,_ -]|\\[0-9A-F]{2})*"/g, '""'))),
  radsecproxy: (file) => file.split('\n').map((line) => (line.startsWith('#') ? '#' : line)),
}

const keysOf = (value: unknown): unknown =>
  Array.isArray(value)
    ? value.map(keysOf)
    : typeof value === 'object' && value !== null
      ? Object.entries(value).map(([key, item]) => [key, keysOf(item)])
      : typeof value

t.test('access points: whatever the names, the same lines with the same keys', async (t) => {
  const plainNet = network('Valley', 'Valley')
  if (plainNet === undefined) throw new Error('a plain name was refused')
  const plain = pointOf(plainNet, 'ap-1', 'secret')
  for (const [product, keys] of Object.entries(KEYS)) {
    const shape = JSON.stringify(keys(format(product, plain) ?? ''))
    let taken = 0
    fc.assert(
      fc.property(text, text, text, text, (operator, ssid, nasIdentifier, secret) => {
        const net = network(operator, ssid) ?? plainNet
        const file = format(product, pointOf(net, nasIdentifier, secret))
        if (file === undefined) return true
        taken++
        return JSON.stringify(keys(file)) === shape
      }),
      { numRuns: 400 },
    )
    t.ok(taken > 10, `${product} takes some of them: ${taken}`)
  }
})

/** Half a surrogate pair cannot be written as UTF-8; it becomes U+FFFD. */
const wellFormed = (value: string): string => Buffer.from(value).toString()

t.test('access points: what is quoted reads back', async () => {
  const uci = (file: string, option: string): string | undefined => {
    const quoted = new RegExp(`^\\toption ${option} ((?:'[^']*'|\\\\')+)$`, 'm').exec(file)?.[1]
    return quoted?.replace(/'([^']*)'|\\(')/g, (_whole, plain?: string) => plain ?? "'")
  }
  const router = (file: string, name: string): string | undefined => {
    const quoted = new RegExp(`${name}="([^"]*)"`).exec(file)?.[1]
    if (quoted === undefined) return undefined
    const octets = quoted.replace(/\\([0-9A-F]{2})/g, (_whole, hex: string) => String.fromCharCode(Number(`0x${hex}`)))
    return Buffer.from(octets, 'latin1').toString('utf8')
  }
  const net = network('Valley', 'Valley')
  if (net === undefined) throw new Error('a plain name was refused')
  fc.assert(
    fc.property(text, text, (nas, secret) => {
      const point = pointOf(net, wellFormed(nas), wellFormed(secret))
      const openwrt = format('openwrt', point)
      const mikrotik = format('mikrotik', point)
      return (
        (openwrt === undefined ||
          (uci(openwrt, 'nasid') === point.nasIdentifier && uci(openwrt, 'auth_secret') === wellFormed(secret))) &&
        (mikrotik === undefined ||
          (router(mikrotik, 'nas-identifier') === point.nasIdentifier &&
            router(mikrotik, 'secret') === wellFormed(secret)))
      )
    }),
    { numRuns: 500 },
  )
})

t.test('where there is no secret to show, a mark stands in every product', async (t) => {
  const net = network('Valley', 'Valley')
  if (net === undefined) throw new Error('a plain name was refused')
  for (const product of Object.keys(PRODUCTS).filter((name) => name !== 'radsecproxy'))
    t.match(format(product, pointOf(net, 'ap-1', undefined)), SECRET_MARK, product)
})
