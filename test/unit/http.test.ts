import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'
import fc from 'fast-check'
import t from 'tap'
import { createApp, createHttp, type HttpDeps } from '../../core/http/http.ts'
import { logFile } from '../../core/http/log-files.ts'
import { fail } from '../../core/kernel/errors.ts'
import { createLogger } from '../../core/log/logger.ts'
import { createMetrics } from '../../core/metrics/metrics.ts'
import type { Part } from '../../core/runtime/module.ts'

function deps(over: Partial<HttpDeps> = {}): HttpDeps & { lines: string[] } {
  const lines: string[] = []
  const log = createLogger({ format: 'json', destination: { write: (line) => lines.push(line) } })
  return { log, metrics: createMetrics(), lines, ...over }
}

const part = (name: string, health?: string): Part => ({
  name,
  start: async () => {},
  stop: async () => {},
  health: () => health,
})

t.test('metrics', async (t) => {
  const answer = await createApp(deps()).inject('/metrics')
  t.equal(answer.statusCode, 200)
  t.match(answer.headers['content-type'], 'text/plain; version=0.0.4')
  t.match(answer.body, /^process_start_time_seconds \d+/m)
})

t.test('health: live always, ready when no part complains', async (t) => {
  const parts = [part('a'), part('b'), { name: 'c', start: async () => {}, stop: async () => {} }]
  const app = createApp(deps({ parts: () => parts }))
  for (const url of ['/health', '/health/ready', '/health/live']) t.equal((await app.inject(url)).statusCode, 200, url)
  parts.push(part('d', 'the disk is full'))
  for (const url of ['/health', '/health/ready']) {
    const answer = await app.inject(url)
    t.equal(answer.statusCode, 503)
    t.same(answer.json(), {
      ok: false,
      parts: [
        { part: 'a', problem: null },
        { part: 'b', problem: null },
        { part: 'c', problem: null },
        { part: 'd', problem: 'the disk is full' },
      ],
    })
    t.equal(answer.headers['cache-control'], 'no-store')
  }
  t.equal((await app.inject('/health/live')).statusCode, 200)
})

t.test('errors are problems (RFC 9457) with code and hint', async (t) => {
  const given = deps({
    routes: [
      (app) => {
        app.get('/known', () => fail('RECEIPT_UNKNOWN', { what: 'number 7' }))
        app.get('/unknown', () => Promise.reject(new Error('a secret of our insides')))
        app.post('/body', async (request) => request.body)
        app.get('/ours', async () => ({ fine: true }))
      },
    ],
  })
  const app = createApp(given)
  const known = await app.inject('/known')
  t.equal(known.statusCode, 404)
  t.match(known.headers['content-type'], /^application\/problem\+json/)
  t.match(known.json(), {
    type: 'about:blank',
    title: 'Not Found',
    status: 404,
    detail: /receipt number 7/,
    code: 'RECEIPT_UNKNOWN',
    hint: /\w/,
  })

  const unknown = await app.inject('/unknown')
  t.match(unknown.json(), { status: 500, code: 'INTERNAL', title: 'Internal Server Error' })
  t.notMatch(unknown.body, 'insides')
  t.match(given.lines.join(''), 'a secret of our insides', 'the log has it')

  t.match((await app.inject('/nothing?x=1')).json(), {
    status: 404,
    code: 'HTTP_ROUTE_UNKNOWN',
    detail: 'there is nothing at GET /nothing?x=1',
  })
  t.match((await app.inject({ method: 'DELETE', url: '/ours' })).json(), { status: 404, code: 'HTTP_ROUTE_UNKNOWN' })
  const headers = { 'content-type': 'application/json' }
  t.match((await app.inject({ method: 'POST', url: '/body', headers, payload: '{' })).json(), {
    status: 400,
    code: 'HTTP_REQUEST_INVALID',
  })
  const large = JSON.stringify('x'.repeat(1_048_577))
  t.match((await app.inject({ method: 'POST', url: '/body', headers, payload: large })).json(), {
    status: 413,
    code: 'HTTP_REQUEST_INVALID',
  })
  t.match(
    (await app.inject({ method: 'POST', url: '/body', headers: { 'content-type': 'x/y' }, payload: '1' })).json(),
    { status: 415 },
  )
  t.match((await app.inject('/%')).json(), { status: 400 })
  t.same((await app.inject('/ours')).json(), { fine: true }, 'a module brings its routes')
})

t.test('the names of tlog-tiles, and no other', async (t) => {
  const year = 'public, max-age=31536000, immutable'
  t.match(logFile('checkpoint'), { type: 'text/plain; charset=utf-8', cacheControl: 'no-cache' })
  for (const path of ['tile/0/000', 'tile/63/x001/x234/067', 'tile/entries/x999/999'])
    t.match(logFile(path), { type: 'application/octet-stream', cacheControl: year }, path)
  for (const path of ['tile/0/000.p/1', 'tile/entries/x001/234.p/255'])
    t.match(logFile(path), { cacheControl: 'public, max-age=86400' }, path)
  for (const path of [
    ...[
      '',
      'checkpoint/',
      '/checkpoint',
      'Checkpoint',
      'tile',
      'tile/',
      'tile/0',
      'tile/0/',
      'tile/0/00',
      'tile/0/0000',
      'tile/64/000',
    ],
    ...[
      'tile/00/000',
      'tile/-1/000',
      'tile/0/000.p',
      'tile/0/000.p/0',
      'tile/0/000.p/256',
      'tile/0/000.p/01',
      'tile/0/x000',
      'tile/0/000/000',
    ],
    ...[
      '../keys/kek',
      'tile/../../keys/kek',
      'tile/0/../../000',
      'tile/0/000\n',
      'tile/0/000\u0000',
      'tile\\0\\000',
      'tile/entries/٠٠٠',
    ],
  ])
    t.equal(logFile(path), undefined, JSON.stringify(path))
})

