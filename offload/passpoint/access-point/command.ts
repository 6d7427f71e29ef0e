// `tallycell radio config`: what to type, load or send into an access point so that it serves our subscribers and reports to us.
import { isIP } from 'node:net'
import type { Command, Input } from '../../../core/cli/command.ts'
import type { Config } from '../../../core/config/section.ts'
import type { RadioNames } from '../../../core/events/ports.ts'
import { fail } from '../../../core/kernel/errors.ts'
import { radioId } from '../../../core/kernel/ids.ts'
import type { Store } from '../../../core/store/store.ts'
import { radiusSection } from '../../accounting/settings.ts'
import { readNetwork } from '../network.ts'
import { writeNewFile } from '../new-file.ts'
import { readBytes } from '../pem.ts'
import { type PasspointSettings, passpointSection } from '../settings.ts'
import type { AccessPoint, RadsecTransport, UdpTransport } from './access-point.ts'
import { PRODUCTS } from './products.ts'

export interface ConfigCommandDeps {
  /** The radios that bear a name, as id or NAS-Identifier. */
  readonly radiosNamed: (store: Store, name: string) => Promise<readonly RadioNames[]>
}

const NAMES = Object.keys(PRODUCTS).join(', ')

export const configCommand = (deps: ConfigCommandDeps): Command => ({
  path: ['radio', 'config'],
  summary: 'write the configuration of a Wi-Fi access point: network, Passpoint, RADIUS',
  positionals: [{ name: 'id', summary: 'the radio', required: true }],
  options: {
    for: { value: 'PRODUCT', summary: NAMES, required: true },
    transport: { value: 'KIND', summary: 'udp or radsec; radsec where passpoint.accessPoint.radsecServer is set' },
    client: { value: 'NAME', summary: 'with udp: which of radius.clients, if not the one named as the radio' },
    out: { value: 'FILE', summary: 'where it goes, with the shared secret; without it, a mark stands for the secret' },
    force: { summary: 'overwrite the file if it exists' },
  },
  examples: [
    'tallycell radio config cafe-1 --for openwrt --out cafe-1.wireless',
    'tallycell radio config cafe-1 --for mikrotik --transport udp',
  ],
  async run({ args, options }, context) {
    const product = Object.hasOwn(PRODUCTS, options.for ?? '') ? PRODUCTS[options.for ?? ''] : undefined
    if (product === undefined)
      return fail('ID_INVALID', { what: '--for', expected: NAMES, came: (options.for ?? '').slice(0, 64) })
    const config = await context.config()
    const settings = config.get(passpointSection)
    const network = readNetwork(settings)
    const store = await context.store()
    const radio = await findRadio(deps, store, args.id ?? '')
    const transport =
      chosenTransport(settings, options) === 'radsec' || product === PRODUCTS.radsecproxy
        ? radsec(settings)
        : await udp({ settings, config, radio, options, deps, store })
    const accessPoint: AccessPoint = {
      radio: radio.radio,
      nasIdentifier: radio.nasIdentifier ?? radio.radio,
      bssid: radio.bssid,
      network,
      server: serverAddress(settings),
      transport,
      coaPort: settings.accessPoint.coaPort,
      interim: settings.accessPoint.interimSeconds,
    }
    const text = product.format(accessPoint)
    const json = { radio: radio.radio, product: options.for, transport: transport.kind, title: product.title }
    if (options.out === undefined) return { text, json: { ...json, text } }
    await writeNewFile(options.out, text, options.force !== undefined)
    return {
      text: `Wrote ${options.out}: ${product.title}. It holds what others must not read: hand it over privately.`,
      json: { ...json, file: options.out },
    }
  },
})

async function findRadio({ radiosNamed }: ConfigCommandDeps, store: Store, name: string): Promise<RadioNames> {
  const id = radioId(name)
  const radio = (await radiosNamed(store, id)).find((one) => one.radio === id)
  if (radio === undefined) return fail('RADIO_UNKNOWN', { radio: id })
  if (radio.access !== 'wifi') fail('ACCESS_POINT_NOT_WIFI', { radio: id, access: radio.access })
  return radio
}

function chosenTransport({ accessPoint }: PasspointSettings, { transport }: Input['options']): 'udp' | 'radsec' {
  if (transport === undefined) return accessPoint.radsecServer === undefined ? 'udp' : 'radsec'
  if (transport === 'udp' || transport === 'radsec') return transport
  return fail('ID_INVALID', { what: '--transport', expected: 'udp or radsec', came: transport.slice(0, 64) })
}

/** Access points take an address here, not a name. */
function serverAddress({ accessPoint: { server } }: PasspointSettings): string {
  if (server === undefined)
    return fail('PASSPOINT_SETTING_MISSING', { setting: 'accessPoint.server', example: '192.0.2.10' })
  if (isIP(server) !== 0) return server
  return fail('PASSPOINT_SETTING_INVALID', {
    setting: 'accessPoint.server',
    problem: `'${server}' is not an IP address, and many access points take nothing else`,
  })
}

function radsec({ accessPoint: { radsecServer, radsecPort } }: PasspointSettings): RadsecTransport {
  if (radsecServer !== undefined) return { kind: 'radsec', host: radsecServer, port: radsecPort }
  return fail('PASSPOINT_SETTING_MISSING', { setting: 'accessPoint.radsecServer', example: 'radsec.example.org' })
}

interface UdpNeeds {
  readonly settings: PasspointSettings
  readonly config: Config
  readonly radio: RadioNames
  readonly options: Input['options']
  readonly deps: ConfigCommandDeps
  readonly store: Store
}

/** The secret is read only for a file, and only that of the radio's own client. */
async function udp({ settings, config, radio, options, deps, store }: UdpNeeds): Promise<UdpTransport> {
  const { clients } = config.get(radiusSection)
  const names: readonly (string | undefined)[] =
    options.client === undefined ? [radio.radio, radio.nasIdentifier] : [options.client]
  const client = clients.find(({ name }) => names.includes(name))
  if (client === undefined)
    return fail('ACCESS_POINT_CLIENT_UNKNOWN', { client: options.client ?? radio.radio, radio: radio.radio })
  const other = (await deps.radiosNamed(store, client.name)).find((one) => one.radio !== radio.radio)
  if (other) fail('ACCESS_POINT_CLIENT_FOREIGN', { client: client.name, other: other.radio, radio: radio.radio })
  const { authenticationPort, accountingPort } = settings.accessPoint
  const secret = options.out === undefined ? undefined : await readSecret(config.resolvePath(client.secretFile))
  return { kind: 'udp', authenticationPort, accountingPort, secret }
}

/** As the server reads it: without the line end that editors add. Access points are told it as text. */
async function readSecret(file: string): Promise<string> {
  const octets = await readBytes(file)
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(octets).replace(/[\r\n]+$/, '')
    if (text !== '') return text
  } catch {}
  return fail('ACCESS_POINT_VALUE_UNFIT', {
    product: 'access points',
    what: `the shared secret in ${file}`,
    problem: 'it is empty or no text',
  })
}
