// UniFi: what to send to the controller's API. Field names and their limits are those of the controller's own schema.
import { announcedRealms, type PasspointNetwork } from '../network.ts'
import { type AccessPoint, about, CREDENTIAL_TYPE, fit, type Product, secretOf, short } from './access-point.ts'

const TITLE = 'UniFi Network 8.0 or later, over its API'

export const unifi: Product = { title: TITLE, format }

function format(accessPoint: AccessPoint): string {
  const { network, nasIdentifier } = accessPoint
  const name = `tallycell-${accessPoint.radio}`
  const file = {
    about: about(
      accessPoint,
      TITLE,
      'Send the requests in order to https://CONTROLLER/proxy/network; SITE is the name of the site.',
      'Put the _id of the first two answers, the id of the user group and that of the access point group into the third.',
      ...(accessPoint.transport.kind === 'radsec'
        ? ['Put what `tallycell radio cert issue` issued into x_ca_crts, x_client_crt and x_client_private_key.']
        : []),
    ),
    requests: [
      { method: 'POST', path: '/api/s/SITE/rest/radiusprofile', body: radiusProfile(accessPoint, name) },
      { method: 'POST', path: '/api/s/SITE/rest/hotspot2conf', body: hotspot(network, name) },
      {
        method: 'POST',
        path: '/api/s/SITE/rest/wlanconf',
        body: {
          name: network.ssid,
          enabled: true,
          security: 'wpaeap',
          wpa_mode: 'wpa2',
          wpa_enc: 'ccmp',
          pmf_mode: 'optional',
          radiusprofile_id: '_id of the RADIUS profile',
          hotspot2conf_enabled: true,
          hotspot2conf_id: '_id of the Hotspot 2.0 profile',
          nas_identifier_type: 'custom',
          nas_identifier: short('UniFi', 'the NAS-Identifier', fit('UniFi', 'the NAS-Identifier', nasIdentifier), 48),
          radius_das_enabled: accessPoint.transport.kind === 'udp',
          usergroup_id: 'id of the user group',
          ap_group_ids: ['id of the access point group'],
        },
      },
    ],
  }
  return `${JSON.stringify(file, undefined, 2)}\n`
}

function radiusProfile({ server, transport, interim }: AccessPoint, name: string) {
  const common = {
    name,
    accounting_enabled: true,
    interim_update_enabled: true,
    interim_update_interval: interim,
    vlan_enabled: false,
  }
  if (transport.kind === 'radsec') {
    const servers = [{ ip: server, port: transport.port }]
    const tls = { tls_enabled: true, x_ca_crts: [], x_client_crt: '', x_client_private_key: '' }
    return { ...common, ...tls, auth_servers: servers, acct_servers: servers }
  }
  const x_secret = fit('UniFi', 'the shared secret', secretOf(transport))
  return {
    ...common,
    auth_servers: [{ ip: server, port: transport.authenticationPort, x_secret }],
    acct_servers: [{ ip: server, port: transport.accountingPort, x_secret }],
  }
}

/** One row a realm and method: the schema has one method in each. */
const hotspot = (network: PasspointNetwork, name: string) => ({
  name,
  network_type: 2,
  network_access_internet: true,
  disable_dgaf: true,
  domain_name_list: [network.domain],
  friendly_name: [{ language: 'eng', text: network.operator }],
  roaming_consortium_list: network.rcois.map((oid) => ({ name: oid, oid })),
  cellular_network_list: network.plmns.map(({ mcc, mnc }) => ({
    name: `${mcc}-${mnc}`,
    mcc: Number(mcc),
    mnc: Number(mnc),
  })),
  nai_realm_list: announcedRealms(network).flatMap(({ realm, methods }) =>
    methods.map((method) => ({
      name: realm,
      encoding: 0,
      eap_method: method,
      auth_ids: '5',
      auth_vals: String(CREDENTIAL_TYPE[method]),
      status: true,
    })),
  ),
})
