// Profiles before OpenSSL, libxml2 and a foreign PKCS #12 reader: signature, XML and keys are right for others too.
import { createHash, X509Certificate } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { findProgram, run as runProgram } from '../emulators/program.ts'
import { passpointShell, SETTINGS } from '../unit/passpoint-world.ts'
import { readPlist } from '../unit/passpoint-xml.ts'

function program(name: string, debian: string): string {
  const path = findProgram(name)
  if (path === undefined) throw new Error(`${name} is missing: install the Debian package ${debian}`)
  return path
}
const openssl = program('openssl', 'openssl')
const xmllint = program('xmllint', 'libxml2-utils')

t.test(
  'a signed profile: OpenSSL checks the signature up to the authority, libxml2 reads what is signed',
  async (t) => {
    for (const [name, settings] of [
      ['RSA', {}],
      ['ECDSA', { signingCertificateFile: 'user.pem', signingKeyFile: 'user.key' }],
    ] as const) {
      const { dir, run } = await passpointShell(t, settings)
      const file = join(dir, 'a.mobileconfig')
      await run('passpoint profile', [], { for: 'ios', partner: 'acme', plmn: '001-01', out: file })
      const plist = join(dir, 'a.plist')
      const verify = [
        'cms',
        '-verify',
        '-inform',
        'DER',
        '-purpose',
        'any',
        '-CAfile',
        join(dir, 'ca.pem'),
        '-in',
        file,
      ]
      await runProgram(openssl, [...verify, '-out', plist])
      await runProgram(xmllint, ['--nonet', '--noout', plist])
      t.match(readPlist(readFileSync(plist, 'utf8')), { PayloadDisplayName: SETTINGS.operator }, name)
      const title = '//key[.="PayloadOrganization"]/following-sibling::string[1]/text()'
      const shown = await runProgram(xmllint, ['--nonet', '--xpath', `string(${title})`, plist])
      t.equal(shown.trimEnd(), SETTINGS.operator, 'libxml2 reads the name as it was set')
      const octets = readFileSync(file)
      const at = octets.indexOf('Passpoint')
      octets.write('passpoint', at)
      writeFileSync(file, octets)
      await t.rejects(runProgram(openssl, [...verify, '-out', plist]), { message: /[Vv]erif/ }, 'one letter changed')
    }
  },
)

t.test('a key inside: OpenSSL opens it, as a phone does', async (t) => {
  const { dir, run } = await passpointShell(t)
  const identity = { partner: 'acme', certificate: join(dir, 'user.pem'), key: join(dir, 'user.key') }
  const profile = join(dir, 'a.mobileconfig')
  await run('passpoint profile', [], { for: 'ios', out: profile, unsigned: 'true', ...identity })
  const { PayloadContent } = readPlist(readFileSync(profile, 'utf8')) as {
    PayloadContent: { PayloadType: string; PayloadContent: Buffer; Password: string }[]
  }
  const own = PayloadContent.find(({ PayloadType }) => PayloadType === 'com.apple.security.pkcs12')
  const android = join(dir, 'a.config')
  await run('passpoint profile', [], { for: 'android', out: android, ...identity })
  const message = Buffer.from(readFileSync(android, 'ascii'), 'base64').toString('latin1')
  const part = /application\/x-pkcs12\r\nContent-Transfer-Encoding: base64\r\n\r\n([^-]+)/.exec(message)?.[1] ?? ''
  const user = new X509Certificate(readFileSync(join(dir, 'user.pem')))
  for (const [file, octets, password] of [
    ['ios.p12', own?.PayloadContent, own?.Password ?? '?'],
    ['android.p12', Buffer.from(part, 'base64'), ''],
  ] as const) {
    const path = join(dir, file)
    writeFileSync(path, octets ?? '')
    const open = (pass: string) =>
      runProgram(openssl, ['pkcs12', '-legacy', '-in', path, '-nodes', '-passin', `pass:${pass}`])
    const pem = await open(password)
    t.match(pem, /BEGIN PRIVATE KEY/, file)
    const certificates = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []
    t.equal(certificates.length, 2, 'with the one that issued it')
    t.equal(new X509Certificate(certificates[0] ?? '').fingerprint256, user.fingerprint256)
    await t.rejects(open('wrong'), 'another password does not open it')
  }
  const tree = Buffer.from(/profile\r\n[^\r]+\r\n\r\n([^-]+)/.exec(message)?.[1] ?? '', 'base64')
  writeFileSync(join(dir, 'pps.xml'), tree)
  await runProgram(xmllint, ['--nonet', '--noout', join(dir, 'pps.xml')])
  t.ok(tree.includes(createHash('sha256').update(user.raw).digest('hex')), 'Android finds the certificate by this')
})
