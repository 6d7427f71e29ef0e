import { Counter, Gauge, Histogram, Registry } from 'prom-client'
import t from 'tap'
import { createMetrics, metricProblems } from '../../core/metrics/metrics.ts'

t.test('the process itself is measured, each registry by itself', async (t) => {
  const [one, other] = [createMetrics(), createMetrics()]
  t.match(await one.metrics(), /^process_resident_memory_bytes \d+/m)
  new Counter({ name: 'tallycell_x_packets_total', help: 'x', registers: [one] }).inc()
  t.notMatch(await other.metrics(), 'tallycell_x')
  t.same(await metricProblems(one), [])
})

t.test('names and labels that break the rules are told', async (t) => {
  const registers = [new Registry()]
  const [registry] = registers
  if (!registry) return
  new Counter({ name: 'tallycell_radius_packets', help: 'x', registers })
  new Gauge({ name: 'tallycell_radius_open_total', help: 'x', registers })
  new Gauge({ name: 'radius_open', help: 'x', registers })
  new Gauge({ name: 'tallycell_Radius_open', help: ' ', registers })
  new Histogram({ name: 'tallycell_radius_answer', help: 'x', registers })
  new Histogram({ name: 'tallycell_radius_answer_seconds', help: 'x', registers }).observe(1)
  new Counter({ name: 'tallycell_radius_bad_total', help: 'x', labelNames: ['imsi', 'reason'], registers }).inc({
    imsi: '1',
    reason: 'r',
  })
  t.same((await metricProblems(registry)).sort(), [
    'radius_open: expected tallycell_<module>_<thing>_<unit|total>',
    'tallycell_Radius_open: expected tallycell_<module>_<thing>_<unit|total>',
    'tallycell_Radius_open: has no help',
    'tallycell_radius_answer: ends in no unit (seconds, octets, bytes, ratio, microtokens, info, timestamp_seconds)',
    'tallycell_radius_bad_total: the label imsi may name a person',
    'tallycell_radius_open_total: only a counter ends in _total',
    'tallycell_radius_packets: a counter ends in _total',
  ])
})
