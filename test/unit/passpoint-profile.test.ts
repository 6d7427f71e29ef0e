import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { IMSI, passpointShell, SETTINGS } from './passpoint-world.ts'
import { readPlist, readTree, readXml } from './passpoint-xml.ts'

interface Payload {
  readonly PayloadType: string
  readonly PayloadUUID: string
  readonly PayloadIdentifier: string
  readonly [key: string]: unknown
}
const profileOf = (file: string) => readPlist(readFileSync(file, 'utf8')) as Payload & { PayloadContent: Payload[] }

/** As android.net.wifi.hotspot2.ConfigParser reads it: headers, boundary, every part in base64. */
function androidParts(file: string): { type: string; content: Buffer }[] {
  const message = Buffer.from(readFileSync(file, 'ascii'), 'base64').toString('latin1')
  const [head = '', ...rest] = message.split('\r\n\r\n')
  const boundary = /^Content-Type: multipart\/mixed; boundary=(\S+)\r\nContent-Transfer-Encoding: base64$/.exec(
    head,
  )?.[1]
  if (boundary === undefined) throw new Error(`not a head: ${head}`)
  const [first, ...parts] = rest.join('\r\n\r\n').split(new RegExp(`^--${boundary}`, 'm'))
  if (first !== '' || parts.pop() !== '--\r\n') throw new Error('boundaries')
  return parts.map((part) => {
    const [, type = '', content = ''] =
      /^\r\nContent-Type: (\S+)\r\nContent-Transfer-Encoding: base64\r\n\r\n([A-Za-z0-9+/=\r\n]+)$/.exec(part) ?? []
    return { type, content: Buffer.from(content, 'base64') }
  })
}

t.test('iOS: the Passpoint network and the named one, each a payload', async (t) => {
  const { dir, run } = await passpointShell(t)
  const file = join(dir, 'a.mobileconfig')
  const made = await run('passpoint profile', [], { for: 'ios', subscriber: IMSI, out: file, unsigned: 'true' })
  t.match(made.json, { subscriber: 'alice', signed: false, contentType: 'application/x-apple-aspen-config' })
  t.equal(statSync(file).mode & 0o777, 0o600)
  const profile = profileOf(file)
  t.match(profile, {
    PayloadType: 'Configuration',
    PayloadVersion: 1,
    PayloadIdentifier: 'org.example.wifi.passpoint.subscriber.alice',
    PayloadOrganization: SETTINGS.operator,
  })
  const [hotspot, named, ...more] = profile.PayloadContent
  t.same(more, [])
  t.match(hotspot, {
    PayloadType: 'com.apple.wifi.managed',
    IsHotspot: true,
    ServiceProviderRoamingEnabled: true,
    DomainName: 'wifi.example.org',
    DisplayedOperatorName: SETTINGS.operator,
    RoamingConsortiumOIs: ['5A03BA0000', 'F4F5E8'],
    NAIRealmNames: ['wifi.example.org', 'wlan.mnc001.mcc001.3gppnetwork.org', 'wlan.mnc410.mcc310.3gppnetwork.org'],
    MCCAndMNCs: ['001001'],
    EncryptionType: 'WPA2',
    EAPClientConfiguration: { AcceptEAPTypes: [50, 23, 18] },
  })
  t.notOk('SSID_STR' in (hotspot ?? {}))
  t.match(named, { SSID_STR: SETTINGS.ssid, EAPClientConfiguration: { AcceptEAPTypes: [50, 23, 18] } })
  const ids = [profile, ...profile.PayloadContent].map(({ PayloadUUID }) => PayloadUUID)
  t.equal(new Set(ids).size, 3)
  for (const id of ids) t.match(id, /^[0-9A-F]{8}-[0-9A-F]{4}-5[0-9A-F]{3}-[89AB][0-9A-F]{3}-[0-9A-F]{12}$/)
  t.notOk(readFileSync(file, 'utf8').includes(IMSI), 'iOS takes the IMSI from the SIM')

  const again = join(dir, 'b.mobileconfig')
  await run('passpoint profile', [], { for: 'ios', subscriber: IMSI, out: again, unsigned: 'true' })
  t.equal(readFileSync(again, 'utf8'), readFileSync(file, 'utf8'), 'the same profile twice is the same')
  const other = join(dir, 'c.mobileconfig')
  await run('passpoint profile', [], { for: 'ios', partner: 'acme', plmn: '310-410', out: other, unsigned: 'true' })
  t.match(profileOf(other).PayloadContent[0], { MCCAndMNCs: ['310410'] })
  t.notOk(ids.includes(profileOf(other).PayloadUUID))
})

t.test('Android: one subscription, for a SIM or for all of a network', async (t) => {
  const { dir, run } = await passpointShell(t)
  const file = join(dir, 'a.config')
  await run('passpoint profile', [], { for: 'android', subscriber: IMSI, out: file })
  const parts = androidParts(file)
  t.same(
    parts.map(({ type }) => type),
    ['application/x-passpoint-profile'],
  )
  const tree = (at: string) => readTree(readXml(androidParts(at)[0]?.content.toString('utf8') ?? ''))
  t.same(Object.fromEntries(tree(file)), {
    'i001/HomeSP/FriendlyName': SETTINGS.operator,
    'i001/HomeSP/FQDN': 'wifi.example.org',
    'i001/HomeSP/RoamingConsortiumOI': '5a03ba0000,f4f5e8',
    'i001/Credential/Realm': 'wlan.mnc001.mcc001.3gppnetwork.org',
    'i001/Credential/SIM/IMSI': IMSI,
    'i001/Credential/SIM/EAPType': '50',
  })
  const all = join(dir, 'b.config')
  await run('passpoint profile', [], { for: 'android', partner: 'acme', plmn: '310-410', out: all })
  t.equal(tree(all).get('i001/Credential/SIM/IMSI'), '310410*')
  t.equal(tree(all).get('i001/Credential/Realm'), 'wlan.mnc410.mcc310.3gppnetwork.org')
})

