// The part of the configuration that says who we are to Diameter peers, who they are, and where their requests go.
import { readFileSync } from 'node:fs'
import { Type } from 'typebox'
import { ADDRESS_PATTERN, type Address, parseAddress } from '../../config/address.ts'
import type { Config, Section } from '../../config/section.ts'
import { fail } from '../../kernel/errors.ts'
import { all, type Message } from '../../wire/diameter/message.ts'
import type { DiameterApplication } from './application.ts'
import type { DiameterNodeOptions } from './node.ts'
import type { PeerConfig } from './peers.ts'

const HOST = '^[A-Za-z0-9]([A-Za-z0-9.-]{0,253}[A-Za-z0-9])?$'

export const diameterSection = {
  key: 'diameter',
  schema: Type.Object({
    identity: Type.Optional(
      Type.String({
        pattern: HOST,
        description: 'Our Origin-Host, the name that peers configure (RFC 6733 §6.3). Without it nothing listens.',
        examples: ['ocs.example.com'],
      }),
    ),
    realm: Type.Optional(
      Type.String({
        pattern: HOST,
        description: 'Our Origin-Realm; what follows the first dot of `identity`, when left out.',
        examples: ['example.com'],
      }),
    ),
    realms: Type.Array(Type.String({ pattern: HOST }), {
      default: [],
      description: 'Further realms whose requests are answered here. Open5GS names its own.',
    }),
    listen: Type.Array(Type.String({ pattern: ADDRESS_PATTERN }), {
      default: ['0.0.0.0:3868'],
      description: 'TCP addresses for Diameter peers, host:port (RFC 6733 §2.1 assigns port 3868).',
    }),
    listenTls: Type.Array(Type.String({ pattern: ADDRESS_PATTERN }), {
      default: [],
      description: 'Addresses for peers over TLS from the first octet, host:port (RFC 6733 §2.1 assigns port 5658).',
      examples: [['0.0.0.0:5658']],
    }),
    certificateFile: Type.Optional(
      Type.String({ description: 'Our certificate for TLS, PEM; it names `identity`.', examples: ['diameter.pem'] }),
    ),
    keyFile: Type.Optional(Type.String({ description: 'Its private key, PEM.', examples: ['diameter.key'] })),
    caFile: Type.Optional(
      Type.String({
        description:
          'Authorities whose certificates of peers count, PEM. A peer is known by the name in its certificate.',
        examples: ['diameter-ca.pem'],
      }),
    ),
    peers: Type.Array(
      Type.Object({
        identity: Type.String({ pattern: HOST, description: "The peer's Origin-Host." }),
        connect: Type.Optional(
          Type.String({
            pattern: ADDRESS_PATTERN,
            description: 'Where we connect to it, host:port; left out, it connects to us.',
          }),
        ),
        tls: Type.Boolean({ default: false, description: 'TLS is required, and used where we connect.' }),
        connections: Type.Integer({ default: 1, minimum: 1, maximum: 64, description: 'Connections at once.' }),
        addresses: Type.Array(Type.String(), {
          default: [],
          description: 'IP addresses it may come from; any, when empty.',
        }),
      }),
      { default: [], description: 'Who may connect, by name; all others are refused.' },
    ),
    routes: Type.Array(
      Type.Object({
        realm: Type.String({ pattern: HOST, description: 'Destination-Realm that is not ours.' }),
        peers: Type.Array(Type.String({ pattern: HOST }), {
          minItems: 1,
          description: 'Peers, the preferred one first.',
        }),
        application: Type.Optional(
          Type.Integer({ minimum: 0, maximum: 4_294_967_295, description: 'Application-Id; all, when left out.' }),
        ),
        imsi: Type.Array(Type.String({ pattern: '^[0-9]{5,15}$' }), {
          default: [],
          description: 'Beginnings of IMSIs whose requests go to this realm whatever realm they name.',
        }),
      }),
      {
        default: [],
        description: 'Where requests of other realms go: to partners with a charging system of their own.',
      },
    ),
    homeNetworks: Type.Array(Type.String({ pattern: '^[0-9]{5,6}$' }), {
      default: [],
      description: 'Networks that are home for every subscriber, MCC and MNC digits; its own is without being named.',
    }),
    offline: Type.Boolean({
      default: false,
      description: 'Serve Rf accounting too. Not for gateways that also ask over Gy: they report everything twice.',
    }),
  }),
} satisfies Section

