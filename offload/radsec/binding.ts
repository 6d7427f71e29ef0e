// Which radios may speak over a connection: those that its certificate names. An access point is paid for what it reports, so none may report
// for another.
import type { KnownCertificate } from '../../core/events/certificates.ts'
import type { RadioDirectory } from '../../core/events/ports.ts'
import { parseBssid } from '../../core/kernel/bssid.ts'
import { type Packet, reader } from '../../core/wire/radius/packet.ts'

const nasIdentifier = reader('NAS-Identifier')
const calledStation = reader('Called-Station-Id')

/** Why a request may not come over a connection with this certificate; undefined when it may. */
export function foreign(
  { radio, members }: Pick<KnownCertificate, 'radio' | 'members'>,
  radios: Pick<RadioDirectory, 'byNasIdentifier' | 'byCalledStation' | 'refresh'>,
  packet: Packet,
): string | undefined {
  const [identifier, station] = [nasIdentifier(packet), calledStation(packet)]
  const bssid = typeof station === 'string' ? parseBssid(station) : undefined
  const named = [
    typeof identifier === 'string' ? radios.byNasIdentifier(identifier) : undefined,
    bssid === undefined ? undefined : radios.byCalledStation(bssid),
  ].flatMap((known) => (known ? [known.radio] : []))
  const other = named.find((name) => !members.includes(name))
  if (other !== undefined) return `it names the radio ${other}, and the certificate of ${radio} does not cover that`
  if (named.length > 0) return undefined
  // It may have been registered a moment ago: then the retransmission is taken. A store that is away is noticed by who has to write.
  radios.refresh().catch(() => undefined)
  return 'neither its NAS-Identifier nor its Called-Station-Id is that of a registered radio'
}
