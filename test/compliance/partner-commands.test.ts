// `tallycell partner`, and a node's TLS with client certificates, on each engine.
import { execFileSync } from 'node:child_process'
import { EventEmitter } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { request } from 'node:https'
import { join } from 'node:path'
import { tenantCommands } from '../../billing/charging/commands/tenant.ts'
import { runCli } from '../../core/cli/run.ts'
import { partnerCommands } from '../../core/http/commands.ts'
import { createHttp } from '../../core/http/http.ts'
import { createPartnerApi } from '../../core/http/partner/api.ts'
import { systemClock } from '../../core/kernel/clock.ts'
import { createLogger, logSection } from '../../core/log/logger.ts'
import { createMetrics } from '../../core/metrics/metrics.ts'
import { createKeyStore, keysSection } from '../../core/runtime/keys.ts'
import { storeSection } from '../../core/store/settings.ts'
import { onEachEngine, type TestDatabase } from './engines.ts'
import { type Json, SETTINGS } from './partner-world.ts'

/** Runs a command with --json. */
const shell =
  (cwd: string, { options }: TestDatabase) =>
  async (words: readonly string[], exit = 0): Promise<Json> => {
    const out = { stdout: '', stderr: '' }
    const sink = (name: 'stdout' | 'stderr') => ({
      write(text: string, done?: (error?: Error | null) => void) {
        out[name] += text
        done?.()
      },
    })
    const sections = [storeSection, keysSection, logSection]
    const commands = [...tenantCommands(), ...partnerCommands()]
    const code = await runCli({ version: '0', summary: 'x', sections, commands }, [...words, '--json'], {
      stdout: sink('stdout'),
      stderr: sink('stderr'),
      env: { TALLYCELL_STORE_URL: 'url' in options ? options.url : `sqlite:${options.path}` },
      cwd,
      signals: new EventEmitter(),
      force: () => {},
    })
    if (code !== exit) throw new Error(`exit ${code}: ${out.stdout}${out.stderr}`)
    return JSON.parse(out.stdout === '' ? out.stderr : out.stdout)
  }

const certificate = (folder: string, name: string): { cert: string; key: string } => {
  const [cert, key] = [join(folder, `${name}.pem`), join(folder, `${name}.key`)]
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  const subject = ['-subj', `/CN=${name}`, '-addext', 'subjectAltName=IP:127.0.0.1']
  execFileSync('openssl', ['req', '-x509', ...curve, ...subject, '-keyout', key, '-out', cert], { stdio: 'ignore' })
  return { cert, key }
}

