// Starting, stopping and dying of the accounting server.
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import { pino } from 'pino'
import { Registry } from 'prom-client'
import t from 'tap'
import { createAccountingServer, type Verdict } from '../../core/transport/radius/accounting-server.ts'
import { run } from '../emulators/program.ts'
import { acceptAll, createNas, deferred, LOOPBACK, refused, request, serve, until } from './radius-fixture.ts'

t.test('a port in use', async (t) => {
  const socket = createSocket('udp4')
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  t.teardown(() => socket.close())
  const { port } = socket.address()
  const error = await refused({ host: '127.0.0.1', port })
  t.equal(error.code, 'RADIUS_PORT_IN_USE')
  t.match(error.message, String(port))
  const second = await refused({ host: '127.0.0.1', port: 0 }, { host: '127.0.0.1', port })
  t.equal(second.code, 'RADIUS_PORT_IN_USE', 'also when the first socket could be opened')
})

t.test('a port below 1024', async (t) => {
  const program = fileURLToPath(new URL('./radius-port-process.ts', import.meta.url))
  const words = [...unprivileged(), process.execPath, '--import=tsx', program, '0.0.0.0', '1023']
  t.equal(await run(words[0] ?? '', words.slice(1)), 'RADIUS_PORT_FORBIDDEN')
})

/** What runs a program that may not open port 1023: root may, and everybody where the kernel is told so, as in many containers. */
function unprivileged(): string[] {
  const withoutCapability = ['setpriv', '--bounding-set=-net_bind_service']
  const root = process.getuid?.() === 0
  const free = Number(readFileSync('/proc/sys/net/ipv4/ip_unprivileged_port_start', 'utf8')) <= 1023
  // A new network begins with the kernel's own setting.
  if (free) return ['unshare', '--net', ...(root ? [] : ['--user', '--map-root-user']), ...withoutCapability]
  return root ? withoutCapability : []
}

t.test('an address that is not ours, and one that is none', async (t) => {
  t.equal((await refused({ host: '192.0.2.1', port: 0 })).code, 'RADIUS_LISTEN_FAILED')
  t.equal((await refused({ host: 'localhost', port: 0 })).code, 'RADIUS_LISTEN_FAILED')
})

t.test('stopping answers what was taken in, and takes in nothing more', async (t) => {
  const verdicts = deferred<void>()
  const { server, port, handled, count } = await serve(t, (batch) => verdicts.promise.then(() => acceptAll(batch)))
  const nas = await createNas(t, port)
  await nas.send(request(0, 'first'))
  await until(() => handled.length === 1)
  let stopped = false
  const stop = server.stop().then(() => {
    stopped = true
  })
  let sent = 0
  await until(async () => {
    sent++
    await nas.send(request(sent, `later ${sent}`))
    return (await count('stopping')) > 0
  })
  t.equal(stopped, false, 'waits for the verdicts')
  verdicts.resolve()
  t.equal((await nas.answer()).identifier, 0)
  await stop
  t.equal(await count('accepted'), handled.flat().length, 'all that was handled was answered')
  t.notOk(handled.flat().includes(`later ${sent}`))
  const again = createSocket('udp4')
  again.bind(port, '127.0.0.1')
  await once(again, 'listening')
  t.pass('the port is free')
  again.close()
})

t.test('stopping does not wait for ever', async (t) => {
  const { server, port, handled, log } = await serve(t, () => new Promise(() => undefined), { drainTimeout: 50 })
  const nas = await createNas(t, port)
  await nas.send(request(1, 's1'), request(2, 's2'))
  await until(() => handled.flat().length === 2)
  await server.stop()
  t.match(
    log.find(({ abandoned }) => abandoned !== undefined),
    { abandoned: 2 },
  )
})

t.test('stopping what never started, and stopping idle', async (t) => {
  const server = createAccountingServer(
    { handle: acceptAll, log: pino({ enabled: false }), metrics: new Registry() },
    { listen: [{ host: '127.0.0.1', port: 0 }], clients: [LOOPBACK] },
  )
  await server.stop()
  const idle = await serve(t)
  await idle.server.stop()
  t.equal(idle.server.health?.(), undefined)
})

t.test('a thread that dies is reported and started again on the same port', async (t) => {
  const workers: Worker[] = []
  const verdicts = deferred<Verdict[]>()
  let calls = 0
  const { server, port, handled, log } = await serve(
    t,
    (batch) => (++calls === 1 ? verdicts.promise : acceptAll(batch)),
    {},
    {
      createWorker: (url, options) => {
        const worker = new Worker(url, options)
        workers.push(worker)
        return worker
      },
    },
  )
  const nas = await createNas(t, port)
  await nas.send(request(1, 'lost'))
  await until(() => handled.length === 1)
  t.equal(server.health?.(), undefined)
  await workers[0]?.terminate()
  t.match(server.health?.(), /is being restarted/)
  t.ok(log.some(({ msg }) => String(msg).includes('died')))
  verdicts.resolve(['accept'])
  await until(() => server.health?.() === undefined)
  t.equal(workers.length, 2)
  t.equal(server.address()[0]?.port, port)
  await nas.send(request(1, 'lost'))
  t.equal((await nas.answer()).identifier, 1, 'a retransmission is taken in by the new thread')
  t.same(handled, [['lost'], ['lost']])
})

t.test('stopping while the thread is being started again', async (t) => {
  const workers: Worker[] = []
  const { server } = await serve(
    t,
    acceptAll,
    {},
    {
      createWorker: (url, options) => {
        const worker = new Worker(url, options)
        workers.push(worker)
        return worker
      },
    },
  )
  await workers[0]?.terminate()
  await server.stop()
  t.equal(workers.length, 1)
})
