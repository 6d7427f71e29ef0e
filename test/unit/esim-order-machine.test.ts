import t from 'tap'
import { diagram } from '../../core/kernel/fsm.ts'
import { describeStatus, endsInError } from '../../sim-provisioning/esim/es2plus/status-codes.ts'
import { ORDER_STATES, ORDER_STEPS, possibleOrderSteps, stepOrder } from '../../sim-provisioning/esim/order-machine.ts'

t.test('every state can be reached, and left unless it is an end', async (t) => {
  const reached = new Set<string>(['available'])
  for (let size = 0; size !== reached.size; ) {
    size = reached.size
    for (const { from, to } of ORDER_STEPS) if (reached.has(from)) reached.add(to)
  }
  t.same([...reached].sort(), [...ORDER_STATES].sort())
  const ends = ORDER_STATES.filter((state) => !ORDER_STEPS.some(({ from }) => from === state))
  t.same(ends, ['deleted', 'cancelled'])
  t.match(diagram(ORDER_STEPS), 'confirmed --> released: release')
})

t.test('a profile that is on a phone is neither released again nor called off', async (t) => {
  for (const state of ['downloaded', 'installed', 'enabled', 'disabled', 'deleted'] as const)
    for (const step of ['allocate', 'confirm', 'release', 'cancel'] as const) t.notOk(stepOrder(state, step).legal)
  t.equal(possibleOrderSteps('installed'), 'nothing')
  t.equal(possibleOrderSteps('confirmed'), 'release, cancel')
})

t.test('status codes in words: pairs that the standard has, pairs of known codes, nonsense', async (t) => {
  t.match(describeStatus('8.2.1', '3.9'), { meaning: 'the SM-DP+ does not hold a profile of this ICCID' })
  t.equal(describeStatus('8.2.6', '6.1').meaning, 'matching id: verification failed')
  t.equal(describeStatus('8.77', '3.9').meaning, 'subject 8.77: unknown')
  t.equal(describeStatus('<b>', 'x'.repeat(99)).meaning, 'something: no reason that is known')
  t.ok(endsInError('8.8.5', '6.4'))
  t.notOk(endsInError('8.2.7', '6.1'))
})
