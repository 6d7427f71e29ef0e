// Who may authenticate, and how: the part of the radius section that is about access.
import { Type } from 'typebox'
import { ADDRESS_PATTERN } from '../../core/config/address.ts'

const METHODS = ['aka-prime', 'aka', 'sim', 'tls'] as const

export const accessSchema = Type.Object(
  {
    listen: Type.Array(Type.String({ pattern: ADDRESS_PATTERN }), {
      default: ['0.0.0.0:1812'],
      description: 'UDP addresses for RADIUS authentication, host:port (RFC 2865 §3 assigns port 1812).',
    }),
    methods: Type.Array(Type.Union(METHODS.map((method) => Type.Literal(method))), {
      default: ['aka-prime', 'aka', 'sim'],
      description:
        'EAP methods, the most wanted first: aka-prime (RFC 9048), aka (RFC 4187), sim (RFC 4186), tls (RFC 5216, RFC 9190; needs tls below).',
    }),
    networkName: Type.String({
      minLength: 1,
      maxLength: 255,
      default: 'WLAN',
      description: "Access network identity that EAP-AKA' keys are bound to (TS 24.302 §8.1.1).",
    }),
    sessionTimeout: Type.Integer({
      minimum: 300,
      maximum: 604_800,
      default: 43_200,
      description: 'Seconds after which a phone authenticates again (Session-Timeout, RFC 2865 §5.27).',
    }),
    interimInterval: Type.Integer({
      minimum: 60,
      maximum: 86_400,
      default: 300,
      description: 'Seconds between two accounting reports (Acct-Interim-Interval, RFC 2869 §5.16).',
    }),
    reauthentications: Type.Integer({
      minimum: 0,
      maximum: 1000,
      default: 16,
      description:
        'Fast re-authentications after a full one, without a new challenge to the SIM; 0 allows none (RFC 4187 §5).',
    }),
    pseudonymDays: Type.Integer({
      minimum: 1,
      maximum: 365,
      default: 30,
      description: 'Days for which a phone may use a pseudonym that it was given.',
    }),
    confirmSuccess: Type.Boolean({
      default: false,
      description:
        'Ask phones for protected success indications (RFC 4187 §6.2): one more round trip for each authentication.',
    }),
    requestsPerSecond: Type.Integer({
      minimum: 1,
      maximum: 1_000_000,
      default: 500,
      description:
        'Access-Requests that one client may send in a second, on average; more are dropped, so that the others are served.',
    }),
    tls: Type.Optional(
      Type.Object(
        {
          certificateFile: Type.String({ description: 'Certificate chain of this server for EAP-TLS, PEM.' }),
          keyFile: Type.String({ description: 'Its private key, PEM.' }),
          clientCaFile: Type.String({ description: 'Certificates that issue those of phones, PEM.' }),
        },
        { description: "EAP-TLS: the common name of a phone's certificate is the subscriber." },
      ),
    ),
  },
  { default: {}, description: 'Authentication of phones.' },
)
