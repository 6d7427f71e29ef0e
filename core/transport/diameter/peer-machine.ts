// The peer state machine of RFC 6733 §5.6, one per connection that a peer may have. I is the connection that we open (initiator), R the one that the
// peer opens (responder). CERs are judged before they come here (capabilities.ts); transports that fail are reported as closed ones.
import { createMachine, type Transition } from '../../kernel/fsm.ts'

export type PeerState =
  | 'closed'
  | 'wait-conn-ack'
  | 'wait-i-cea'
  | 'wait-conn-ack-elect'
  | 'wait-returns'
  | 'r-open'
  | 'i-open'
  | 'closing'

export type PeerEvent =
  /** Time to connect. */
  | 'start'
  | 'i-conn-ack'
  | 'i-conn-nack'
  /** A CEA of success, or one of refusal. */
  | 'i-cea'
  | 'i-cea-refused'
  | 'i-closed'
  /** The peer has connected and its CER is good. */
  | 'r-cer'
  | 'r-closed'
  /** We won the election (§5.6.4): the connection that the peer opened stays. */
  | 'won'
  | 'timeout'
  | 'stop'
  | 'dpr'
  | 'dpa'

export type PeerEffect =
  | 'dial'
  | 'send-cer'
  | 'accept-r'
  | 'reject-r'
  | 'elect'
  | 'send-cea'
  | 'drop-i'
  | 'drop-r'
  | 'send-dpr'
  | 'send-dpa'
  /** The connection carries messages from now on. */
  | 'open'
  /** Nothing is left: connect again later. */
  | 'closed'

type Row = Transition<PeerState, PeerEvent, PeerEffect>

const row = (from: PeerState, on: PeerEvent, to: PeerState, ...effects: PeerEffect[]): Row => ({
  from,
  on,
  to,
  effects,
})

export const PEER_MACHINE: readonly Row[] = [
  row('closed', 'start', 'wait-conn-ack', 'dial'),
  row('closed', 'r-cer', 'r-open', 'accept-r', 'send-cea', 'open'),

  row('wait-conn-ack', 'i-conn-ack', 'wait-i-cea', 'send-cer'),
  row('wait-conn-ack', 'i-conn-nack', 'closed', 'drop-i', 'closed'),
  row('wait-conn-ack', 'r-cer', 'wait-conn-ack-elect', 'accept-r'),
  row('wait-conn-ack', 'timeout', 'closed', 'drop-i', 'closed'),
  row('wait-conn-ack', 'stop', 'closed', 'drop-i', 'closed'),

  row('wait-i-cea', 'i-cea', 'i-open', 'open'),
  row('wait-i-cea', 'i-cea-refused', 'closed', 'drop-i', 'closed'),
  row('wait-i-cea', 'r-cer', 'wait-returns', 'accept-r', 'elect'),
  row('wait-i-cea', 'i-closed', 'closed', 'drop-i', 'closed'),
  row('wait-i-cea', 'timeout', 'closed', 'drop-i', 'closed'),
  row('wait-i-cea', 'stop', 'closed', 'drop-i', 'closed'),

  row('wait-conn-ack-elect', 'i-conn-ack', 'wait-returns', 'send-cer', 'elect'),
  row('wait-conn-ack-elect', 'i-conn-nack', 'r-open', 'drop-i', 'send-cea', 'open'),
  row('wait-conn-ack-elect', 'r-closed', 'wait-conn-ack', 'drop-r'),
  row('wait-conn-ack-elect', 'r-cer', 'wait-conn-ack-elect', 'reject-r'),
  row('wait-conn-ack-elect', 'timeout', 'closed', 'drop-i', 'drop-r', 'closed'),
  row('wait-conn-ack-elect', 'stop', 'closed', 'drop-i', 'drop-r', 'closed'),

  row('wait-returns', 'won', 'r-open', 'drop-i', 'send-cea', 'open'),
  row('wait-returns', 'i-cea', 'i-open', 'drop-r', 'open'),
  row('wait-returns', 'i-cea-refused', 'r-open', 'drop-i', 'send-cea', 'open'),
  row('wait-returns', 'i-closed', 'r-open', 'drop-i', 'send-cea', 'open'),
  row('wait-returns', 'r-closed', 'wait-i-cea', 'drop-r'),
  row('wait-returns', 'r-cer', 'wait-returns', 'reject-r'),
  row('wait-returns', 'timeout', 'closed', 'drop-i', 'drop-r', 'closed'),
  row('wait-returns', 'stop', 'closed', 'drop-i', 'drop-r', 'closed'),

  row('r-open', 'r-closed', 'closed', 'drop-r', 'closed'),
  row('r-open', 'r-cer', 'r-open', 'reject-r'),
  row('r-open', 'stop', 'closing', 'send-dpr'),
  row('r-open', 'dpr', 'closing', 'send-dpa'),
  row('i-open', 'i-closed', 'closed', 'drop-i', 'closed'),
  row('i-open', 'r-cer', 'i-open', 'reject-r'),
  row('i-open', 'stop', 'closing', 'send-dpr'),
  row('i-open', 'dpr', 'closing', 'send-dpa'),

  row('closing', 'dpa', 'closed', 'drop-i', 'drop-r', 'closed'),
  // Both may want to part at once.
  row('closing', 'dpr', 'closing', 'send-dpa'),
  row('closing', 'i-closed', 'closed', 'drop-i', 'drop-r', 'closed'),
  row('closing', 'r-closed', 'closed', 'drop-i', 'drop-r', 'closed'),
  row('closing', 'r-cer', 'closing', 'reject-r'),
  row('closing', 'timeout', 'closed', 'drop-i', 'drop-r', 'closed'),
]

export const stepPeer = createMachine(PEER_MACHINE)

/** The election (RFC 6733 §5.6.4), held by whoever got a CER while its own connection was on the way: the greater Origin-Host wins. */
export const winsElection = (ours: string, theirs: string): boolean =>
  Buffer.compare(Buffer.from(ours.toLowerCase()), Buffer.from(theirs.toLowerCase())) > 0
