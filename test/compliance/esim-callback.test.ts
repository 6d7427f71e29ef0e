// The SM-DP+ reports over TLS with its certificate, or through a proxy that shows a secret; nobody else does. And the commands, as people type them.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pino } from 'pino'
import { Counter, Registry } from 'prom-client'
import t from 'tap'
import type { CommandContext, Output } from '../../core/cli/command.ts'
import { loadConfig } from '../../core/config/load.ts'
import { createApp } from '../../core/http/http.ts'
import { toJson } from '../../core/kernel/units.ts'
import { createMetrics, metricProblems } from '../../core/metrics/metrics.ts'
import { keysSection } from '../../core/runtime/keys.ts'
import { esimCommands } from '../../sim-provisioning/commands-esim.ts'
import { createCallbackServer, proxiedCallback } from '../../sim-provisioning/esim/callback.ts'
import { createEsim } from '../../sim-provisioning/esim/esim.ts'
import { confirmOrder, findOrder, orderProfile } from '../../sim-provisioning/esim/orders.ts'
import { esimSection } from '../../sim-provisioning/esim/settings.ts'
import { onEachEngine, testSqlite } from './engines.ts'
import { esimWorld, iccidOf, REQUESTER, SMDP_ADDRESS } from './esim-world.ts'
import { ACME, act, clock } from './sim-world.ts'

const PATH = '/gsma/rsp2/es2plus/handleDownloadProgressInfo'
const log = pino({ level: 'silent' })
const reports = () =>
  new Counter({
    name: 'tallycell_esim_reports_total',
    help: 'test',
    labelNames: ['outcome'] as const,
    registers: [new Registry()],
  })
const downloaded = (iccid: string) => ({
  header: { functionRequesterIdentifier: 'smdp', functionCallIdentifier: '1' },
  iccid,
  notificationPointId: 3,
  notificationPointStatus: { status: 'Executed-Success' },
})

onEachEngine('on a TLS socket of its own', async (t, database) => {
  const store = await database.open()
  const { smdp, deps, files } = await esimWorld(t, store)
  const { orderId } = await orderProfile(deps, { tenant: ACME, iccid: iccidOf(1) }, act)
  await confirmOrder(deps, orderId, { release: true }, act)
  const callback = { store, clock, log, reports: reports(), points: {} }
  const serve = async (names: readonly string[]) => {
    const server = createCallbackServer(callback, { listen: 'localhost:0', tls: files.localhost, names })
    await server.start()
    t.teardown(() => server.stop())
    return server
  }
  const server = await serve(['localhost'])
  t.equal(await smdp.report(server.url(), files.localhost, downloaded(iccidOf(1))), 204)
  t.equal((await findOrder(store, orderId)).state, 'downloaded')
  t.equal(await smdp.report(server.url(), files.localhost, downloaded(iccidOf(1))), 204, 'once more')
  t.equal(await smdp.report(server.url(), files.localhost, downloaded(iccidOf(7))), 204, 'of no order')
  t.equal(await smdp.report(server.url(), files.localhost, { iccid: 'x' }), 400)
  t.equal(
    await smdp.report(server.url(), files.operator, downloaded(iccidOf(1))),
    403,
    'a certificate for another name',
  )
  await t.rejects(smdp.report(server.url(), files.stranger, downloaded(iccidOf(1))), 'another authority')
  const any = await serve([])
  t.equal(await smdp.report(any.url(), files.operator, downloaded(iccidOf(1))), 204)
  const port = createCallbackServer(callback, { listen: server.url().slice(8), tls: files.localhost, names: [] })
  await t.rejects(port.start(), { code: 'ESIM_LISTEN_FAILED' })
  await port.stop()
  const broken = { ...files.localhost, key: Buffer.from('no key') }
  await t.rejects(createCallbackServer(callback, { listen: 'localhost:0', tls: broken, names: [] }).start(), {
    code: 'ESIM_LISTEN_FAILED',
  })
})

t.test('behind a proxy that shows a secret', async (t) => {
  const store = await testSqlite(t).open()
  const { deps } = await esimWorld(t, store)
  const { orderId } = await orderProfile(deps, { tenant: ACME, iccid: iccidOf(1) }, act)
  await confirmOrder(deps, orderId, { release: true }, act)
  const route = proxiedCallback(
    { store, clock, log, reports: reports(), points: {} },
    Buffer.from('s3cret-of-the-proxy\n'),
  )
  const app = createApp({ log, metrics: createMetrics(), routes: [route] })
  const post = async (authorization?: string) =>
    app.inject({
      method: 'POST',
      url: PATH,
      payload: downloaded(iccidOf(1)),
      headers: authorization === undefined ? {} : { authorization },
    })
  for (const wrong of [undefined, 'Bearer', 'Bearer s3cret-of-the-prox', 'Basic s3cret-of-the-proxy'])
    t.equal((await post(wrong)).statusCode, 404)
  t.equal((await findOrder(store, orderId)).state, 'released')
  const good = await post('Bearer s3cret-of-the-proxy')
  t.match(good, { statusCode: 204, headers: { 'x-admin-protocol': 'gsma/rsp/v2.5.0' } })
  t.equal((await findOrder(store, orderId)).state, 'downloaded')
  await app.close()
})

