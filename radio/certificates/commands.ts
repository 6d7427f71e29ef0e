// Certificates of sites on the command line: tallycell radio cert …
import { access, constants, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Command, CommandContext } from '../../core/cli/command.ts'
import { moreLine, PAGE_OPTIONS, readPage } from '../../core/cli/page.ts'
import { table } from '../../core/cli/table.ts'
import { fail } from '../../core/kernel/errors.ts'
import { type RadioId, radioId } from '../../core/kernel/ids.ts'
import { millis } from '../../core/kernel/units.ts'
import { findAuthority } from './directory.ts'
import {
  addCertificate,
  listCertificates,
  revokeCertificate,
  revokedCertificates,
  type StoredCertificate,
} from './store.ts'

export function certificateCommands(): Command[] {
  return [issue, list, revoke, authority]
}

const DAY = 86_400_000

const issue: Command = {
  path: ['radio', 'cert', 'issue'],
  summary: 'issue the client certificate with which a site connects by RadSec',
  positionals: [{ name: 'id', summary: 'the radio whose name the certificate bears', required: true }],
  options: {
    radios: {
      value: 'LIST',
      summary: 'other radios of the site, parted by commas, whose packets may come over its connections',
    },
    days: { value: 'N', summary: 'how long it counts, 1 to 3650', default: '825' },
    csr: { value: 'FILE', summary: "certification request (PKCS #10, PEM): the site's key never leaves it" },
    out: { value: 'FOLDER', summary: 'where the files go', default: '.' },
  },
  examples: [
    'tallycell radio cert issue cafe-1 --out cafe-1-radsec',
    'tallycell radio cert issue hall-1 --radios hall-2,hall-3 --csr hall.csr',
  ],
  async run({ args, options }, context) {
    const radio = radioId(args.id ?? '')
    const others = (options.radios ?? '')
      .split(',')
      .filter((name) => name !== '')
      .map(radioId)
    const days = readDays(options.days ?? '')
    const out = options.out ?? '.'
    const request = options.csr === undefined ? undefined : await reading(options.csr)
    await writable(out)
    const issued = await issueCertificate(context, { radio, others, days, request })
    const files = await writeFiles(out, radio, issued)
    const lines = files.map(({ name, what }) => `  ${join(out, name)}  ${what}`)
    const until = instant(issued.expires)
    return {
      text: [`Certificate ${issued.serial} of ${radio} counts until ${until}.`, ...lines].join('\n'),
      json: {
        serial: issued.serial,
        radio,
        members: [radio, ...others],
        expires: until,
        files: files.map(({ name }) => join(out, name)),
      },
    }
  },
}

interface Wanted {
  readonly radio: RadioId
  readonly others: readonly RadioId[]
  readonly days: number
  readonly request: string | undefined
}

interface IssuedFiles {
  readonly serial: string
  readonly expires: bigint
  readonly certificate: string
  readonly authority: string
  /** Undefined where the site has it. */
  readonly key: string | undefined
}

async function issueCertificate(context: CommandContext, wanted: Wanted): Promise<IssuedFiles> {
  const { radio, others, days, request } = wanted
  const { fingerprintOf, newKey, pem, requestedKey } = await import('./authority.ts')
  const store = await context.store()
  const now = context.clock()
  const made = request === undefined ? await newKey() : undefined
  const key = made?.key ?? (await requestedKey(request ?? ''))
  const ours = await findAuthority({ store, keys: await context.keys(), clock: context.clock })
  const from = new Date(Number(now))
  const until = new Date(from.getTime() + days * DAY)
  const { serial, certificate } = await ours.issueClient(radio, key, { from, until })
  const expires = millis(until.getTime())
  await addCertificate(
    store,
    { serial, fingerprint: fingerprintOf(certificate), radio, others, certificate, expires },
    now,
  )
  return {
    serial,
    expires,
    certificate: pem('CERTIFICATE', certificate),
    authority: pem('CERTIFICATE', ours.certificate),
    key: made?.pem,
  }
}

const writeFiles = async (
  out: string,
  radio: RadioId,
  { certificate, authority, key }: IssuedFiles,
): Promise<{ readonly name: string; readonly what: string }[]> => {
  const files = [
    { name: `${radio}.crt`, what: 'its certificate', text: certificate, mode: 0o644 },
    ...(key === undefined
      ? []
      : [{ name: `${radio}.key`, what: 'its private key: keep it secret', text: key, mode: 0o600 }]),
    { name: 'authority.crt', what: 'what it checks our server by', text: authority, mode: 0o644 },
  ]
  for (const { name, text, mode } of files)
    await writeFile(join(out, name), text, { mode }).catch((error: Error) =>
      fail('RADIO_CERT_FILE', { file: join(out, name), reason: error.message }, error),
    )
  return files
}

