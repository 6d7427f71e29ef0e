// The SM-DP+ that prepares our eSIM profiles, and the way it reaches us.
import { readFileSync } from 'node:fs'
import { Type } from 'typebox'
import { ADDRESS_PATTERN } from '../../core/config/address.ts'
import type { Config, Section } from '../../core/config/section.ts'
import { fail } from '../../core/kernel/errors.ts'

const File = (description: string) => Type.String({ minLength: 1, description })

const Identity = {
  certificate: File('File with the certificate, PEM, and those between it and its authority.'),
  key: File('File with its private key, PEM.'),
  ca: File('File with the certificates of the authorities that the other side is trusted by, PEM.'),
}

const Callback = Type.Object({
  listen: Type.String({
    pattern: ADDRESS_PATTERN,
    default: '0.0.0.0:8443',
    description: 'Address and port where the SM-DP+ reports progress, over TLS with certificates on both sides.',
  }),
  ...Identity,
  names: Type.Array(Type.String({ minLength: 1, maxLength: 253 }), {
    default: [],
    description:
      'Host names that the certificate of the SM-DP+ may be for; any that the authorities vouch for if empty.',
  }),
})

export const esimSection = {
  key: 'esim',
  schema: Type.Object({
    smdp: Type.Optional(
      Type.Object({
        url: Type.String({
          pattern: '^https://[^/?#]+$',
          examples: ['https://es2plus.smdp.example.com'],
          description: 'The ES2+ interface of the SM-DP+ (SGP.22 §5.3), without path.',
        }),
        address: Type.String({
          minLength: 1,
          maxLength: 253,
          examples: ['smdp.example.com'],
          description: 'Host name of the SM-DP+ for phones, in activation codes, unless it names another itself.',
        }),
        requesterId: Type.String({
          minLength: 1,
          maxLength: 255,
          description: 'By which the SM-DP+ knows us (functionRequesterIdentifier).',
        }),
        ...Identity,
        timeout: Type.Integer({
          minimum: 1,
          maximum: 300,
          default: 30,
          description: 'How long an answer may take, seconds.',
        }),
      }),
    ),
    callback: Type.Optional(Callback),
    secretFile: Type.Optional(
      File(
        'File with a secret by which a TLS proxy before http.listen shows that it has checked the certificate of the SM-DP+: it sends it as ' +
          'Authorization: Bearer. Without it progress is taken by esim.callback only.',
      ),
    ),
    points: Type.Record(
      Type.String({ pattern: '^[1-9][0-9]{0,2}$' }),
      Type.Enum(['download', 'install', 'enable', 'disable', 'delete']),
      {
        default: { 5: 'install', 6: 'enable', 7: 'disable', 8: 'delete' },
        description:
          'What notification points above 4 mean at your SM-DP+: SGP.22 names 1 to 4, and leaves what follows to newer versions and to it.',
      },
    ),
  }),
} satisfies Section

export interface TlsFiles {
  readonly certificate: Buffer
  readonly key: Buffer
  readonly ca: Buffer
}

/** The files of one end of a connection. Throws ESIM_FILE_UNREADABLE. */
export const readTls = (config: Config, files: Readonly<Record<'certificate' | 'key' | 'ca', string>>): TlsFiles => ({
  certificate: readSetting(config, files.certificate),
  key: readSetting(config, files.key),
  ca: readSetting(config, files.ca),
})

/** Throws ESIM_FILE_UNREADABLE. */
export function readSetting(config: Config, path: string): Buffer {
  const file = config.resolvePath(path)
  try {
    return readFileSync(file)
  } catch (error) {
    return fail('ESIM_FILE_UNREADABLE', { file, reason: error instanceof Error ? error.message : '' }, error)
  }
}
