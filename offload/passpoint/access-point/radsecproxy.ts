// radsecproxy beside an access point that speaks RADIUS over UDP only: it takes that on the loopback and carries it over TLS.
import { isIPv6 } from 'node:net'
import { type AccessPoint, about, certificateFiles, fit, type Product, RADSEC_SECRET } from './access-point.ts'

const TITLE = 'radsecproxy 1.9 or later'
const RADSEC_PORT = 2083

export const radsecproxy: Product = { title: TITLE, format }

function format(accessPoint: AccessPoint): string {
  const { transport } = accessPoint
  const { host, port } = transport.kind === 'radsec' ? transport : { host: accessPoint.server, port: RADSEC_PORT }
  const files = certificateFiles(accessPoint.radio)
  const notes = [
    "The certificate is this site's own, from: tallycell radio cert issue. It binds the NAS-Identifier, so no other site can use it.",
  ]
  return `${about(accessPoint, TITLE, ...notes)
    .map((line) => `# ${fit('radsecproxy', 'the name', line)}`)
    .join('\n')}
ListenUDP 127.0.0.1:1812
ListenUDP 127.0.0.1:1813
LogLevel 3

tls tallycell {
    CACertificateFile ${files.authority}
    CertificateFile ${files.certificate}
    CertificateKeyFile ${files.key}
}

client access-point {
    host 127.0.0.1
    type udp
    secret ${RADSEC_SECRET}
}

server tallycell {
    host ${isIPv6(host) ? `[${host}]` : host}
    port ${port}
    type tls
    tls tallycell
    secret ${RADSEC_SECRET}
    certificateNameCheck on
    statusServer on
}

realm * {
    server tallycell
    accountingServer tallycell
}
`
}
