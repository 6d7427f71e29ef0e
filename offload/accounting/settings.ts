// Which access points may report usage, and where they reach us.
import { Type } from 'typebox'
import { ADDRESS_PATTERN } from '../../core/config/address.ts'
import type { Section } from '../../core/config/section.ts'
import { accessSchema } from '../aaa/settings.ts'
import { proxySettings } from '../proxy/settings.ts'
import { controlSettings, makerSetting, radsecSettings } from '../radsec/settings.ts'

export const radiusSection = {
  key: 'radius',
  schema: Type.Object({
    listen: Type.Array(Type.String({ pattern: ADDRESS_PATTERN }), {
      default: ['0.0.0.0:1813'],
      description: 'UDP addresses for RADIUS accounting, host:port (RFC 2866 §3 assigns port 1813).',
    }),
    clients: Type.Array(
      Type.Object({
        name: Type.String({
          pattern: '^[a-z0-9][a-z0-9._-]{0,63}$',
          description: 'Name of the access point or controller; part of the identity of its sessions, so keep it.',
        }),
        address: Type.String({ description: 'Its IP address, or a network as address/prefix.' }),
        secretFile: Type.String({ description: 'File that holds the shared secret, alone.' }),
        requireMessageAuthenticator: Type.Boolean({
          default: true,
          description:
            'False answers Access-Requests without Message-Authenticator from an old client: whoever is on the way can forge answers then (CVE-2024-3596).',
        }),
        control: Type.Optional(
          Type.String({
            pattern: ADDRESS_PATTERN,
            description:
              'Where it takes Disconnect and CoA requests, host:port (RFC 5176); left out, its own address and radius.control.port.',
          }),
        ),
        maker: Type.Optional(makerSetting),
      }),
      { default: [], description: 'Access points and controllers that may send accounting; all others are ignored.' },
    ),
    access: accessSchema,
    radsec: radsecSettings,
    control: controlSettings,
    proxy: proxySettings,
  }),
} satisfies Section
