// What the main thread and the input/output thread say to each other, beside batches and verdicts, which are bare ArrayBuffers.
import type { RadiusClientSecret } from './clients.ts'
import type { Outcome } from './outcome.ts'

export interface Endpoint {
  /** An IPv4 or IPv6 address of this machine; `0.0.0.0` or `::` for all. */
  readonly host: string
  /** UDP port; 0 lets the system choose. */
  readonly port: number
}

/** What the thread is started with. */
export interface ThreadSettings {
  readonly listen: readonly Endpoint[]
  readonly clients: readonly RadiusClientSecret[]
  readonly receiveBuffer: number
  readonly replyLifetime: number
  readonly maxReplies: number
  readonly maxOutstanding: number
  readonly maxBatch: number
  readonly maxBatches: number
  readonly drainTimeout: number
  /** See `Counters`. */
  readonly counters: SharedArrayBuffer
}

/** From the thread. */
export type ThreadReport =
  | { readonly type: 'listening'; readonly endpoints: readonly Endpoint[] }
  /** A socket could not be opened; nothing is. `code` as of node: EADDRINUSE, EACCES, ... */
  | { readonly type: 'refused'; readonly endpoint: Endpoint; readonly code: string; readonly reason: string }
  /** Something for the log; `suppressed` like it were not reported since the last. */
  | {
      readonly type: 'notice'
      readonly outcome: Outcome
      readonly client: string | undefined
      readonly address: string
      readonly detail: string
      readonly suppressed: number
    }
  /** The sockets are closed; `abandoned` requests got no verdict in time. */
  | { readonly type: 'stopped'; readonly abandoned: number }

/** To the thread. */
export interface StopOrder {
  readonly type: 'stop'
}
