// Ruckus SmartZone: what to send to the controller's public API.
import { announcedRealms, type PasspointNetwork } from '../network.ts'
import { type AccessPoint, about, fit, minutes, type Product, secretOf, short } from './access-point.ts'

const TITLE = 'Ruckus SmartZone 6.1 or later, over its public API v11_1'

export const ruckus: Product = { title: TITLE, format }

/** EAP methods as the API calls them; EAP_AKAs is EAP-AKA'. */
const METHODS: Readonly<Record<number, string>> = { 13: 'EAP_TLS', 18: 'EAP_SIM', 23: 'EAP_AKA', 50: 'EAP_AKAs' }

function format(accessPoint: AccessPoint): string {
  const { network, nasIdentifier, interim, radio } = accessPoint
  const name = `tallycell-${radio}`
  const file = {
    about: about(
      accessPoint,
      TITLE,
      'Send the requests in order to https://CONTROLLER:8443/wsg/api/public/v11_1; put the id of each answer where a later one names it.',
      'ZONE is the id of the zone, DOMAIN that of the domain.',
      'Disconnect requests are taken on the port that the controller has for them (3799 unless changed).',
      ...(accessPoint.transport.kind === 'radsec'
        ? [
            'Load what `tallycell radio cert issue` issued with /certstore/clientCert and /certstore/trustedCAChainCert first.',
          ]
        : []),
    ),
    requests: [
      post('/services/auth/radius', authentication(accessPoint, `${name}-auth`)),
      post('/services/acct/radius', accounting(accessPoint, `${name}-acct`)),
      post('/profiles/hs20/operators', {
        domainId: 'DOMAIN',
        name,
        domainNames: [network.domain],
        friendlyNames: [{ language: 'English', name: network.operator }],
      }),
      post('/profiles/hs20/identityproviders', identityProvider(network, name)),
      post('/rkszones/ZONE/hs20s', {
        name,
        operator: { id: 'id of the operator' },
        defaultIdentityProvider: { id: 'id of the identity provider' },
        internetOption: true,
        accessNetworkType: 'CHARGEABLE_PUBLIC',
        ipv4AddressType: 'SINGLE_NATED_PRIVATE',
        ipv6AddressType: 'UNAVAILABLE',
      }),
      post('/rkszones/ZONE/wlans/hotspot20', {
        name,
        ssid: network.ssid,
        hotspot20Profile: { id: 'id of the Hotspot 2.0 profile' },
        radiusOptions: {
          nasIdType: 'Customized',
          customizedNasId: short(
            'Ruckus',
            'the NAS-Identifier',
            fit('Ruckus', 'the NAS-Identifier', nasIdentifier),
            64,
          ),
        },
        accountingServiceOrProfile: {
          throughController: true,
          id: 'id of the accounting service',
          interimUpdateMin: minutes(interim),
        },
      }),
    ],
  }
  return `${JSON.stringify(file, undefined, 2)}\n`
}

const post = (path: string, body: object) => ({ method: 'POST', path, body })

function authentication({ server, transport }: AccessPoint, name: string) {
  const common = { domainId: 'DOMAIN', name, type: 'RADIUS' }
  if (transport.kind === 'radsec')
    return {
      ...common,
      tlsEnabled: true,
      cnSanIdentity: transport.host,
      clientCertId: 'id of the client certificate',
      primary: { ip: server, port: transport.port },
    }
  const sharedSecret = fit('Ruckus', 'the shared secret', secretOf(transport))
  return { ...common, primary: { ip: server, port: transport.authenticationPort, sharedSecret } }
}

function accounting(accessPoint: AccessPoint, name: string) {
  const { server, transport } = accessPoint
  if (transport.kind === 'radsec') return { ...authentication(accessPoint, name), type: 'RADIUSAcct' }
  const sharedSecret = fit('Ruckus', 'the shared secret', secretOf(transport))
  const primary = { ip: server, port: transport.accountingPort, sharedSecret }
  return { domainId: 'DOMAIN', name, type: 'RADIUSAcct', primary }
}

const identityProvider = (network: PasspointNetwork, name: string) => ({
  domainId: 'DOMAIN',
  name,
  plmns: network.plmns,
  realms: announcedRealms(network).map(({ realm, methods }) => ({
    name: realm,
    encoding: 'RFC4282',
    eapMethods: methods.map((method) => ({ type: METHODS[method] })),
  })),
  homeOis: network.rcois.map((oi) => ({ name: oi, oi: oi.toUpperCase() })),
  authentications: ['No Match', 'Unspecified'].map((realm) => ({
    realm,
    serviceType: 'RADIUS',
    id: 'id of the authentication service',
  })),
})