t.test('the public log over a real socket', async (t) => {
  const base = t.testdir({
    secret: 'SECRET',
    log: { checkpoint: 'origin\n1\n', tile: { 0: { '000': 'TILE', '000.p': { 5: 'PART' } } } },
  })
  mkdirSync(join(base, 'log/tile/0/001'))
  symlinkSync(join(base, 'gone'), join(base, 'log/tile/0/002'))
  const http = createHttp(deps({ logDirectory: join(base, 'log') }), { listen: '127.0.0.1:0' })
  await http.start()
  t.teardown(() => http.stop())
  const get = async (path: string, init: RequestInit = {}) => {
    const answer = await fetch(`${http.url()}/log/${path}`, init)
    return {
      status: answer.status,
      cache: answer.headers.get('cache-control'),
      type: answer.headers.get('content-type'),
      body: await answer.text(),
    }
  }
  t.match(await get('checkpoint'), {
    status: 200,
    cache: 'no-cache',
    type: 'text/plain; charset=utf-8',
    body: 'origin\n1\n',
  })
  t.match(await get('tile/0/000'), { status: 200, cache: /immutable/, type: 'application/octet-stream', body: 'TILE' })
  t.match(await get('tile/0/000.p/5'), { status: 200, cache: 'public, max-age=86400', body: 'PART' })
  t.match(await get('tile/0/000', { method: 'HEAD' }), { status: 200, body: '' })
  for (const path of ['tile/0/001', 'tile/0/002', 'tile/0/003', 'tile/1/000', 'tile/0/000/000', 'nothing', ''])
    t.match(await get(path), { status: 404, type: /problem\+json/, cache: null }, path)
  writeFileSync(join(base, 'log/checkpoint'), 'origin\n2\n')
  t.match(await get('checkpoint'), { body: 'origin\n2\n' }, 'nothing is kept in memory')

  const { port } = new URL(http.url())
  const raw = (path: string): Promise<string> =>
    new Promise((resolve, reject) => {
      const socket = connect(Number(port), '127.0.0.1', () =>
        socket.end(`GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`),
      )
      let text = ''
      socket
        .on('data', (chunk) => (text += chunk))
        .on('close', () => resolve(text))
        .on('error', reject)
    })
  for (const path of [
    ...[
      '/log/../secret',
      '/log/..%2fsecret',
      '/log/%2e%2e/secret',
      '/log/%2e%2e%2fsecret',
      '/log/tile/../../secret',
      '/log//../secret',
    ],
    ...[
      '/log/tile/0/..%2f..%2f..%2fsecret',
      '/log/..\\secret',
      '/log/%00',
      '/log/checkpoint%00',
      `/log/${join(base, 'secret')}`,
    ],
  ]) {
    const answer = await raw(path)
    t.match(answer, /^HTTP\/1\.1 4\d\d /, path)
    t.notMatch(answer, 'SECRET', path)
  }
})

t.test('whatever path is asked for, the answer is a file of the log or a problem', async () => {
  const app = createApp(deps({ logDirectory: t.testdir({ checkpoint: 'c' }) }))
  const piece = fc.oneof(
    fc.constantFrom('..', '.', 'tile', '0', '000', '%2e%2e', '%2f', '\\', 'checkpoint', 'x001', '%00'),
    fc.webSegment(),
  )
  await fc.assert(
    fc.asyncProperty(fc.array(piece, { maxLength: 6 }), async (pieces) => {
      const { statusCode, body } = await app.inject(`/log/${pieces.join('/')}`)
      return statusCode === 200 ? body === 'c' : statusCode >= 400 && statusCode < 500
    }),
  )
})

t.test('addresses: taken, impossible, IPv6', async (t) => {
  const blocker = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => blocker.once('listening', resolve))
  t.teardown(() => blocker.close())
  const bound = blocker.address()
  const listen = `127.0.0.1:${typeof bound === 'object' ? bound?.port : ''}`
  await t.rejects(createHttp(deps(), { listen }).start(), { code: 'HTTP_PORT_IN_USE', message: new RegExp(listen) })
  await t.rejects(
    createHttp(deps(), { listen: '192.0.2.1:80' }).start(),
    { code: 'HTTP_ADDRESS_UNUSABLE' },
    'not an address of this machine',
  )
  for (const bad of ['8080', 'x:y', '127.0.0.1:70000', '[x]:1'])
    await t.rejects(
      createHttp(deps(), { listen: bad }).start(),
      { code: 'HTTP_ADDRESS_UNUSABLE', message: /HOST:PORT/ },
      bad,
    )
  const http = createHttp(deps(), { listen: '127.0.0.1:0' })
  await http.start()
  t.match(http.url(), /^http:\/\/127\.0\.0\.1:\d+$/)
  await http.stop()
  await t.rejects(fetch(http.url()), 'nobody listens after stop')
})

t.test('stop finishes the request under way', async (t) => {
  let arrived = (): void => {}
  const inside = new Promise<void>((resolve) => {
    arrived = resolve
  })
  let release = (): void => {}
  const gate = new Promise<void>((resolve) => {
    release = resolve
  })
  const slow: NonNullable<HttpDeps['routes']>[number] = (app) =>
    app.get('/slow', async () => {
      arrived()
      await gate
      return { done: true }
    })
  const http = createHttp(deps({ routes: [slow] }), { listen: '127.0.0.1:0' })
  await http.start()
  const asked = fetch(`${http.url()}/slow`)
  await inside
  const stopped = http.stop()
  release()
  t.same(await (await asked).json(), { done: true })
  await stopped
})
