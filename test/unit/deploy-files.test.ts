// The files of deploy/ name settings, metrics and labels of the program: they must exist.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { parse } from 'yaml'
import { loadConfig } from '../../core/config/load.ts'
import { httpSection } from '../../core/http/http.ts'
import { logSection } from '../../core/log/logger.ts'
import { keysSection } from '../../core/runtime/keys.ts'
import { OUTCOMES } from '../../core/transport/radius/outcome.ts'
import { radiusSection } from '../../offload/accounting/settings.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const read = (file: string): string => readFileSync(join(ROOT, 'deploy', file), 'utf8')

t.test('the example configurations load, and name the paths that their units supply', async (t) => {
  const sections = [logSection, keysSection, httpSection, radiusSection]
  const load = (file: string) => loadConfig(sections, { file: join(ROOT, 'deploy', file), env: {} })

  const unit = read('systemd/tallycell.service')
  const systemd = load('systemd/tallycell.yaml')
  t.equal(systemd.dataDir, '/var/lib/tallycell')
  t.match(unit, /^StateDirectory=tallycell$/m)
  t.equal(systemd.get(keysSection).kekFile, '/run/credentials/tallycell.service/kek')
  t.match(unit, /^LoadCredential=kek:/m)
  t.match(systemd.get(radiusSection).clients, [{ secretFile: '/run/credentials/tallycell.service/radius_cafe-1' }])
  t.match(unit, /^LoadCredential=radius:/m)

  const compose = parse(read('compose/compose.yaml')) as { services: { tallycell: { secrets: string[] } } }
  const container = load('compose/tallycell.yaml')
  t.match(container.get(radiusSection).clients, [
    { secretFile: `/run/secrets/${compose.services.tallycell.secrets[0]}` },
  ])
  t.match(compose, { services: { tallycell: { volumes: [`data:${container.dataDir}`] } } })
  t.match(read('compose/Dockerfile'), `VOLUME ${container.dataDir}\n`)
})

t.test('every metric and outcome in an alert exists', async (t) => {
  const sources = ['core', 'billing', 'offload', 'sim-provisioning']
    .flatMap((folder) =>
      readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' }).map((file) => join(folder, file)),
    )
    .filter((file) => file.endsWith('.ts'))
    .map((file) => readFileSync(join(ROOT, file), 'utf8'))
    .join('\n')
  const { groups } = parse(read('prometheus/alerts.yaml')) as { groups: { rules: { alert: string; expr: string }[] }[] }
  const rules = groups.flatMap((group) => group.rules)
  t.ok(rules.length > 0)
  for (const { alert, expr } of rules) {
    for (const [name] of expr.matchAll(/tallycell_\w+/g)) t.ok(sources.includes(`name: '${name}'`), `${alert}: ${name}`)
    const radius = /tallycell_radius_requests_total\{outcome=~?"([^"]+)"\}/.exec(expr)?.[1]
    for (const outcome of radius?.split('|') ?? [])
      t.ok((OUTCOMES as readonly string[]).includes(outcome), `${alert}: ${outcome}`)
  }
  t.match(sources, "'not-stored'")
})
