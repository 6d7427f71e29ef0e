// Whose users come from elsewhere, and where their home servers are; part of the section `radius`.
import { Type } from 'typebox'
import { ADDRESS_PATTERN } from '../../core/config/address.ts'

const NAME = '^[a-z0-9][a-z0-9._-]{0,63}$'

export const proxySettings = Type.Object({
  operatorName: Type.Optional(
    Type.String({
      pattern: '^[014][!-~]{1,252}$',
      examples: ['1wifi.example.org'],
      description:
        'Who we are to home servers (Operator-Name, RFC 5580 §4.1): 1 and our realm, 0 and a TADIG code, or 4 and a WBA identity.',
    }),
  ),
  offeredService: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 63,
      examples: ['OpenRoaming Bronze'],
      description: 'Service that we offer to roamers (WBA-Offered-Service).',
    }),
  ),
  localRealms: Type.Array(Type.String({ minLength: 1, maxLength: 253 }), {
    default: [],
    examples: [['wlan.mnc001.mcc001.3gppnetwork.org']],
    description:
      'Realms of our own: user names of the form home!user@own are sent on to the realm home (RFC 7542 §3.3.1).',
  }),
  servers: Type.Array(
    Type.Object({
      name: Type.String({ pattern: NAME, description: 'Name of the home server, for routes and logs.' }),
      transport: Type.Union([Type.Literal('udp'), Type.Literal('tls')], {
        description: 'udp, or tls (RadSec, RFC 6614).',
      }),
      address: Type.String({
        pattern: ADDRESS_PATTERN,
        description:
          'Where it takes access requests: IP address and port over UDP, host name or address and port over TLS.',
      }),
      accountingAddress: Type.Optional(
        Type.String({
          pattern: ADDRESS_PATTERN,
          description: 'Over UDP: where it takes accounting; left out, the same address, one port higher.',
        }),
      ),
      secretFile: Type.Optional(
        Type.String({ minLength: 1, description: 'Over UDP: file that holds the shared secret, alone.' }),
      ),
      serverName: Type.Optional(
        Type.String({ minLength: 1, description: 'Over TLS: name in its certificate, where that is not its address.' }),
      ),
      certificateFile: Type.Optional(
        Type.String({ minLength: 1, description: 'Over TLS: our certificate and chain, PEM.' }),
      ),
      keyFile: Type.Optional(
        Type.String({ minLength: 1, description: 'Over TLS: the private key of certificateFile, PEM.' }),
      ),
      authorityFile: Type.Optional(
        Type.String({ minLength: 1, description: 'Over TLS: whom its certificate comes from, PEM.' }),
      ),
      statusServer: Type.Boolean({
        default: true,
        description: 'It answers Status-Server (RFC 5997), by which is seen whether a server that was silent is back.',
      }),
    }),
    { default: [], description: 'Home servers of roaming partners.' },
  ),
  routes: Type.Array(
    Type.Object({
      realm: Type.String({
        pattern: '^(\\*|(\\*\\.)?[A-Za-z0-9-]+(\\.[A-Za-z0-9-]+)*)$',
        description: 'Realm of users, *.REALM for all below it, or * for every realm that nothing else is said of.',
      }),
      servers: Type.Array(Type.String({ pattern: NAME }), {
        minItems: 1,
        description: 'Names of its home servers: the first that is up is asked.',
      }),
      consortia: Type.Array(Type.String({ pattern: '^([0-9A-Fa-f]{2}){3,5}$' }), {
        default: [],
        examples: [['5A03BA']],
        description:
          'Also users who chose the network by one of these Roaming Consortium identifiers, or by one that begins so (OpenRoaming: 5A03BA, BAA2D0).',
      }),
      tunnels: Type.Boolean({
        default: false,
        description: 'Whether the home server may choose a VLAN (RFC 3580 §3.31).',
      }),
    }),
    { default: [], description: 'Which users are authenticated elsewhere. All others are ours.' },
  ),
})
