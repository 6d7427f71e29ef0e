// Files for Open5GS, made from our own configuration.
import type { Command } from '../cli/command.ts'
import { usage } from '../cli/help.ts'
import { parseAddress } from '../config/address.ts'
import { fail } from '../kernel/errors.ts'
import { diameterSection } from '../transport/diameter/settings.ts'
import { renderSmfDiameter } from './smf-diameter.ts'

export function open5gsCommands(): Command[] {
  return [renderGy]
}

const ANYWHERE: readonly string[] = ['0.0.0.0', '::']

const renderGy: Command = {
  path: ['open5gs', 'render', 'gy'],
  summary: "print the freeDiameter configuration with which Open5GS's SMF is charged by this node",
  options: {
    smf: { value: 'NAME', summary: 'its Origin-Host; the only one of diameter.peers, unless given' },
    address: { value: 'HOST', summary: 'where it reaches this node; that of diameter.listen, unless given' },
    'listen-on': { value: 'HOST', summary: 'address of the SMF itself', default: '127.0.0.4' },
    pcrf: {
      value: 'NAME',
      summary: "the PCRF's Origin-Host; none where no PCRF is asked",
      default: 'pcrf.localdomain',
    },
    'pcrf-address': { value: 'HOST', summary: 'where the PCRF is', default: '127.0.0.9' },
    certificates: { value: 'DIR', summary: 'folder of smf.crt, smf.key and ca.crt', default: '/etc/open5gs/tls' },
  },
  examples: [
    'tallycell open5gs render gy > /etc/freeDiameter/smf.conf',
    'tallycell open5gs render gy --smf smf.localdomain --address 192.0.2.10',
  ],
  async run({ options }, context) {
    const { identity, realm, listen, listenTls, peers } = (await context.config()).get(diameterSection)
    if (identity === undefined) return fail('DIAMETER_UNNAMED', {})
    const missing = (name: string, expected: string): never =>
      fail('CLI_ARGUMENT_MISSING', { name, expected, usage: usage(renderGy) })
    const [only, second] = peers
    const smf = options.smf ?? (second === undefined ? only?.identity : undefined) ?? missing('--smf', 'NAME')
    const tls = peers.some((peer) => peer.identity === smf && peer.tls)
    const at = parseAddress((tls ? listenTls[0] : listen[0]) ?? '')
    const host =
      options.address ?? (at === undefined || ANYWHERE.includes(at.host) ? missing('--address', 'HOST') : at.host)
    const text = renderSmfDiameter({
      ...{ identity, host, tls, smf },
      port: at?.port ?? 3868,
      realm: realm ?? identity.slice(identity.indexOf('.') + 1),
      listenOn: options['listen-on'] ?? '',
      pcrf: options.pcrf === 'none' ? undefined : { identity: options.pcrf ?? '', host: options['pcrf-address'] ?? '' },
      certificates: options.certificates ?? '',
    })
    return { text, json: { file: 'smf.conf', text } }
  },
}