t.test('by command, as configured', async (t) => {
  const store = await testSqlite(t).open()
  const { smdp, folder } = await esimWorld(t, store)
  const file = join(folder, 'tallycell.json')
  const tls = (name: string) => ({ certificate: `${name}.pem`, key: `${name}.key`, ca: 'ca.pem' })
  const settings = {
    dataDir: folder,
    esim: {
      smdp: { url: smdp.url, address: SMDP_ADDRESS, requesterId: REQUESTER, ...tls('operator') },
      callback: { listen: 'localhost:0', ...tls('localhost') },
      secretFile: 'ca.pem',
    },
  }
  writeFileSync(file, JSON.stringify(settings))
  const config = loadConfig([keysSection, esimSection], { file, env: {}, cwd: folder })
  const context: CommandContext = {
    config: async () => config,
    keys: () => Promise.reject(new Error('not needed by these commands')),
    store: async () => store,
    log,
    clock,
    signal: new AbortController().signal,
    json: false,
    progress: () => ({ update() {}, end() {} }),
    say() {},
  }
  const run = async (path: string, id?: string, options: Record<string, string> = {}): Promise<Output> => {
    const command = esimCommands().find((one) => one.path.join(' ') === `esim ${path}`)
    if (!command) throw new Error(`no command ${path}`)
    const name = command.positionals?.[0]?.name ?? ''
    const defaults = Object.entries(command.options ?? {}).map(([key, option]) => [key, option.default])
    return command.run({ args: { [name]: id }, options: { ...Object.fromEntries(defaults), ...options } }, context)
  }
  t.match((await run('list')).text, /No such orders/)
  const { json } = await run('order', iccidOf(1), { tenant: 'acme', as: 'alice' })
  const { order } = json as { order: string }
  await t.rejects(run('qr', order), { code: 'ESIM_NO_CODE' })
  const code = join(folder, 'code')
  writeFileSync(code, '4711\n')
  writeFileSync(join(folder, 'bad'), '47 11')
  await t.rejects(run('confirm', order, { 'confirmation-code': join(folder, 'bad') }), { code: 'ID_INVALID' })
  const confirmed = await run('confirm', order, { 'no-release': 'true', 'confirmation-code': code })
  t.match(confirmed, { json: { state: 'confirmed', confirmationCodeRequired: true } })
  t.match((await run('release', order)).text, /is released/)
  const matchingId = smdp.profiles.get(iccidOf(1))?.matchingId ?? ''
  const wanted = `LPA:1$${SMDP_ADDRESS}$${matchingId}$$1`
  t.match(await run('qr', order), {
    text: new RegExp(`█[^]*\n\n${wanted.replaceAll('$', '\\$')}$`),
    json: { activationCode: wanted },
  })
  const [svg, png] = [join(folder, 'code.svg'), join(folder, 'code.png')]
  await run('qr', order, { svg, png })
  t.match(readFileSync(svg, 'utf8'), /^<svg /)
  t.equal(readFileSync(png).toString('latin1', 1, 4), 'PNG')
  await t.rejects(run('qr', order, { svg: join(folder, 'none', 'x') }), { code: 'CLI_OUTPUT_UNWRITABLE' })
  for (const words of ['list', 'show'] as const) {
    const shown = await run(words, words === 'show' ? order : undefined)
    t.match(shown.text, /released/)
    t.notMatch(shown.text + toJson(shown.json), matchingId, 'the token is shown by qr only')
  }
  t.match((await run('show', iccidOf(1))).text, /allocate: available -> allocated, by alice/)
  t.match((await run('list', undefined, { state: 'released', tenant: 'acme' })).json, { orders: { length: 1 } })
  await t.rejects(run('list', undefined, { state: 'lost' }), { code: 'ID_INVALID' })
  await t.rejects(run('cancel', order, { final: 'available' }), { code: 'ID_INVALID' })
  t.match((await run('cancel', order, { reason: 'sold elsewhere' })).text, /cancelled; the profile is Available/)

  const metrics = createMetrics()
  const esim = createEsim({ store, config, clock, metrics, log })
  t.equal(esim.parts.length, 1)
  t.equal(esim.routes.length, 1)
  await esim.parts[0]?.start()
  await esim.parts[0]?.stop()
  t.same(await metricProblems(metrics), [])
  const bare = loadConfig([esimSection], { file: undefined, env: { TALLYCELL_DATA_DIR: folder }, cwd: folder })
  const off = createEsim({ store, config: bare, clock, metrics: createMetrics(), log })
  t.match(off, { parts: { length: 0 }, routes: { length: 0 } })
  t.throws(() => off.orders(), { code: 'ESIM_NOT_CONFIGURED' })
})
