// Capabilities exchange (RFC 6733 §5.3): what we say of ourselves, and whether we and a peer have anything to say to each other.
import { APPLICATION } from '../../wire/diameter/dict/commands.ts'
import type { AvpInput, Avps } from '../../wire/diameter/dictionary.ts'
import { isFault } from '../../wire/diameter/fault.ts'
import { isRefusal, missing, type Refusal, required, unsupported } from '../../wire/diameter/judge.ts'
import { all, get, type Message } from '../../wire/diameter/message.ts'

export interface Advertised {
  readonly id: number
  /** Vendor-Id where the application is advertised in a Vendor-Specific-Application-Id (§6.11). */
  readonly vendor?: number
}

export interface Local {
  /** Origin-Host and Origin-Realm. */
  readonly identity: string
  readonly realm: string
  readonly applications: readonly Advertised[]
  /** Never smaller than in any run before (§8.16). */
  readonly originStateId: number
  readonly product: string
}

export interface Capabilities {
  readonly identity: string
  readonly realm: string
  /** Application identifiers that both have; a relay has them all. */
  readonly applications: readonly number[]
  readonly relay: boolean
  readonly originStateId: number | undefined
}

const RELAY = APPLICATION.Relay

/** What both CER and CEA say, in the order of §5.3.1. `addresses`: ours, Host-IP-Address. */
export function capabilityAvps(local: Local, addresses: readonly string[]): AvpInput[] {
  const vendors = [...new Set(local.applications.flatMap(({ vendor }) => (vendor === undefined ? [] : [vendor])))]
  return [
    ['Origin-Host', local.identity],
    ['Origin-Realm', local.realm],
    ...addresses.map((address): AvpInput => ['Host-IP-Address', address]),
    ['Vendor-Id', 0],
    ['Product-Name', local.product],
    ['Origin-State-Id', local.originStateId],
    ...vendors.map((vendor): AvpInput => ['Supported-Vendor-Id', vendor]),
    ...local.applications.map(
      ({ id, vendor }): AvpInput =>
        vendor === undefined
          ? ['Auth-Application-Id', id]
          : [
              'Vendor-Specific-Application-Id',
              [
                ['Vendor-Id', vendor],
                ['Auth-Application-Id', id],
              ],
            ],
    ),
  ]
}

/** Reads a CER or CEA. Refuses one that is malformed (5004, 5005, 5014) or without an application in common (5010, §5.3). */
export function readCapabilities(message: Message, local: Local): Capabilities | Refusal {
  const refused =
    unsupported(message) ??
    missing(message, ['Origin-Host', 'Origin-Realm', 'Host-IP-Address', 'Vendor-Id', 'Product-Name'])
  if (refused !== undefined) return refused
  const identity = required(message, 'Origin-Host', get(message, 'Origin-Host'))
  if (isRefusal(identity)) return identity
  const realm = required(message, 'Origin-Realm', get(message, 'Origin-Realm'))
  if (isRefusal(realm)) return realm
  const theirs = new Set(advertised(message))
  const relay = theirs.has(RELAY)
  const ours = local.applications.map(({ id }) => id)
  const applications = relay ? ours : ours.includes(RELAY) ? [...theirs] : ours.filter((id) => theirs.has(id))
  if (applications.length === 0 && ours.length > 0)
    return { result: 5010, failed: [], text: `no application in common: here ${ours.join(', ')}` }
  const state = get(message, 'Origin-State-Id')
  return { identity, realm, applications, relay, originStateId: isFault(state) ? undefined : state }
}

/** All applications that a CER or CEA names, alone or below a vendor; what is malformed names none. */
function advertised(avps: Avps): number[] {
  const vendors = all(avps, 'Vendor-Specific-Application-Id').filter((group): group is Avps => !isFault(group))
  return [avps, ...vendors]
    .flatMap((group) => [...all(group, 'Auth-Application-Id'), ...all(group, 'Acct-Application-Id')])
    .filter((id): id is number => typeof id === 'number')
}
