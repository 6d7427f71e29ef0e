// A small authority with certificates for signing and for a user, and the commands over a real database.
import 'reflect-metadata'
import { webcrypto } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import * as x509 from '@peculiar/x509'
import { pino } from 'pino'
import type { Test } from 'tap'
import type { CommandContext, Output } from '../../core/cli/command.ts'
import { loadConfig } from '../../core/config/load.ts'
import { systemClock } from '../../core/kernel/clock.ts'
import { imsi, payerId, radioId, subscriberId, wallet } from '../../core/kernel/ids.ts'
import { toJson } from '../../core/kernel/units.ts'
import { openStore } from '../../core/store/store.ts'
import { passpointCommands, passpointSection, radiusSection } from '../../offload/module.ts'
import { addRadio, radiosNamed } from '../../radio/module.ts'
import { addSubscriber, createSubscriberDirectory } from '../../sim-provisioning/module.ts'

const RSA = {
  name: 'RSASSA-PKCS1-v1_5',
  hash: 'SHA-256',
  modulusLength: 2048,
  publicExponent: new Uint8Array([1, 0, 1]),
}
const EC = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }

export const SECRET = "pa\"ss\\w$rd 'of' cafe-1"
export const IMSI = '001010000000017'
const OWNER = wallet('7EqQdEULxWcraVx3mXKFjc84LhCkMGZCkRuDpvcMwJeK')

/** ca.pem; NAME.pem (with its chain) and NAME.key of a signer (RSA), a user and an expired user (ECDSA). Made once a process. */
let certificates: Promise<Map<string, string>> | undefined

async function makeCertificates(): Promise<Map<string, string>> {
  const root = await newPair(EC)
  const day = 86_400_000
  const at = (offset: number): Date => new Date(Date.now() + offset)
  const authority = await x509.X509CertificateGenerator.createSelfSigned({
    name: 'CN=Test authority',
    keys: root,
    signingAlgorithm: EC,
    notBefore: at(-day),
    notAfter: at(day),
    extensions: [new x509.BasicConstraintsExtension(true, undefined, true)],
  })
  const files = new Map([['ca.pem', authority.toString('pem')]])
  for (const [name, algorithm, until] of [
    ['signer', RSA, day],
    ['user', EC, day],
    ['expired', EC, -3_600_000],
  ] as const) {
    const keys = await newPair(algorithm)
    const leaf = await x509.X509CertificateGenerator.create({
      subject: `CN=${name}`,
      issuer: authority.subject,
      publicKey: keys.publicKey,
      signingKey: root.privateKey,
      signingAlgorithm: EC,
      notBefore: at(-day),
      notAfter: at(until),
    })
    files.set(`${name}.pem`, `${leaf.toString('pem')}\n${authority.toString('pem')}`)
    const der = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)).toString('base64')
    const lines = der.replace(/(.{64})/g, '$1\n')
    files.set(`${name}.key`, `-----BEGIN PRIVATE KEY-----\n${lines}\n-----END PRIVATE KEY-----\n`)
  }
  return files
}

const newPair = (algorithm: typeof RSA | typeof EC): Promise<webcrypto.CryptoKeyPair> =>
  webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']) as Promise<webcrypto.CryptoKeyPair>

export const SETTINGS = {
  operator: 'Valley & Söhne "Wi-Fi" <1>',
  ssid: 'Valley \'Wi-Fi\' "5"',
  domain: 'wifi.example.org',
  rcois: ['5A03BA0000', 'f4f5e8'],
  realms: ['wifi.example.org'],
  plmns: ['001-01', '310-410'],
  signingCertificateFile: 'signer.pem',
  signingKeyFile: 'signer.key',
  aaaCaFile: 'ca.pem',
  aaaServerNames: ['aaa.wifi.example.org'],
  accessPoint: { server: '192.0.2.10', radsecServer: 'radsec.example.org' },
}

export type Run = (path: string, args?: readonly string[], options?: Record<string, string>) => Promise<Output>

/** Radios cafe-1, hall-1 and cell-1 (LTE), a subscriber, secrets of two clients. No answer may hold a secret or an IMSI. */
export async function passpointShell(
  t: Test,
  changes: Record<string, unknown> = {},
): Promise<{ dir: string; run: Run }> {
  const dir = t.testdir({ 'cafe.secret': `${SECRET}\n`, 'hall.secret': 'secret of hall-1\n', 'odd.secret': 'a\nb\n' })
  certificates ??= makeCertificates()
  for (const [name, pem] of await certificates) writeFileSync(join(dir, name), pem)
  const store = await openStore({ path: join(dir, 'p.db') })
  t.teardown(() => store.close())
  const now = systemClock()
  for (const [radio, nasIdentifier, access] of [
    ['cafe-1', 'ap-cafe-1', 'wifi'],
    ['hall-1', 'odd', 'wifi'],
    ['cell-1', undefined, 'lte'],
  ] as const)
    await addRadio(store, { radio: radioId(radio), access, nasIdentifier, owner: OWNER }, now)
  const person = { subscriber: subscriberId('alice'), payer: payerId('acme'), plan: 'basic', imsi: imsi(IMSI) }
  await addSubscriber(store, person as Parameters<typeof addSubscriber>[1], now)
  const client = (name: string, file: string) => ({ name, address: '127.0.0.1', secretFile: file })
  const config = loadConfig([passpointSection, radiusSection], {
    file: undefined,
    env: {},
    cwd: dir,
    values: {
      passpoint: JSON.parse(JSON.stringify({ ...SETTINGS, ...changes })),
      radius: {
        clients: [client('cafe-1', 'cafe.secret'), client('hall-1', 'hall.secret'), client('odd', 'odd.secret')],
      },
    },
  })
  const context: CommandContext = {
    config: async () => config,
    keys: () => Promise.reject(new Error('not needed by these commands')),
    store: async () => store,
    log: pino({ level: 'silent' }),
    clock: systemClock,
    signal: new AbortController().signal,
    json: false,
    progress: () => ({ update() {}, end() {} }),
    say() {},
  }
  return {
    dir,
    async run(path, args = [], options = {}) {
      const command = passpointCommands({ subscribers: createSubscriberDirectory, radiosNamed }).find(
        (one) => one.path.join(' ') === path,
      )
      if (!command) throw new Error(`no command ${path}`)
      const named = Object.fromEntries((command.positionals ?? []).map(({ name }, index) => [name, args[index]]))
      const output = await command.run({ args: named, options }, context)
      const said = output.text + toJson(output.json)
      t.notOk(
        [SECRET, 'secret of hall-1', IMSI].some((hidden) => said.includes(hidden)),
        `${path} shows neither secret nor IMSI`,
      )
      return output
    },
  }
}
