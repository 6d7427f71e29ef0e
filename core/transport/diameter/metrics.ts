// What operators see of the Diameter node.
import { Counter, Gauge, Histogram, type Registry } from 'prom-client'

/** Closed set: what became of each request that came in. */
export type Outcome =
  | 'answered'
  /** Refused by us, with a Result-Code of the base protocol. */
  | 'refused'
  | 'repeated'
  /** 3004. */
  | 'too-busy'
  | 'relayed'
  /** Too late to be sent. */
  | 'late'
  | 'ignored'
  | 'failed'

export interface NodeMetrics {
  request(outcome: Outcome): void
  /** A message that was dropped: malformed answers, answers to nothing, events that the peer state machine has no row for. */
  dropped(why: 'malformed' | 'unexpected-answer' | 'illegal-event' | 'before-capabilities'): void
  answered(seconds: number): void
}

export function createNodeMetrics(
  registry: Registry,
  deps: { outstanding(): number; open(): ReadonlyMap<string, number> },
): NodeMetrics {
  const registers = [registry]
  const requests = new Counter({
    name: 'tallycell_diameter_requests_total',
    help: 'Diameter requests received, by what became of them',
    labelNames: ['outcome'],
    registers,
  })
  const dropped = new Counter({
    name: 'tallycell_diameter_dropped_total',
    help: 'Diameter messages and events that were dropped',
    labelNames: ['reason'],
    registers,
  })
  const seconds = new Histogram({
    name: 'tallycell_diameter_answer_seconds',
    help: 'Time from a request to its answer',
    buckets: [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5],
    registers,
  })
  new Gauge({
    name: 'tallycell_diameter_outstanding',
    help: 'Diameter requests in progress',
    registers,
    collect() {
      this.set(deps.outstanding())
    },
  })
  new Gauge({
    name: 'tallycell_diameter_open_connections',
    help: 'Open connections, by configured peer',
    labelNames: ['peer'],
    registers,
    collect() {
      this.reset()
      for (const [peer, count] of deps.open()) this.set({ peer }, count)
    },
  })
  return {
    request: (outcome) => requests.inc({ outcome }),
    dropped: (reason) => dropped.inc({ reason }),
    answered: (value) => seconds.observe(value),
  }
}