onEachEngine('clients by command; tokens bound to certificates', async (t, database) => {
  // Made anew it would be emptied, of the database too.
  const folder = existsSync(t.testdirName) ? t.testdirName : t.testdir()
  const store = await database.open()
  const sh = shell(folder, database)
  t.match(await sh(['partner', 'add', 'acme'], 65), { error: { code: 'TENANT_UNKNOWN' } })
  await sh(['tenant', 'set', 'acme', '--currency', 'EUR'])
  t.match(await sh(['partner', 'add', 'acme', '--scopes', 'plan:read'], 64), { error: { code: 'ID_INVALID' } })
  const client = await sh(['partner', 'add', 'acme', '--name', 'shop', '--scopes', 'plans:read,audit-log:read'])
  t.match(client, { client: /^acme\.[0-9a-f]{12}$/, secret: /^tcs_[\w-]{43}$/ })
  const files = { own: certificate(folder, 'node'), good: certificate(folder, 'good'), bad: certificate(folder, 'bad') }
  const bound = await sh(['partner', 'add', 'acme', '--certificate', files.good.cert])
  t.match(bound, { secret: null, certificate: /^[\w-]{43}$/ })
  t.match(await sh(['partner', 'list', '--tenant', 'acme']), { clients: { length: 2 } })
  t.notMatch(JSON.stringify(await sh(['partner', 'list'])), client.secret)

  const log = createLogger({ format: 'json', destination: { write: () => true } })
  const metrics = createMetrics()
  const api = await createPartnerApi(
    {
      ...{ store, log, metrics, clock: systemClock, routes: [], version: '0', clientAuthority: false },
      keys: createKeyStore({ directory: join(folder, 'keys') }),
    },
    SETTINGS,
  )
  const tls = { certificate: files.own.cert, key: files.own.key, clientCa: undefined }
  const http = createHttp({ log, metrics, tls, routes: [api.routes] }, { listen: '127.0.0.1:0' })
  await http.start()
  t.teardown(() => http.stop())
  t.match(http.url(), /^https:/)

  const ask = (path: string, as: keyof typeof files | undefined, form: Record<string, string>, token = '') =>
    new Promise<{ status: number; body: Json }>((resolve, reject) => {
      const mine = as && { cert: readFileSync(files[as].cert), key: readFileSync(files[as].key) }
      const body = token === '' ? new URLSearchParams(form).toString() : undefined
      const headers: Record<string, string> =
        token === '' ? { 'content-type': 'application/x-www-form-urlencoded' } : { authorization: `Bearer ${token}` }
      const sent = request(
        `${http.url()}${path}`,
        {
          method: body === undefined ? 'GET' : 'POST',
          ca: readFileSync(files.own.cert),
          agent: false,
          headers,
          ...mine,
        },
        async (response) => {
          let text = ''
          for await (const chunk of response) text += chunk
          resolve({ status: response.statusCode ?? 0, body: JSON.parse(text) })
        },
      )
      sent.on('error', reject).end(body)
    })
  const grant = { grant_type: 'client_credentials' }
  const { body } = await ask('/oauth2/token', 'good', { ...grant, client_id: bound.client })
  t.match(body, { token_type: 'Bearer' })
  t.match(await ask('/oauth2/token', 'bad', { ...grant, client_id: bound.client }), { status: 401 })
  t.match(await ask('/oauth2/token', undefined, { ...grant, client_id: bound.client }), { status: 401 })
  const [, claims = ''] = body.access_token.split('.')
  t.match(JSON.parse(Buffer.from(claims, 'base64url').toString()), { cnf: { 'x5t#S256': bound.certificate } })
  t.match(await ask('/partner/v1/jobs', 'good', {}, body.access_token), { status: 200 })
  for (const as of ['bad', undefined] as const)
    t.match(await ask('/partner/v1/jobs', as, {}, body.access_token), {
      status: 401,
      body: { detail: /another client certificate/ },
    })

  const secret = (value: string) =>
    ask('/oauth2/token', undefined, { ...grant, client_id: client.client, client_secret: value })
  t.match(await secret(client.secret), { status: 200, body: { scope: 'plans:read audit-log:read' } })
  const rotated = await sh(['partner', 'rotate', client.client])
  for (const value of [client.secret, rotated.secret]) t.match(await secret(value), { status: 200 })
  const again = await sh(['partner', 'rotate', client.client, '--overlap', '0'])
  t.match(await secret(rotated.secret), { status: 401 })
  const token = (await secret(again.secret)).body.access_token
  t.match(await sh(['partner', 'rotate', bound.client], 65), { error: { code: 'PARTNER_CONFLICT' } })
  t.match(await sh(['partner', 'limit', 'acme', '--per-second', '7']), { perSecond: 7, perDay: null })
  t.match(await ask('/partner/v1/audit-log', undefined, {}, token), {
    status: 200,
    body: { items: [{ action: 'partner add' }, { action: 'partner add' }, { action: 'partner rotate' }, {}, {}] },
  })
  t.match(await sh(['partner', 'revoke', client.client]), { revoked: true })
  t.match(await sh(['partner', 'revoke', client.client]), { revoked: false })
  t.match(await ask('/partner/v1/audit-log', undefined, {}, token), { status: 401 })
  t.match(await secret(again.secret), { status: 401 })
  t.match(await sh(['partner', 'revoke', 'nobody'], 66), { error: { code: 'PARTNER_CLIENT_UNKNOWN' } })
  t.match(await sh(['partner', 'audit', 'verify']), { whole: true, trails: [{ tenant: 'acme', entries: '6' }] })
  await store.batch((sql) => sql.run("update audit_entry set target = 'x' where number = 4"))
  t.match(await sh(['partner', 'audit', 'verify', '--tenant', 'acme'], 65), { trails: [{ broken: '4' }] })
})
