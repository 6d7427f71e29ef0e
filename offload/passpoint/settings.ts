// What phones and access points are told about the network: `passpoint` in the configuration.
import { Type } from 'typebox'
import type { Section, Settings } from '../../core/config/section.ts'

const DOMAIN = '^[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?(\\.[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)+$'
const PORT = { minimum: 1, maximum: 65_535 } as const

export const passpointSection = {
  key: 'passpoint',
  schema: Type.Object({
    operator: Type.String({
      minLength: 1,
      maxLength: 64,
      default: 'Tallycell',
      description: 'Name of the operator that phones show.',
    }),
    ssid: Type.String({
      minLength: 1,
      maxLength: 32,
      default: 'Tallycell',
      description: 'Name of the Wi-Fi network, at most 32 octets.',
    }),
    domain: Type.Optional(
      Type.String({
        pattern: DOMAIN,
        maxLength: 253,
        examples: ['wifi.example.org'],
        description: 'Domain name of the operator: by it a phone knows that an access point is of its home network.',
      }),
    ),
    rcois: Type.Array(Type.String({ pattern: '^([0-9A-Fa-f]{6}|[0-9A-Fa-f]{10})$', examples: ['5A03BA0000'] }), {
      default: [],
      description: 'Roaming consortium organisation identifiers (IEEE 802.11-2020 §9.4.5.7), 3 or 5 octets in hex.',
    }),
    realms: Type.Array(Type.String({ pattern: DOMAIN, maxLength: 243, examples: ['wifi.example.org'] }), {
      default: [],
      description: 'NAI realms that we authenticate, besides those that follow from the networks below.',
    }),
    plmns: Type.Array(Type.String({ pattern: '^[0-9]{3}-[0-9]{2,3}$', examples: ['001-01'] }), {
      default: [],
      description: 'Mobile networks whose SIMs we authenticate, MCC-MNC.',
    }),
    eapMethods: Type.Array(Type.Union([Type.Literal('aka-prime'), Type.Literal('aka'), Type.Literal('sim')]), {
      minItems: 1,
      default: ['aka-prime', 'aka', 'sim'],
      description: 'How SIMs authenticate, best first.',
    }),
    aaaServerNames: Type.Array(Type.String({ minLength: 1, maxLength: 253 }), {
      default: [],
      description: 'Names in the certificate of the EAP-TLS server; phones accept no other.',
    }),
    aaaCaFile: Type.Optional(
      Type.String({
        minLength: 1,
        description: 'PEM file of the authority that issued the certificate of the EAP-TLS server, with its chain.',
      }),
    ),
    signingCertificateFile: Type.Optional(
      Type.String({
        minLength: 1,
        description:
          'PEM file of the certificate that profiles for iOS are signed with, followed by those that issued it.',
      }),
    ),
    signingKeyFile: Type.Optional(
      Type.String({ minLength: 1, description: 'PEM file of its private key, readable by the operator only.' }),
    ),
    accessPoint: Type.Object({
      server: Type.Optional(
        Type.String({
          examples: ['192.0.2.10'],
          minLength: 1,
          description: 'IP address by which access points reach this node over RADIUS.',
        }),
      ),
      authenticationPort: Type.Integer({ ...PORT, default: 1812, description: 'UDP port of RADIUS authentication.' }),
      accountingPort: Type.Integer({ ...PORT, default: 1813, description: 'UDP port of RADIUS accounting.' }),
      radsecServer: Type.Optional(
        Type.String({
          examples: ['radsec.example.org'],
          pattern: '^[A-Za-z0-9:.-]{1,253}$',
          description: 'Host name or IP address of this node for RADIUS over TLS, as in its certificate.',
        }),
      ),
      radsecPort: Type.Integer({ ...PORT, default: 2083, description: 'TCP port of RADIUS over TLS (RFC 6614 §2.1).' }),
      coaPort: Type.Integer({
        ...PORT,
        default: 3799,
        description: 'UDP port on which access points take Disconnect and CoA requests (RFC 5176 §2.3).',
      }),
      interimSeconds: Type.Integer({
        minimum: 60,
        maximum: 3600,
        default: 300,
        description: 'How often access points report usage of a running session, seconds; whole minutes.',
      }),
    }),
  }),
} satisfies Section

export type PasspointSettings = Settings<typeof passpointSection>
