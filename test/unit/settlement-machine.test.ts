// The table of settlement: what it allows, and above all what it does not.
import t from 'tap'
import { type Event, SETTLEMENT_TABLE, type State, stepSettlement } from '../../billing/settlement/machine.ts'
import { diagram } from '../../core/kernel/fsm.ts'

const STATES: readonly State[] = ['planned', 'built', 'signed', 'sent', 'finalized', 'dead', 'dropped']
const EVENTS: readonly Event[] = ['build', 'sign', 'send', 'finalize', 'expire', 'revert', 'retry', 'drop']

t.test('only what the table names happens', async (t) => {
  for (const from of STATES)
    for (const on of EVENTS) {
      const row = SETTLEMENT_TABLE.find((each) => each.from === from && each.on === on)
      const step = stepSettlement(from, on)
      t.equal(step.legal, row !== undefined, `${from} ${on}`)
      t.equal(step.state, row?.to ?? from)
    }
})

t.test('what may have been sent is never built again but by way of dead', async (t) => {
  for (const from of ['signed', 'sent'] as const)
    for (const on of EVENTS) t.notMatch(stepSettlement(from, on).state, /planned|built|dropped/, `${from} ${on}`)
  t.same(
    SETTLEMENT_TABLE.filter(({ to }) => to === 'planned').map(({ from, on }) => [from, on]),
    [['dead', 'retry']],
  )
})

t.test('every way to an end records or releases, once', async (t) => {
  for (const row of SETTLEMENT_TABLE) {
    const effects: readonly string[] = 'effects' in row ? row.effects : []
    t.equal(effects.includes('recordPayment'), row.to === 'finalized', `${row.from} ${row.on}`)
    t.equal(effects.includes('releaseRows'), row.to === 'dropped', `${row.from} ${row.on}`)
  }
  for (const end of ['finalized', 'dropped'] as const)
    for (const on of EVENTS) t.equal(stepSettlement(end, on).legal, false, `${end} ${on}`)
})

t.test('the table draws itself', async (t) => {
  t.match(diagram(SETTLEMENT_TABLE), /sent --> finalized: finalize \/ recordPayment\n/)
})
