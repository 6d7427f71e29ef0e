// What operators see of Gy and Rf.
import { Counter, type Registry } from 'prom-client'

/** Closed set: what became of a request. */
export type Outcome =
  | 'success'
  | 'refused'
  /** An update of Open5GS for a 5G session, which N4 meters. */
  | 'orphan'
  /** Of an LTE session that was not open here and is now. */
  | 'adopted'
  /** Left without an answer, since a later request has overtaken it. */
  | 'overtaken'

export interface ChargingMetrics {
  request(interface_: 'gy' | 'rf', outcome: Outcome): void
  unknownCell(): void
  /** Sessions that ended because their peer has lost them. */
  lost(sessions: number): void
}

export function createChargingMetrics(registry: Registry): ChargingMetrics {
  const registers = [registry]
  const requests = new Counter({
    name: 'tallycell_gy_requests_total',
    help: 'Charging requests over Diameter, by interface and by what became of them',
    labelNames: ['interface', 'outcome'],
    registers,
  })
  const cells = new Counter({
    name: 'tallycell_gy_unknown_cells_total',
    help: 'Sessions that began in a cell that no radio is registered for: nobody is paid for them',
    registers,
  })
  const lost = new Counter({
    name: 'tallycell_gy_lost_sessions_total',
    help: 'Sessions that ended because their peer has restarted and lost them',
    registers,
  })
  return {
    request: (name, outcome) => requests.inc({ interface: name, outcome }),
    unknownCell: () => cells.inc(),
    lost: (sessions) => lost.inc(sessions),
  }
}
