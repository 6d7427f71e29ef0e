// One registry per program, passed to the modules; /metrics shows it.
import { collectDefaultMetrics, Registry } from 'prom-client'

/** A registry that holds the metrics of the process itself (`process_…`, `nodejs_…`). */
export function createMetrics(): Registry {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  return registry
}

// prometheus.io/docs/practices/naming: base units, and `_total` for what only grows.
const UNITS = ['seconds', 'octets', 'bytes', 'ratio', 'microtokens', 'info', 'timestamp_seconds']
const PERSONAL =
  /^(imsi|supi|msisdn|iccid|subscriber|subscriber_id|user|user_name|username|session|session_id|mac|address|ip|wallet)$/

/**
 * What is wrong with the names and labels of our own metrics, one sentence each; empty when all is well.
 * For a test of each module: names are `tallycell_<module>_<thing>_<unit|total>`, labels come from closed sets and name no person.
 */
export async function metricProblems(registry: Registry): Promise<string[]> {
  const problems: string[] = []
  for (const { name, help, type, values } of await registry.getMetricsAsJSON()) {
    if (/^(process|nodejs)_/.test(name)) continue
    // prom-client types this enumeration as strings only.
    const kind: string = String(type)
    if (!/^tallycell_[a-z0-9]+(_[a-z0-9]+)+$/.test(name))
      problems.push(`${name}: expected tallycell_<module>_<thing>_<unit|total>`)
    if (kind === 'counter' && !name.endsWith('_total')) problems.push(`${name}: a counter ends in _total`)
    if (kind !== 'counter' && name.endsWith('_total')) problems.push(`${name}: only a counter ends in _total`)
    if (kind === 'histogram' && !UNITS.some((unit) => name.endsWith(`_${unit}`)))
      problems.push(`${name}: ends in no unit (${UNITS.join(', ')})`)
    if (help.trim() === '') problems.push(`${name}: has no help`)
    const labels = new Set(values.flatMap((value) => Object.keys(value.labels)))
    for (const label of labels) if (PERSONAL.test(label)) problems.push(`${name}: the label ${label} may name a person`)
  }
  return problems
}