const address = (text: string): Address => parseAddress(text) ?? fail('DIAMETER_ADDRESS_INVALID', { came: text })

function read(config: Config, what: string, file: string | undefined): Buffer {
  if (file === undefined) return fail('DIAMETER_TLS_INCOMPLETE', { what })
  try {
    return readFileSync(config.resolvePath(file))
  } catch (error) {
    return fail('DIAMETER_FILE_UNREADABLE', { file, reason: error instanceof Error ? error.message : '' }, error)
  }
}

/** What the configuration says of the node; undefined where it has no name. Throws DIAMETER_… for what makes no sense. */
export function diameterOptions(
  config: Config,
  applications: readonly DiameterApplication[],
): (DiameterNodeOptions & { homeRealm(message: Message): string | undefined }) | undefined {
  const settings = config.get(diameterSection)
  const { identity } = settings
  if (identity === undefined) return undefined
  const realm = settings.realm ?? identity.slice(identity.indexOf('.') + 1)
  const secure = settings.listenTls.length > 0 || settings.peers.some(({ tls }) => tls)
  const tls = secure
    ? {
        cert: read(config, 'certificateFile', settings.certificateFile),
        key: read(config, 'keyFile', settings.keyFile),
        ca: read(config, 'caFile', settings.caFile),
      }
    : undefined
  const names = new Set(settings.peers.map((peer) => peer.identity.toLowerCase()))
  for (const name of settings.routes.flatMap(({ peers }) => peers))
    if (!names.has(name.toLowerCase())) fail('DIAMETER_ROUTE_PEER_UNKNOWN', { peer: name })
  return {
    identity,
    realm,
    realms: settings.realms,
    applications,
    listen: [
      ...settings.listen.map(address),
      ...settings.listenTls.map((text) => ({ ...address(text), ...(tls === undefined ? {} : { tls }) })),
    ],
    peers: settings.peers.map(
      (peer): PeerConfig => ({
        identity: peer.identity,
        connections: peer.connections,
        tlsOnly: peer.tls,
        ...(peer.addresses.length === 0 ? {} : { addresses: peer.addresses }),
        ...(peer.connect === undefined
          ? {}
          : { connect: { ...address(peer.connect), ...(peer.tls && tls !== undefined ? { tls } : {}) } }),
      }),
    ),
    routes: settings.routes.map(({ realm: to, peers, application }) => ({
      realm: to,
      peers,
      ...(application === undefined ? {} : { application }),
    })),
    homeRealm: homeRealm(settings.routes),
  }
}

/** The realm of the longest beginning that a subscriber's IMSI has. */
function homeRealm(routes: readonly { readonly realm: string; readonly imsi: readonly string[] }[]) {
  const beginnings = routes
    .flatMap(({ realm, imsi }) => imsi.map((digits) => ({ digits, realm })))
    .sort((a, b) => b.digits.length - a.digits.length)
  return (message: Message): string | undefined => {
    if (beginnings.length === 0) return undefined
    const imsi = imsiOf(message)
    return imsi === undefined ? undefined : beginnings.find(({ digits }) => imsi.startsWith(digits))?.realm
  }
}

/** Of a Subscription-Id; undefined where there is none or it is malformed, which whoever serves the request will say. */
function imsiOf(message: Message): string | undefined {
  for (const subscription of all(message, 'Subscription-Id')) {
    if (!('bytes' in subscription)) continue
    const [kind] = all(subscription, 'Subscription-Id-Type')
    const [data] = all(subscription, 'Subscription-Id-Data')
    if (kind === 'END_USER_IMSI' && typeof data === 'string') return data
  }
  return undefined
}
