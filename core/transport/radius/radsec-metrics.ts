// What operators see of the RadSec server.
import { Counter, Gauge, type Registry } from 'prom-client'
import type { LinkOutcome } from './radsec-link.ts'

export interface RadsecMetrics {
  packet(outcome: LinkOutcome): void
  /** `handshake`: TLS failed; `certificate`: it does not count, or not any more; `limit`: too many connections; `site`: a request of another site. */
  refused(why: 'handshake' | 'certificate' | 'limit' | 'site'): void
}

export function createRadsecMetrics(registry: Registry, open: () => number): RadsecMetrics {
  const registers = [registry]
  const packets = new Counter({
    name: 'tallycell_radsec_packets_total',
    help: 'RADIUS packets that came over TLS, by what became of them',
    labelNames: ['outcome'],
    registers,
  })
  const refused = new Counter({
    name: 'tallycell_radsec_refused_total',
    help: 'RadSec connections and requests refused, by reason',
    labelNames: ['reason'],
    registers,
  })
  new Gauge({
    name: 'tallycell_radsec_connections',
    help: 'Open RadSec connections',
    registers,
    collect() {
      this.set(open())
    },
  })
  return {
    packet: (outcome) => packets.inc({ outcome }),
    refused: (reason) => refused.inc({ reason }),
  }
}
