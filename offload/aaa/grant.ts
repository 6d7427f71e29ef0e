// What an access point is told of a session that is let in, whoever proved it and how: whose it is, how long and how much, how fast.
import type { Standing } from '../../core/events/standing.ts'
import type { Clock } from '../../core/kernel/clock.ts'
import type { SubscriberId } from '../../core/kernel/ids.ts'
import type { RadiusRequest } from '../../core/transport/radius/answer.ts'
import type { NamedAttribute } from '../../core/wire/radius/encode.ts'
import { authenticatorOf, get, octetsOf, type Packet } from '../../core/wire/radius/packet.ts'
import type { Maker } from '../control/throttle.ts'
import type { Classes } from './class.ts'
import type { CuiOf } from './cui.ts'
import type { AccessStore } from './store.ts'

export interface GrantDeps {
  readonly grants: AccessStore
  readonly classes: Classes
  readonly cui: CuiOf
  readonly clock: Clock
}

export interface GrantOptions {
  /** Seconds. */
  readonly sessionTimeout: number
  /** Seconds. */
  readonly interimInterval: number
  /** Whose attributes a RADIUS client takes. */
  readonly makerOf: (client: string) => Maker
}

/** Who may in, and what it may. */
export interface Admitted {
  readonly subscriber: SubscriberId
  /** Undefined: no plan says anything. */
  readonly standing: Standing | undefined
}

/** Puts the grant on record; resolves with its attributes, undefined where the conversation was granted before, for another request. */
export async function giveGrant(
  deps: GrantDeps,
  { sessionTimeout, interimInterval, makerOf }: GrantOptions,
  { packet, client }: RadiusRequest,
  { subscriber, standing, reference, method }: Admitted & { readonly reference: Uint8Array; readonly method: string },
): Promise<NamedAttribute[] | undefined> {
  const now = deps.clock()
  const cui = deps.cui(textOf(packet, 'Operator-Name') ?? client.name, subscriber)
  const seconds = secondsFor(standing, sessionTimeout, now)
  const outcome = await deps.grants.grant({
    reference: Buffer.from(reference).toString('hex'),
    authenticator: authenticatorOf(packet),
    subscriber,
    client: client.name,
    method,
    callingStation: textOf(packet, 'Calling-Station-Id'),
    calledStation: textOf(packet, 'Called-Station-Id'),
    cui,
    at: now,
    expires: now + BigInt(seconds) * 1000n,
  })
  if (outcome === 'replayed') return undefined
  const attributes: NamedAttribute[] = [
    ['Class', deps.classes.seal({ reference, subscriber }, now)],
    ['Session-Timeout', seconds],
    ['Termination-Action', 'RADIUS-Request'],
    ['Acct-Interim-Interval', interimInterval],
    ...limitsOf(standing, makerOf(client.name)),
  ]
  // RFC 4372 §2.1: only who asks for it gets it.
  if (octetsOf(packet, 'Chargeable-User-Identity') !== undefined)
    attributes.push(['Chargeable-User-Identity', Buffer.from(cui)])
  return attributes
}

/** Until the first of what pays expires: then it is asked again what is left. */
function secondsFor(standing: Standing | undefined, most: number, now: bigint): number {
  const until = standing?.left?.until
  if (until === undefined) return most
  const left = (until - now + 999n) / 1000n
  if (left >= BigInt(most)) return most
  return left > 1n ? Number(left) : 1
}

function limitsOf(standing: Standing | undefined, maker: Maker): NamedAttribute[] {
  const { throttle, left } = standing ?? {}
  const attributes: NamedAttribute[] = left?.octets === undefined ? [] : volume(left.octets, maker)
  if (throttle !== undefined) {
    attributes.push(['WISPr-Bandwidth-Max-Up', rateOf(throttle.uplink)])
    attributes.push(['WISPr-Bandwidth-Max-Down', rateOf(throttle.downlink)])
  }
  return attributes
}

const WORD = 1n << 32n

/** Octets of both directions together, after which the access point ends the session by itself. */
function volume(octets: bigint, maker: Maker): NamedAttribute[] {
  const [low, high] = [Number(octets % WORD), Number((octets / WORD) % WORD)]
  switch (maker) {
    case 'mikrotik':
      return [
        ['Mikrotik-Total-Limit', low],
        ['Mikrotik-Total-Limit-Gigawords', high],
      ]
    case 'wispr':
      // WISPr has none; the portals that take it know ChilliSpot's.
      return high === 0
        ? [['ChilliSpot-Max-Total-Octets', low]]
        : [
            ['ChilliSpot-Max-Total-Octets', low],
            ['ChilliSpot-Max-Total-Gigawords', high],
          ]
    default:
      return []
  }
}

/** Bits per second as WISPr counts them, 32 bits. */
const rateOf = (rate: bigint): number => Number(rate < WORD ? rate : WORD - 1n)

/** An attribute of text; undefined where it is absent or none. */
export function textOf(
  packet: Packet,
  name: 'Calling-Station-Id' | 'Called-Station-Id' | 'Operator-Name',
): string | undefined {
  const value = get(packet, name)
  return typeof value === 'string' ? value : undefined
}
