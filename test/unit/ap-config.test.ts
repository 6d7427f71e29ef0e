import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { passpointShell, SECRET } from './passpoint-world.ts'

const PRODUCTS = ['hostapd', 'openwrt', 'unifi', 'aruba', 'ruckus', 'mikrotik', 'radsecproxy'] as const
/** Names that every product takes. */
const PLAIN = { operator: 'Valley', ssid: 'Valley' }
const udp = { transport: 'udp' }

t.test('every product is told what it needs', async (t) => {
  const { run } = await passpointShell(t, PLAIN)
  const expected: Record<(typeof PRODUCTS)[number], readonly RegExp[]> = {
    hostapd: [
      /^nas_identifier=ap-cafe-1$/m,
      /^auth_server_addr=192\.0\.2\.10$/m,
      /^radius_acct_interim_interval=300$/m,
      /^radius_das_port=3799$/m,
      /^radius_das_client=192\.0\.2\.10 REPLACE/m,
      /^roaming_consortium=5a03ba0000$/m,
      /^anqp_3gpp_cell_net=001,01;310,410$/m,
      /^nai_realm=0,wlan\.mnc001\.mcc001\.3gppnetwork\.org,50\[5:2\],23\[5:2\],18\[5:1\]$/m,
    ],
    openwrt: [
      /^\toption nasid 'ap-cafe-1'$/m,
      /^\toption acct_interval '300'$/m,
      /^\toption dae_port '3799'$/m,
      /^\tlist iw_anqp_3gpp_cell_net '001,01;310,410'$/m,
      /^\tlist iw_roaming_consortium 'f4f5e8'$/m,
    ],
    unifi: [/"interim_update_interval": 300/, /"nas_identifier": "ap-cafe-1"/, /"radius_das_enabled": true/],
    aruba: [
      /^ nas-id "ap-cafe-1"$/m,
      /^ rfc3576$/m,
      /^ radius-interim-accounting-interval 5$/m,
      /^ 3gpp-plmn2 310410$/m,
      /^ roam-cons-oi 5A03BA0000\n roam-cons-oi-len 5$/m,
      /^ roam-cons-len-1 3\n roam-cons-oi-1 F4F5E8$/m,
      /^commit apply$/m,
    ],
    ruckus: [/"customizedNasId": "ap-cafe-1"/, /"interimUpdateMin": 5/, /"EAP_AKAs"/, /"mnc": "01"/],
    mikrotik: [
      / nas-identifier="ap-cafe-1" interim-update=300s$/m,
      /^\/radius incoming set accept=yes port=3799$/m,
      / 3gpp-info=001\/01,310\/410 /,
      / roaming-ois=5a03ba0000,f4f5e8 /,
      // Encoding 0, realm of 16 octets, four methods, the first EAP-AKA' with a USIM.
      / realms-raw=0010776966692e6578616d706c652e6f7267040532010501020517/,
    ],
    radsecproxy: [/^ {4}host radsec\.example\.org$/m, /CertificateFile \/etc\/tallycell\/cafe-1\.crt$/m],
  }
  for (const name of PRODUCTS) {
    const { text, json } = await run('radio config', ['cafe-1'], { for: name, ...udp })
    for (const line of expected[name]) t.match(text, line, `${name}: ${line}`)
    t.match(json, { radio: 'cafe-1', product: name, transport: name === 'radsecproxy' ? 'radsec' : 'udp' })
    if (name === 'unifi' || name === 'ruckus') t.ok(JSON.parse(text).requests.length >= 3)
  }
})

t.test('RadSec: no shared secret anywhere but the word that stands for none', async (t) => {
  const { dir, run } = await passpointShell(t, PLAIN)
  for (const name of PRODUCTS) {
    const out = join(dir, `${name}.txt`)
    const { json } = await run('radio config', ['hall-1'], { for: name, out })
    t.match(json, { transport: 'radsec' })
    const text = readFileSync(out, 'utf8')
    t.notOk(text.includes('REPLACE') || text.includes('secret of hall-1'), name)
    t.match(text, /radsec|2083|127\.0\.0\.1/, name)
  }
})

t.test('a secret goes into a file, and only the own one', async (t) => {
  const { dir, run } = await passpointShell(t, PLAIN)
  const out = join(dir, 'cafe.conf')
  await run('radio config', ['cafe-1'], { for: 'hostapd', out, ...udp })
  t.equal(statSync(out).mode & 0o777, 0o600)
  t.match(readFileSync(out, 'utf8').split('\n'), new Set([`auth_server_shared_secret=${SECRET}`]))
  const config = (radio: string, options: Record<string, string> = {}) =>
    run('radio config', [radio], { for: 'hostapd', out: join(dir, 'x'), ...udp, ...options })
  await t.rejects(config('cafe-1', { client: 'hall-1' }), { code: 'ACCESS_POINT_CLIENT_FOREIGN' })
  await t.rejects(config('cafe-1', { client: 'odd' }), { code: 'ACCESS_POINT_CLIENT_FOREIGN' }, 'by NAS-Identifier too')
  await t.rejects(config('cafe-1', { client: 'none' }), { code: 'ACCESS_POINT_CLIENT_UNKNOWN' })
  await t.rejects(config('hall-1', { client: 'odd' }), { code: 'ACCESS_POINT_VALUE_UNFIT', message: /control char/ })
  await t.rejects(config('cafe-1', { for: 'aruba' }), { code: 'ACCESS_POINT_VALUE_UNFIT', message: /^[^$\\]+$/ })
  t.throws(() => statSync(join(dir, 'x')), 'nothing was written')
})

t.test('what cannot be done says what to do', async (t) => {
  const { run } = await passpointShell(t, PLAIN)
  const config = (radio: string, options: Record<string, string> = {}) =>
    run('radio config', [radio], { for: 'hostapd', ...udp, ...options })
  await t.rejects(config('none'), { code: 'RADIO_UNKNOWN' })
  await t.rejects(config('ap-cafe-1'), { code: 'RADIO_UNKNOWN' }, 'a NAS-Identifier is no id')
  await t.rejects(config('cell-1'), { code: 'ACCESS_POINT_NOT_WIFI' })
  await t.rejects(config('cafe-1', { for: 'toString' }), { code: 'ID_INVALID' })
  await t.rejects(config('cafe-1', { transport: 'tcp' }), { code: 'ID_INVALID' })
  const unset = await passpointShell(t, { ...PLAIN, accessPoint: {} })
  await t.rejects(unset.run('radio config', ['cafe-1'], { for: 'hostapd' }), { code: 'PASSPOINT_SETTING_MISSING' })
  await t.rejects(unset.run('radio config', ['cafe-1'], { for: 'radsecproxy' }), { message: /radsecServer/ })
  const named = await passpointShell(t, { ...PLAIN, accessPoint: { server: 'radius.example.org' } })
  await t.rejects(named.run('radio config', ['cafe-1'], { for: 'hostapd' }), { code: 'PASSPOINT_SETTING_INVALID' })
})