t.test('EAP-TLS: key, chain and the server to trust', async (t) => {
  const { dir, run } = await passpointShell(t)
  const identity = { partner: 'acme', certificate: join(dir, 'user.pem'), key: join(dir, 'user.key') }
  const ios = join(dir, 'a.mobileconfig')
  await run('passpoint profile', [], { for: 'ios', out: ios, unsigned: 'true', ...identity })
  const [hotspot, named, pkcs12, root] = profileOf(ios).PayloadContent
  t.equal(pkcs12?.PayloadType, 'com.apple.security.pkcs12')
  t.equal(root?.PayloadType, 'com.apple.security.root')
  for (const payload of [hotspot, named])
    t.match(payload, {
      PayloadCertificateUUID: pkcs12?.PayloadUUID,
      EAPClientConfiguration: {
        AcceptEAPTypes: [13],
        TLSTrustedServerNames: ['aaa.wifi.example.org'],
        PayloadCertificateAnchorUUID: [root?.PayloadUUID],
      },
    })
  const android = join(dir, 'a.config')
  await run('passpoint profile', [], { for: 'android', out: android, ...identity })
  t.same(
    androidParts(android).map(({ type }) => type),
    ['application/x-passpoint-profile', 'application/x-x509-ca-cert', 'application/x-pkcs12'],
  )
})

t.test('what cannot be done says what to do', async (t) => {
  const { dir, run } = await passpointShell(t)
  const out = join(dir, 'x')
  const profile = (options: Record<string, string>) => run('passpoint profile', [], { for: 'ios', out, ...options })
  await t.rejects(profile({ for: 'windows', partner: 'acme' }), { code: 'ID_INVALID' })
  await t.rejects(profile({}), { code: 'CLI_ARGUMENT_MISSING' })
  await t.rejects(profile({ partner: 'acme', subscriber: IMSI }), { code: 'CLI_ARGUMENT_MISSING' })
  await t.rejects(profile({ subscriber: '001019999999999' }), { code: 'SUBSCRIBER_UNKNOWN', message: /^[^0-9]+$/ })
  await t.rejects(profile({ partner: 'acme' }), { code: 'ID_INVALID', message: /001-01, 310-410/ })
  await t.rejects(profile({ partner: 'acme', plmn: '262-01' }), { code: 'ID_INVALID' })
  await t.rejects(profile({ partner: 'acme', certificate: 'user.pem' }), { code: 'CLI_ARGUMENT_MISSING' })
  const tls = (certificate: string, key: string) =>
    profile({ partner: 'acme', certificate: join(dir, certificate), key: join(dir, key) })
  await t.rejects(tls('user.pem', 'signer.key'), { code: 'PASSPOINT_CERTIFICATE_UNUSABLE', message: /not the key of/ })
  await t.rejects(tls('expired.pem', 'expired.key'), { code: 'PASSPOINT_CERTIFICATE_UNUSABLE', message: /expired on/ })
  await t.rejects(tls('user.key', 'user.key'), { code: 'PASSPOINT_CERTIFICATE_UNUSABLE', message: /no certificate/ })
  await t.rejects(tls('none.pem', 'user.key'), { code: 'FILE_UNREADABLE' })
  writeFileSync(out, 'mine')
  await t.rejects(profile({ partner: 'acme', plmn: '001-01' }), { code: 'FILE_UNWRITABLE' })
  t.equal(readFileSync(out, 'utf8'), 'mine')
  await profile({ partner: 'acme', plmn: '001-01', force: 'true' })
  t.ok(readFileSync(out).length > 1000)
})

t.test('settings that are missing or make no sense', async (t) => {
  const fails = async (changes: Record<string, unknown>, error: { code: string; message?: RegExp }) => {
    const { dir, run } = await passpointShell(t, changes)
    const options = { for: 'ios', subscriber: IMSI, out: join(dir, 'x') }
    await t.rejects(run('passpoint profile', [], options), error, JSON.stringify(changes))
  }
  await fails({ domain: undefined }, { code: 'PASSPOINT_SETTING_MISSING', message: /domain/ })
  await fails({ plmns: [] }, { code: 'PASSPOINT_SETTING_MISSING', message: /plmns/ })
  await fails({ plmns: ['310-410'] }, { code: 'PASSPOINT_SIM_FOREIGN', message: /alice.*310-410/ })
  await fails({ plmns: ['001-01', '001-011'] }, { code: 'PASSPOINT_SETTING_INVALID', message: /cannot be told apart/ })
  await fails({ operator: 'a\nb' }, { code: 'PASSPOINT_SETTING_INVALID', message: /not printable/ })
  await fails({ ssid: 'ü'.repeat(17) }, { code: 'PASSPOINT_SETTING_INVALID', message: /32 octets/ })
  await fails({ signingKeyFile: undefined }, { code: 'PASSPOINT_SIGNING_UNSET' })
})
