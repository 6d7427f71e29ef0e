// What operators see of the accounting server.
import { Counter, Gauge, Histogram, type Registry } from 'prom-client'
import { type Counters, OUTCOMES } from './outcome.ts'

export interface ServerMetrics {
  /** Starts the clock of a batch; call the result when its verdicts are there. */
  batch(requests: number): () => void
  restarted(): void
}

export function createServerMetrics(registry: Registry, counters: Counters): ServerMetrics {
  const registers = [registry]
  new Counter({
    name: 'tallycell_radius_requests_total',
    help: 'Datagrams to the accounting port, by what became of them',
    labelNames: ['outcome'],
    registers,
    collect() {
      this.reset()
      for (const outcome of OUTCOMES) this.inc({ outcome }, counters.read(outcome))
    },
  })
  new Gauge({
    name: 'tallycell_radius_outstanding',
    help: 'Accounting requests that wait to be recorded',
    registers,
    collect() {
      this.set(counters.outstanding.get())
    },
  })
  const seconds = new Histogram({
    name: 'tallycell_radius_batch_seconds',
    help: 'Time from a batch of accounting requests to its verdicts',
    buckets: [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 2],
    registers,
  })
  const sizes = new Histogram({
    name: 'tallycell_radius_batch_requests',
    help: 'Accounting requests in a batch',
    buckets: [1, 2, 4, 8, 16, 32, 64, 128, 256, 512],
    registers,
  })
  const restarts = new Counter({
    name: 'tallycell_radius_thread_restarts_total',
    help: 'Deaths of the input/output thread',
    registers,
  })
  return {
    batch(count) {
      sizes.observe(count)
      const started = performance.now()
      return () => seconds.observe((performance.now() - started) / 1000)
    },
    restarted: () => restarts.inc(),
  }
}