/** Before anything is issued. */
const writable = (folder: string): Promise<unknown> =>
  mkdir(folder, { recursive: true })
    .then(() => access(folder, constants.W_OK))
    .catch((error: Error) => fail('RADIO_CERT_FILE', { file: folder, reason: error.message }, error))

const reading = (file: string): Promise<string> =>
  readFile(file, 'utf8').catch((error: Error) => fail('RADIO_CERT_FILE', { file, reason: error.message }, error))

function readDays(text: string): number {
  const days = /^[0-9]{1,4}$/.test(text) ? Number(text) : 0
  return days >= 1 && days <= 3650
    ? days
    : fail('ID_INVALID', { what: '--days', expected: 'a number from 1 to 3650', came: text.slice(0, 64) })
}

const list: Command = {
  path: ['radio', 'cert', 'list'],
  summary: 'list the certificates that were issued',
  positionals: [{ name: 'id', summary: 'only those that cover this radio' }],
  options: PAGE_OPTIONS,
  examples: ['tallycell radio cert list', 'tallycell radio cert list cafe-1 --json'],
  async run(input, context) {
    const radio = input.args.id === undefined ? undefined : radioId(input.args.id)
    const { certificates, more } = await listCertificates(await context.store(), radio, readPage(input))
    const now = context.clock()
    const json = { certificates: certificates.map((row) => shown(row, now)), more }
    if (certificates.length === 0)
      return { text: 'No certificates yet. Issue one: tallycell radio cert issue RADIO', json }
    const text = table(
      certificates.map((row) => {
        const { serial, radio, members, expires, state } = shown(row, now)
        return {
          serial,
          radio,
          members: members.filter((member) => member !== radio).join(', ') || '-',
          expires,
          state,
        }
      }),
      ['serial', 'radio', { name: 'members', heading: 'also' }, 'expires', 'state'],
    )
    return { text: text + moreLine('radio cert list', more ? certificates.at(-1)?.serial : undefined), json }
  },
}

const instant = (at: bigint): string => new Date(Number(at)).toISOString().replace(/\.\d+Z/, 'Z')

const shown = (
  { serial, fingerprint, radio, members, issued, expires, revoked, reason }: StoredCertificate,
  now: bigint,
) => ({
  serial,
  fingerprint,
  radio,
  members,
  issued: instant(issued),
  expires: instant(expires),
  state: revoked !== undefined ? `revoked: ${reason}` : expires <= now ? 'expired' : 'counts',
  revoked: revoked === undefined ? null : instant(revoked),
})

const revoke: Command = {
  path: ['radio', 'cert', 'revoke'],
  summary: 'revoke a certificate: its open connections end within seconds',
  positionals: [{ name: 'serial', summary: 'its serial number', required: true }],
  options: { reason: { value: 'TEXT', summary: 'why, for your own records', required: true } },
  examples: ["tallycell radio cert revoke 5f0c7b1e2a9d4c3386a1e0b7d2f45a6c --reason 'access point stolen'"],
  async run({ args, options }, context) {
    const serial = (args.serial ?? '').toLowerCase()
    await revokeCertificate(await context.store(), serial, options.reason ?? '', context.clock())
    return { text: `Certificate ${serial} is revoked.`, json: { serial, reason: options.reason } }
  },
}

const authority: Command = {
  path: ['radio', 'cert', 'authority'],
  summary: 'print what sites check our servers by, or the list of revoked certificates for other servers',
  options: { crl: { summary: 'the revocation list (RFC 5280), good for a week' } },
  examples: ['tallycell radio cert authority > authority.crt', 'tallycell radio cert authority --crl > radios.crl'],
  async run({ options }, context) {
    const { pem } = await import('./authority.ts')
    const store = await context.store()
    const ours = await findAuthority({ store, keys: await context.keys(), clock: context.clock })
    if (options.crl === undefined) {
      const text = pem('CERTIFICATE', ours.certificate)
      return { text: text.trimEnd(), json: { certificate: text } }
    }
    const from = new Date(Number(context.clock()))
    const revoked = await revokedCertificates(store, context.clock())
    const list = await ours.revocationList(
      revoked.map(({ serial, revoked_at }) => ({ serial, at: new Date(Number(revoked_at)) })),
      { from, until: new Date(from.getTime() + 7 * DAY) },
    )
    const text = pem('X509 CRL', list)
    return { text: text.trimEnd(), json: { crl: text } }
  },
}
