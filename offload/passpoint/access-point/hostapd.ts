// hostapd.conf, one `key=value` a line, nothing quoted: whatever would end a line is refused.
import { announcedRealms, type PasspointNetwork } from '../network.ts'
import { type AccessPoint, about, CREDENTIAL_TYPE, fit, type Product, secretOf, throughProxy } from './access-point.ts'

const TITLE = 'hostapd 2.10 or later, built with interworking and Hotspot 2.0 (as in Debian 12)'

export const hostapd: Product = { title: TITLE, format }

function format(accessPoint: AccessPoint): string {
  const { network, nasIdentifier, bssid, transport, interim, coaPort } = accessPoint
  const udp = throughProxy(accessPoint)
  const secret = fit('hostapd', 'the shared secret', secretOf(udp))
  const notes = [
    'Set interface, country, band and channel for the place; the rest can stay.',
    ...(transport.kind === 'radsec'
      ? [
          'RADIUS goes through radsecproxy on this machine: write its file with --for radsecproxy.',
          'Disconnect requests do not come through radsecproxy; sessions then end at the next interim update or reauthentication.',
        ]
      : []),
  ]
  const lines = [
    ...about(accessPoint, TITLE, ...notes).map((line) => `# ${fit('hostapd', 'the name', line)}`),
    'interface=wlan0',
    'driver=nl80211',
    'ctrl_interface=/var/run/hostapd',
    'hw_mode=g',
    'channel=1',
    `ssid2=${Buffer.from(network.ssid).toString('hex')}`,
    'utf8_ssid=1',
    'auth_algs=1',
    'wpa=2',
    'wpa_key_mgmt=WPA-EAP WPA-EAP-SHA256',
    'rsn_pairwise=CCMP',
    'ieee80211w=1',
    'ieee8021x=1',
    `nas_identifier=${fit('hostapd', 'the NAS-Identifier', nasIdentifier)}`,
    `auth_server_addr=${udp.server}`,
    `auth_server_port=${udp.authenticationPort}`,
    `auth_server_shared_secret=${secret}`,
    `acct_server_addr=${udp.server}`,
    `acct_server_port=${udp.accountingPort}`,
    `acct_server_shared_secret=${secret}`,
    `radius_acct_interim_interval=${interim}`,
    'radius_request_cui=1',
    ...(transport.kind === 'udp'
      ? [
          `radius_das_port=${coaPort}`,
          `radius_das_client=${udp.server} ${secret}`,
          'radius_das_time_window=300',
          'radius_das_require_event_timestamp=1',
          'radius_das_require_message_authenticator=1',
        ]
      : []),
    'interworking=1',
    'internet=1',
    'access_network_type=2',
    ...(bssid === undefined ? [] : [`hessid=${withColons(bssid)}`]),
    ...network.rcois.map((rcoi) => `roaming_consortium=${rcoi}`),
    `domain_name=${network.domain}`,
    ...cellNetworks(network).map((networks) => `anqp_3gpp_cell_net=${networks}`),
    ...naiRealms(network).map((realm) => `nai_realm=${realm}`),
    'hs20=1',
    'disable_dgaf=1',
    `hs20_oper_friendly_name=eng:${fit('hostapd', 'the name of the operator', network.operator)}`,
  ]
  return `${lines.join('\n')}\n`
}

export const withColons = (bssid: string): string => bssid.replace(/(..)(?=.)/g, '$1:')

/** `MCC,MNC;MCC,MNC`, or nothing. */
export const cellNetworks = ({ plmns }: PasspointNetwork): string[] =>
  plmns.length === 0 ? [] : [plmns.map(({ mcc, mnc }) => `${mcc},${mnc}`).join(';')]

/** `encoding,realm,method[credential type]…`; hostapd and what is built on it read it so. */
export const naiRealms = (network: PasspointNetwork): string[] =>
  announcedRealms(network).map(
    ({ realm, methods }) =>
      `0,${realm},${methods.map((method) => `${method}[5:${CREDENTIAL_TYPE[method]}]`).join(',')}`,
  )
