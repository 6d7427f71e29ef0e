// OpenWrt: a wifi-iface section of /etc/config/wireless in UCI's own form.
import { type AccessPoint, about, fit, type Product, secretOf, throughProxy } from './access-point.ts'
import { cellNetworks, naiRealms, withColons } from './hostapd.ts'

const TITLE = 'OpenWrt 23.05 or later with the full wpad package'

export const openwrt: Product = { title: TITLE, format }

/** UCI takes what stands between single quotes as it is; a single quote itself leaves them for a moment. */
const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`

function format(accessPoint: AccessPoint): string {
  const { network, nasIdentifier, bssid, transport, interim, coaPort } = accessPoint
  const udp = throughProxy(accessPoint)
  const secret = fit('OpenWrt', 'the shared secret', secretOf(udp))
  const option = (name: string, value: string | number): string =>
    `\toption ${name} ${quoted(fit('OpenWrt', name, String(value)))}`
  const list = (name: string, values: readonly string[]): string[] =>
    values.map((value) => `\tlist ${name} ${quoted(fit('OpenWrt', name, value))}`)
  const notes = [
    'Add it to /etc/config/wireless, set device and network, then run: wifi reload',
    ...(transport.kind === 'radsec'
      ? ['RADIUS goes through radsecproxy on this machine: write its file with --for radsecproxy.']
      : []),
  ]
  const lines = [
    ...about(accessPoint, TITLE, ...notes).map((line) => `# ${fit('OpenWrt', 'the name', line)}`),
    "config wifi-iface 'tallycell'",
    option('device', 'radio0'),
    option('network', 'lan'),
    option('mode', 'ap'),
    option('ssid', network.ssid),
    option('encryption', 'wpa2+ccmp'),
    option('ieee80211w', 1),
    option('isolate', 1),
    option('nasid', nasIdentifier),
    option('auth_server', udp.server),
    option('auth_port', udp.authenticationPort),
    option('auth_secret', secret),
    option('acct_server', udp.server),
    option('acct_port', udp.accountingPort),
    option('acct_secret', secret),
    option('acct_interval', interim),
    option('request_cui', 1),
    ...(transport.kind === 'udp'
      ? [option('dae_client', udp.server), option('dae_port', coaPort), option('dae_secret', secret)]
      : []),
    option('iw_enabled', 1),
    option('iw_internet', 1),
    option('iw_access_network_type', 2),
    ...(bssid === undefined ? [] : [option('iw_hessid', withColons(bssid))]),
    ...list('iw_roaming_consortium', network.rcois),
    ...list('iw_domain_name', [network.domain]),
    // One entry: releases differ in what they put between several.
    ...list('iw_anqp_3gpp_cell_net', cellNetworks(network)),
    ...list('iw_nai_realm', naiRealms(network)),
    option('hs20', 1),
    option('disable_dgaf', 1),
    ...list('hs20_oper_friendly_name', [`eng:${network.operator}`]),
  ]
  return `${lines.join('\n')}\n`
}
