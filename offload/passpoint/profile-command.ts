// `tallycell passpoint profile`: a file that makes a phone join by itself.
import type { X509Certificate } from 'node:crypto'
import type { Command, CommandContext, Input } from '../../core/cli/command.ts'
import { usage } from '../../core/cli/help.ts'
import type { Config } from '../../core/config/section.ts'
import type { SubscriberDirectory } from '../../core/events/ports.ts'
import { fail } from '../../core/kernel/errors.ts'
import { type Imsi, imsi, payerId } from '../../core/kernel/ids.ts'
import type { Millis } from '../../core/kernel/units.ts'
import type { Store } from '../../core/store/store.ts'
import type { Credential, Holder } from './credential.ts'
import { formatPlmn, type PasspointNetwork, type Plmn, plmn, readNetwork } from './network.ts'
import { writeNewFile } from './new-file.ts'
import { isRoot, type KeyedCertificate, readCertificates, readKeyed } from './pem.ts'
import { type PasspointSettings, passpointSection } from './settings.ts'

export interface ProfileCommandDeps {
  readonly subscribers: (store: Store) => SubscriberDirectory & { load(): Promise<void> }
}

const PHONES = ['ios', 'android'] as const

export const profileCommand = (deps: ProfileCommandDeps): Command => {
  const command: Command = {
    path: ['passpoint', 'profile'],
    summary: 'write a Passpoint profile with which a phone joins access points by itself',
    options: {
      for: { value: 'PHONE', summary: 'ios or android', required: true },
      subscriber: { value: 'IMSI', summary: 'for the SIM of one subscriber' },
      partner: { value: 'NAME', summary: "for every SIM of a partner's network" },
      plmn: { value: 'MCC-MNC', summary: 'with --partner: which of passpoint.plmns, where there are several' },
      certificate: { value: 'FILE', summary: 'EAP-TLS instead of the SIM: PEM certificate, then those that issued it' },
      key: { value: 'FILE', summary: 'with --certificate: its private key, PEM' },
      out: { value: 'FILE', summary: 'where the profile goes, readable by its owner only', required: true },
      unsigned: { summary: 'ios without a signature: phones show it as not verified' },
      force: { summary: 'overwrite the file if it exists' },
    },
    examples: [
      'tallycell passpoint profile --for ios --partner acme --out acme.mobileconfig',
      'tallycell passpoint profile --for android --subscriber 001010000000001 --out alice.config',
    ],
    async run(input, context) {
      const { options } = input
      const phone = PHONES.find((name) => name === options.for)
      if (phone === undefined)
        return fail('ID_INVALID', { what: '--for', expected: PHONES.join(' or '), came: options.for ?? '' })
      const config = await context.config()
      const settings = config.get(passpointSection)
      const network = readNetwork(settings)
      const now = context.clock()
      const { holder, sim } = await findHolder(deps, input, context, command)
      const credential =
        options.certificate === undefined && options.key === undefined
          ? simCredential(network, sim, { holder, plmn: options.plmn })
          : await tlsCredential(network, settings, config, { input, command, now })
      const signer =
        phone === 'ios' && options.unsigned === undefined ? await findSigner(settings, config, now) : undefined
      const content = await format(phone, { network, holder, credential }, signer)
      const out = options.out ?? ''
      await writeNewFile(out, content, options.force !== undefined)
      const kind = signer ? 'signed profile' : 'profile'
      return {
        text: `Wrote ${out}: ${kind} for ${phone === 'ios' ? 'iOS' : 'Android'}, ${holder.kind} ${holder.id}.\n${NEXT[phone]}`,
        json: {
          file: out,
          phone,
          [holder.kind]: holder.id,
          signed: signer !== undefined,
          method: credential.kind,
          contentType: CONTENT_TYPE[phone],
        },
      }
    },
  }
  return command
}

const CONTENT_TYPE = { ios: 'application/x-apple-aspen-config', android: 'application/x-wifi-config' } as const
const NEXT = {
  ios: 'Serve it over HTTPS as application/x-apple-aspen-config, or send it; the phone offers it under Settings.',
  android:
    'Serve it over HTTPS as application/x-wifi-config with Content-Transfer-Encoding: base64, to be opened with a tap.',
} as const

async function format(
  phone: (typeof PHONES)[number],
  profile: { network: PasspointNetwork; holder: Holder; credential: Credential },
  signer: KeyedCertificate | undefined,
): Promise<string | Uint8Array> {
  // ASN.1 takes time to load, and no other command needs it.
  if (phone === 'android') return (await import('./android.ts')).androidProfile(profile)
  const { appleProfile } = await import('./apple.ts')
  const { randomBytes } = await import('node:crypto')
  const text = appleProfile({ ...profile, identityPassword: randomBytes(15).toString('base64url') })
  if (signer === undefined) return text
  return (await import('./cms.ts')).signedData(Buffer.from(text), signer)
}

