// One connection slot of a peer: the peer state machine and the watchdog, with their sockets and timers.
import type { Message } from '../../wire/diameter/message.ts'
import type { Capabilities } from './capabilities.ts'
import type { Connection } from './connection.ts'
import { type PeerEffect, type PeerEvent, type PeerState, stepPeer, winsElection } from './peer-machine.ts'
import { INITIAL, stepWatchdog, type Watchdog, type WatchdogEvent, watchdogInterval } from './watchdog.ts'

export interface LinkTimes {
  /** Tc: from a failure to the next attempt, at first and at most; doubled each time (RFC 6733 §2.1). Milliseconds. */
  readonly reconnectFirst: number
  readonly reconnectLast: number
  /** How long connecting, CER to CEA and DPR to DPA may each take, milliseconds. */
  readonly handshake: number
  /** Tw, milliseconds (RFC 3539 §3.4.1: 30,000, never below 6000). */
  readonly watchdog: number
}

export interface LinkDeps {
  readonly times: LinkTimes
  readonly identity: string
  readonly peer: string
  /** Opens a connection and tells the link with `connected` or `failed`; undefined where the peer has to come to us. */
  readonly dial: ((link: Link) => void) | undefined
  sendCer(connection: Connection): void
  sendCea(connection: Connection, cer: Message): void
  sendDwr(connection: Connection): void
  sendDpr(connection: Connection): void
  sendDpa(connection: Connection, dpr: Message): void
  /** It carries messages now, carries none any more, or requests should go elsewhere for a while. */
  opened(link: Link): void
  closed(link: Link, reason: string): void
  failover(link: Link): void
  /** An event that the table has no row for. */
  illegal(state: PeerState, event: PeerEvent): void
  random(): number
}

export interface Link {
  readonly peer: string
  state(): PeerState
  capabilities(): Capabilities | undefined
  /** The open connection. */
  connection(): Connection | undefined
  /** Open, and in this state of the watchdog: requests are sent to those that are `okay`, and to those in `reopen` where there is no other. */
  usable(watchdog: 'okay' | 'reopen'): boolean
  start(): void
  connected(connection: Connection): void
  failed(reason: string): void
  /** A good CER on a connection that the peer opened. */
  offered(connection: Connection, cer: Message, capabilities: Capabilities): void
  /** A CEA; without capabilities it refuses us. */
  answered(capabilities: Capabilities | undefined, reason: string): void
  /** One of the connections is gone. */
  lost(connection: Connection, reason: string): void
  /** Any message came over the open connection. */
  heard(what: 'message' | 'dwa'): void
  /** `rest`: the peer does not want us back soon. */
  dpr(message: Message, rest: boolean): void
  dpa(): void
  stop(): void
  /** Ends without a word: the peer has restarted and this connection is left over. */
  abandon(reason: string): void
}

