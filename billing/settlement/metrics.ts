// What an operator watches of settlement.
import { Counter, Gauge, type Registry } from 'prom-client'

export interface SettlementMetrics {
  readonly events: Counter<'kind' | 'event'>
  readonly submissions: Counter<'outcome'>
  readonly failures: Counter<'code'>
  readonly illegal: Counter
  readonly waiting: Gauge<'reason'>
}

export function createSettlementMetrics(registry: Registry): SettlementMetrics {
  const registers = [registry]
  return {
    events: new Counter({
      name: 'tallycell_settlement_events_total',
      help: 'Steps that settlement transactions took, by kind and event',
      labelNames: ['kind', 'event'],
      registers,
    }),
    submissions: new Counter({
      name: 'tallycell_settlement_submissions_total',
      help: 'Transactions sent to the chain, repetitions included, by what it answered',
      labelNames: ['outcome'],
      registers,
    }),
    failures: new Counter({
      name: 'tallycell_settlement_failures_total',
      help: 'Rounds of settlement that ended early, by error code',
      labelNames: ['code'],
      registers,
    }),
    illegal: new Counter({
      name: 'tallycell_settlement_illegal_events_total',
      help: 'Events that a transaction met in a state that does not allow them: a mistake in the program',
      registers,
    }),
    waiting: new Gauge({
      name: 'tallycell_settlement_waiting_microtokens',
      help: 'Amounts that are due and cannot be paid yet, by what they wait for',
      labelNames: ['reason'],
      registers,
    }),
  }
}