/** Whom the profile is for; for a subscriber also the IMSI, which is written nowhere but into the profile. */
async function findHolder(
  { subscribers }: ProfileCommandDeps,
  { options }: Input,
  context: CommandContext,
  command: Command,
): Promise<{ holder: Holder; sim: Imsi | undefined }> {
  const { subscriber, partner } = options
  if ((subscriber === undefined) === (partner === undefined))
    return fail('CLI_ARGUMENT_MISSING', {
      name: '--subscriber or --partner',
      expected: 'one of the two',
      usage: usage(command),
    })
  if (partner !== undefined) return { holder: { kind: 'partner', id: payerId(partner) }, sim: undefined }
  const digits = imsi(subscriber ?? '')
  const directory = subscribers(await context.store())
  await directory.load()
  const known = directory.byImsi(digits)
  if (known === undefined) return fail('SUBSCRIBER_UNKNOWN', { subscriber: 'with that IMSI' })
  return { holder: { kind: 'subscriber', id: known.subscriber }, sim: digits }
}

function simCredential(
  network: PasspointNetwork,
  sim: Imsi | undefined,
  { holder, plmn: chosen }: { readonly holder: Holder; readonly plmn: string | undefined },
): Credential {
  const { plmns, simMethods: methods } = network
  if (plmns.length === 0) fail('PASSPOINT_SETTING_MISSING', { setting: 'plmns', example: '[001-01]' })
  const known = plmns.map(formatPlmn).join(', ')
  if (sim !== undefined) {
    const home = plmns.find(({ mcc, mnc }) => sim.startsWith(mcc + mnc))
    if (home === undefined)
      return fail('PASSPOINT_SIM_FOREIGN', { holder: `the subscriber ${holder.id}`, plmns: known })
    return { kind: 'sim', imsi: sim, plmn: home, methods }
  }
  const home = choosePlmn(plmns, chosen)
  return { kind: 'sim', imsi: `${home.mcc}${home.mnc}*`, plmn: home, methods }
}

function choosePlmn(plmns: readonly Plmn[], chosen: string | undefined): Plmn {
  const [only] = plmns
  if (chosen === undefined && only && plmns.length === 1) return only
  const wanted = chosen === undefined ? undefined : formatPlmn(plmn(chosen))
  const found = plmns.find((one) => formatPlmn(one) === wanted)
  if (found) return found
  const expected = `one of passpoint.plmns: ${plmns.map(formatPlmn).join(', ')}`
  return fail('ID_INVALID', { what: '--plmn', expected, came: chosen ?? '' })
}

async function tlsCredential(
  { realms }: PasspointNetwork,
  settings: PasspointSettings,
  config: Config,
  { input, command, now }: { readonly input: Input; readonly command: Command; readonly now: Millis },
): Promise<Credential> {
  const { certificate, key } = input.options
  if (certificate === undefined || key === undefined)
    return fail('CLI_ARGUMENT_MISSING', {
      name: certificate === undefined ? '--certificate' : '--key',
      expected: '--certificate FILE and --key FILE',
      usage: usage(command),
    })
  const { aaaCaFile, aaaServerNames } = settings
  const [realm] = realms
  if (realm === undefined) return missing('realms', '[wifi.example.org]')
  if (aaaCaFile === undefined) return missing('aaaCaFile', 'aaa-ca.pem')
  if (aaaServerNames.length === 0) return missing('aaaServerNames', '[aaa.wifi.example.org]')
  const authorities = await readCertificates(config.resolvePath(aaaCaFile), now)
  return {
    kind: 'tls',
    client: await readKeyed(certificate, key, now),
    realm,
    authorities: rootLast(authorities).map(({ raw }) => raw),
    serverNames: aaaServerNames,
  }
}

const missing = (setting: string, example: string): never => fail('PASSPOINT_SETTING_MISSING', { setting, example })

const rootLast = (certificates: readonly X509Certificate[]): X509Certificate[] =>
  [...certificates].sort((a, b) => Number(isRoot(a)) - Number(isRoot(b)))

async function findSigner(
  { signingCertificateFile, signingKeyFile }: PasspointSettings,
  config: Config,
  now: Millis,
): Promise<KeyedCertificate> {
  if (signingCertificateFile === undefined || signingKeyFile === undefined) return fail('PASSPOINT_SIGNING_UNSET', {})
  return readKeyed(config.resolvePath(signingCertificateFile), config.resolvePath(signingKeyFile), now)
}