export function createLink(deps: LinkDeps): Link {
  const { times } = deps
  let state: PeerState = 'closed'
  let guard: Watchdog = INITIAL
  let initiator: Connection | undefined
  let responder: Connection | undefined
  let offer: { readonly connection: Connection; readonly cer: Message; readonly capabilities: Capabilities } | undefined
  let agreed: Capabilities | undefined
  let parting: Message | undefined
  let timeout: NodeJS.Timeout | undefined
  let watch: NodeJS.Timeout | undefined
  let retry: NodeJS.Timeout | undefined
  let delay = times.reconnectFirst
  let stopped = false
  let reason = 'closed'
  let parted = false

  const active = (): Connection | undefined =>
    state === 'r-open' ? responder : state === 'i-open' ? initiator : undefined
  const carrying = (): Connection | undefined =>
    active() ?? (state === 'closing' ? (responder ?? initiator) : undefined)

  const guardStep = (event: WatchdogEvent): void => {
    const { watchdog, effects } = stepWatchdog(guard, event)
    guard = watchdog
    for (const effect of effects) {
      const connection = active()
      if (effect === 'send-dwr' && connection !== undefined) deps.sendDwr(connection)
      else if (effect === 'set-timer') {
        clearTimeout(watch)
        watch = setTimeout(() => guardStep('timer'), watchdogInterval(times.watchdog, deps.random()))
      } else if (effect === 'failover') deps.failover(link)
      else if (effect === 'close') connection?.drop('the peer does not answer the watchdog')
    }
  }

  const dropped = (connection: Connection | undefined): undefined => {
    connection?.drop(reason)
    return undefined
  }

  const apply: Record<PeerEffect, () => void> = {
    dial: () => deps.dial?.(link),
    'send-cer': () => initiator !== undefined && deps.sendCer(initiator),
    'accept-r': () => {
      responder = offer?.connection
    },
    'reject-r': () => offer?.connection.drop('there is a connection already'),
    elect: () => offer !== undefined && winsElection(deps.identity, offer.capabilities.identity) && step('won'),
    'send-cea': () => {
      if (offer === undefined || responder === undefined) return
      agreed = offer.capabilities
      deps.sendCea(responder, offer.cer)
    },
    'drop-i': () => {
      const connection = initiator
      initiator = undefined
      dropped(connection)
    },
    'drop-r': () => {
      const connection = responder
      responder = undefined
      dropped(connection)
    },
    'send-dpr': () => {
      const connection = responder ?? initiator
      if (connection !== undefined) deps.sendDpr(connection)
    },
    'send-dpa': () => {
      const connection = responder ?? initiator
      if (connection !== undefined && parting !== undefined) deps.sendDpa(connection, parting)
    },
    open: () => {
      delay = times.reconnectFirst
      parted = false
      guardStep('up')
      deps.opened(link)
    },
    closed: () => {
      clearTimeout(watch)
      guardStep(parted ? 'parted' : 'down')
      agreed = undefined
      offer = undefined
      deps.closed(link, reason)
      if (stopped || deps.dial === undefined) return
      clearTimeout(retry)
      // Half of it is chance, so that peers of a node that went away do not all come back at once.
      retry = setTimeout(() => step('start'), delay / 2 + (delay / 2) * deps.random())
      delay = Math.min(delay * 2, times.reconnectLast)
    },
  }

  const step = (event: PeerEvent): void => {
    const next = stepPeer(state, event)
    if (!next.legal) {
      deps.illegal(state, event)
      return
    }
    const changed = next.state !== state
    state = next.state
    if (changed) {
      clearTimeout(timeout)
      const open = state === 'closed' || state === 'r-open' || state === 'i-open'
      if (!open) timeout = setTimeout(() => step('timeout'), times.handshake)
      if (state !== 'closed') clearTimeout(retry)
    }
    for (const effect of next.effects) apply[effect]()
  }

  const link: Link = {
    peer: deps.peer,
    state: () => state,
    capabilities: () => agreed,
    connection: carrying,
    usable: (wanted) => active() !== undefined && guard.state === wanted,
    start() {
      if (deps.dial !== undefined && state === 'closed') step('start')
    },
    connected(connection) {
      if (state !== 'wait-conn-ack' && state !== 'wait-conn-ack-elect') return connection.drop('too late')
      initiator = connection
      step('i-conn-ack')
    },
    failed(why) {
      reason = why
      if (state === 'wait-conn-ack' || state === 'wait-conn-ack-elect') step('i-conn-nack')
    },
    offered(connection, cer, capabilities) {
      const previous = offer
      offer = { connection, cer, capabilities }
      step('r-cer')
      // A rejected offer must not take the place of the one that stands.
      if (responder !== connection) offer = previous
    },
    answered(capabilities, why) {
      if (capabilities === undefined) reason = why
      else agreed = capabilities
      step(capabilities === undefined ? 'i-cea-refused' : 'i-cea')
    },
    lost(connection, why) {
      if (!parted && (connection === initiator || connection === responder)) reason = why
      if (connection === initiator) {
        initiator = undefined
        step('i-closed')
      } else if (connection === responder) {
        responder = undefined
        step('r-closed')
      }
    },
    heard: guardStep,
    dpr(message, rest) {
      parting = message
      parted = true
      reason = 'the peer disconnected'
      if (rest) delay = times.reconnectLast
      step('dpr')
    },
    dpa() {
      parted = true
      reason = 'we disconnected'
      step('dpa')
    },
    stop() {
      stopped = true
      clearTimeout(retry)
      if (state !== 'closed' && state !== 'closing') step('stop')
    },
    abandon(why) {
      reason = why
      const connection = carrying()
      if (connection !== undefined) connection.drop(why)
    },
  }
  return link
}
