// What may be set about RADIUS over TLS and about orders to access points; parts of the section `radius`.
import { Type } from 'typebox'
import { ADDRESS_PATTERN } from '../../core/config/address.ts'
import { MAKERS } from '../control/throttle.ts'

const FILE = { minLength: 1 } as const

export const makerSetting = Type.Union(MAKERS.map((maker) => Type.Literal(maker)))

export const radsecSettings = Type.Object({
  listen: Type.Array(Type.String({ pattern: ADDRESS_PATTERN }), {
    default: [],
    examples: [['0.0.0.0:2083']],
    description: 'TCP addresses for RADIUS over TLS, host:port (RFC 6614 §2.1 assigns port 2083); none: no RadSec.',
  }),
  names: Type.Array(Type.String({ minLength: 1, maxLength: 253 }), {
    default: ['localhost'],
    description:
      'DNS names or IP addresses by which sites know this server: they stand in the certificate that it makes itself.',
  }),
  certificateFile: Type.Optional(
    Type.String({
      ...FILE,
      description: "The server's certificate and chain, PEM, where it is not to make itself one. Needs keyFile.",
    }),
  ),
  keyFile: Type.Optional(Type.String({ ...FILE, description: 'The private key of certificateFile, PEM.' })),
  connections: Type.Integer({
    minimum: 1,
    maximum: 100_000,
    default: 4096,
    description: 'Most connections open at once.',
  }),
  connectionsPerSite: Type.Integer({
    minimum: 1,
    maximum: 1000,
    default: 16,
    description: 'Most connections of one site open at once.',
  }),
})

export const controlSettings = Type.Object({
  port: Type.Integer({
    minimum: 1,
    maximum: 65_535,
    default: 3799,
    description: 'UDP port at which access points take Disconnect and CoA requests (RFC 5176 §2.3).',
  }),
  maker: Type.Union(
    MAKERS.map((maker) => Type.Literal(maker)),
    {
      default: 'wispr',
      description: `Whose attributes slow a session down where a client says nothing else: ${MAKERS.join(', ')}.`,
    },
  ),
  slowRole: Type.String({
    minLength: 1,
    maxLength: 63,
    default: 'slow',
    description: 'Role or group of Aruba and Ruckus controllers for sessions that are slowed down.',
  }),
  normalRole: Type.String({
    minLength: 1,
    maxLength: 63,
    default: 'normal',
    description: 'Role or group of Aruba and Ruckus controllers for sessions that are slowed down no more.',
  }),
})
