// What became of each datagram, and the counters that both threads see.

/** Closed set: the labels of the metric. */
export const OUTCOMES = [
  /** Recorded and answered. */
  'accepted',
  /** A retransmission that got the answer of the first again. */
  'duplicate-answered',
  /** A retransmission of a request in progress: the one answer serves both. */
  'duplicate-in-progress',
  /** No client has this address. */
  'unknown-client',
  'malformed',
  /** Not an Accounting-Request. */
  'wrong-code',
  'bad-authenticator',
  'bad-message-authenticator',
  /** Too many requests in progress. */
  'overload',
  /** Not answered, by verdict. */
  'ignored',
  /** Not answered, because handling it failed. */
  'failed',
  /** Recorded, but the client had sent another request with the same Identifier since, so nobody waited for the answer. */
  'superseded',
  /** Came while the server was stopping. */
  'stopping',
  /** The answer could not be sent; a retransmission gets it. */
  'send-failed',
  /** An error of ours. */
  'fault',
] as const

export type Outcome = (typeof OUTCOMES)[number]

/**
 * Counters in memory that the threads share, so that counting sends no messages. Only the input/output thread writes, and an aligned
 * 64-bit float is stored at once, so the other side may read at any time.
 */
export interface Counters {
  count(outcome: Outcome): void
  read(outcome: Outcome): number
  /** Requests that wait for a verdict. */
  outstanding: { get(): number; set(value: number): void }
}

export const COUNTER_OCTETS = (OUTCOMES.length + 1) * 8

export function createCounters(memory: SharedArrayBuffer): Counters {
  const cells = new Float64Array(memory)
  const index = new Map<Outcome, number>(OUTCOMES.map((outcome, at) => [outcome, at + 1]))
  const cell = (outcome: Outcome): number => index.get(outcome) as number
  return {
    count(outcome) {
      const at = cell(outcome)
      cells[at] = (cells[at] as number) + 1
    },
    read: (outcome) => cells[cell(outcome)] as number,
    outstanding: {
      get: () => cells[0] as number,
      set(value) {
        cells[0] = value
      },
    },
  }
}
