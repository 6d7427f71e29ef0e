// The accounting server over real UDP. That something gets no answer is seen from the answer to what was sent after it.
import { createHash } from 'node:crypto'
import t from 'tap'
import type { Verdict } from '../../core/transport/radius/accounting-server.ts'
import { checkResponse } from '../../core/wire/radius/authenticator.ts'
import { encode } from '../../core/wire/radius/encode.ts'
import { all, attributes, CODE } from '../../core/wire/radius/packet.ts'
import { acceptAll, createNas, deferred, request, SECRET, serve, sessionOf, until } from './radius-fixture.ts'

const authenticatorIn = (bytes: Uint8Array): Uint8Array => bytes.subarray(4, 20)

t.test('a request is handled and answered', async (t) => {
  const { handled, requests, port, count } = await serve(t)
  const nas = await createNas(t, port)
  const bytes = request(7, 's1', [['User-Name', 'nemo']])
  const before = BigInt(Date.now())
  await nas.send(bytes)
  const answer = await nas.answer()
  t.equal(answer.code, CODE['Accounting-Response'])
  t.equal(answer.identifier, 7)
  t.equal(answer.bytes.length, 20)
  t.equal(checkResponse(answer, authenticatorIn(bytes), SECRET), 'ok')
  t.same(handled, [['s1']])
  t.match(requests[0], { address: '127.0.0.1', port: nas.port, client: { name: 'loopback', address: '127.0.0.0/8' } })
  t.notOk('secret' in (requests[0]?.client ?? {}), 'the secret stays in the transport')
  const received = requests[0]?.received ?? 0n
  t.ok(received >= before && received <= BigInt(Date.now()))
  t.same(requests[0]?.packet.bytes, Buffer.from(bytes))
  t.equal(await count('accepted'), 1)
})

t.test('Proxy-State comes back in order, to who signs too', async (t) => {
  const { port } = await serve(t)
  const nas = await createNas(t, port)
  const states = [Uint8Array.of(1), new Uint8Array(253).fill(2), Uint8Array.of()]
  const bytes = request(1, 's', [
    ['Proxy-State', Uint8Array.of(1)],
    ['Message-Authenticator', new Uint8Array(16)],
    ['Proxy-State', new Uint8Array(253).fill(2)],
    ['User-Name', 'nemo'],
    ['Proxy-State', Uint8Array.of()],
  ])
  await nas.send(bytes)
  const answer = await nas.answer()
  t.equal(checkResponse(answer, authenticatorIn(bytes), SECRET), 'ok')
  t.same(
    attributes(answer).map(({ name }) => name),
    ['Proxy-State', 'Proxy-State', 'Proxy-State'],
  )
  t.same(
    all(answer, 'Proxy-State').map((state) => Uint8Array.from(state as Uint8Array)),
    states,
  )
})

t.test('dropped without a word, and counted', async (t) => {
  const { port, count, handled, log } = await serve(t)
  const nas = await createNas(t, port)
  const good = request(1, 'good')
  const bits = (at: number): Uint8Array => Uint8Array.from(good).fill((good[at] ?? 0) ^ 1, at, at + 1)
  const access = encode({ code: CODE['Access-Request'], identifier: 3, attributes: [['User-Name', 'nemo']] })
  const badMessage = request(4, 'x', [['Message-Authenticator', new Uint8Array(16)]])
  // The signature over the whole was made without the Message-Authenticator's secret.
  const forged = encode({ code: 4, identifier: 5, attributes: [['Message-Authenticator', new Uint8Array(16)]] })
  await nas.send(
    request(2, 'wrong secret', [], Buffer.from('testing124')),
    bits(4),
    bits(good.length - 1),
    Uint8Array.from(badMessage).fill(0, badMessage.length - 1),
    forged,
    access,
    encode({ code: CODE['Status-Server'], identifier: 6, attributes: [] }),
    encode({ code: CODE['Accounting-Response'], identifier: 7, attributes: [] }),
  )
  for (let length = 0; length < good.length; length++) await nas.send(good.subarray(0, length))
  await nas.send(good)
  t.equal((await nas.answer()).identifier, 1, 'the first answer is to the good one')
  t.same(handled, [['good']])
  t.equal(await count('bad-authenticator'), 5)
  t.equal(await count('wrong-code'), 3)
  t.equal(await count('malformed'), good.length)
  t.equal(await count('accepted'), 1)
  t.same(
    log
      .filter(({ outcome }) => outcome !== undefined)
      .map(({ outcome, client, address }) => [outcome, client, address]),
    ['bad-authenticator', 'wrong-code', 'malformed'].map((outcome) => [outcome, 'loopback', '127.0.0.1']),
    'one line of each kind',
  )
})

t.test('a Message-Authenticator that does not hold', async (t) => {
  const { port, count } = await serve(t)
  const nas = await createNas(t, port)
  // The Request Authenticator is made anew over a changed Message-Authenticator, its last octet.
  const bytes = request(1, 'a', [['Message-Authenticator', new Uint8Array(16)]])
  const last = bytes.length - 1
  bytes[last] = (bytes[last] ?? 0) ^ 1
  bytes.fill(0, 4, 20)
  bytes.set(createHash('md5').update(bytes).update(SECRET).digest(), 4)
  await nas.send(bytes, request(2, 'good', [['Message-Authenticator', new Uint8Array(16)]]))
  t.equal((await nas.answer()).identifier, 2)
  t.equal(await count('bad-message-authenticator'), 1)
})

t.test('strangers are dropped', async (t) => {
  const secret = SECRET
  const { port, count, handled } = await serve(t, acceptAll, {
    clients: [{ name: 'other', address: '192.0.2.1', secret }],
  })
  const nas = await createNas(t, port)
  await nas.send(request(1, 's'), Uint8Array.of(1))
  await until(async () => (await count('unknown-client')) === 2)
  t.same(handled, [])
})

t.test('each client has its own secret', async (t) => {
  const { port, requests, count } = await serve(t, acceptAll, {
    clients: [
      { name: 'wide', address: '127.0.0.0/8', secret: Buffer.from('wide') },
      { name: 'narrow', address: '127.0.0.1', secret: Buffer.from('narrow') },
    ],
  })
  const nas = await createNas(t, port)
  await nas.send(request(1, 'a', [], Buffer.from('wide')), request(2, 'b', [], Buffer.from('narrow')))
  t.equal((await nas.answer()).identifier, 2)
  t.equal(requests[0]?.client.name, 'narrow', 'the longest prefix wins')
  t.equal(await count('bad-authenticator'), 1)
})

t.test('octets after Length are padding', async (t) => {
  const { port, requests } = await serve(t)
  const nas = await createNas(t, port)
  const bytes = request(1, 's')
  await nas.send(Buffer.concat([bytes, Buffer.alloc(40, 0xff)]))
  t.equal(checkResponse(await nas.answer(), authenticatorIn(bytes), SECRET), 'ok')
  t.equal(requests[0]?.packet.bytes.length, bytes.length)
})

t.test('a retransmission is answered again, not handled again', async (t) => {
  const { port, handled, count } = await serve(t)
  const nas = await createNas(t, port)
  const bytes = request(1, 's')
  await nas.send(bytes)
  const first = await nas.answer()
  await nas.send(bytes)
  const second = await nas.answer()
  t.same(second.bytes, first.bytes)
  await nas.send(request(1, 'next'))
  await nas.answer()
  t.same(handled, [['s'], ['next']], 'the same Identifier with another authenticator is a new request')
  t.equal(await count('duplicate-answered'), 1)
  const other = await createNas(t, port)
  await other.send(bytes)
  await other.answer()
  t.equal(handled.length, 3, 'from another port it is another request')
})

t.test('a retransmission of a request in progress gets the one answer', async (t) => {
  const verdicts = deferred<Verdict[]>()
  const { port, handled, count } = await serve(t, (batch) =>
    batch.some((one) => sessionOf(one) === 'slow') ? verdicts.promise : acceptAll(batch),
  )
  const nas = await createNas(t, port)
  const bytes = request(1, 'slow')
  await nas.send(bytes)
  await until(() => handled.length === 1)
  await nas.send(bytes, bytes)
  await until(async () => (await count('duplicate-in-progress')) === 2)
  verdicts.resolve(['accept'])
  t.equal((await nas.answer()).identifier, 1)
  await nas.send(request(2, 'after'))
  t.equal((await nas.answer()).identifier, 2, 'no second answer')
  t.same(handled, [['slow'], ['after']])
})

t.test('an answer that nobody waits for any more is not sent', async (t) => {
  const verdicts = deferred<Verdict[]>()
  const { port, handled, count } = await serve(t, (batch) =>
    batch.some((one) => sessionOf(one) === 'old') ? verdicts.promise : acceptAll(batch),
  )
  const nas = await createNas(t, port)
  await nas.send(request(1, 'old'))
  await until(() => handled.length === 1)
  const newer = request(1, 'new')
  await nas.send(newer)
  t.equal(checkResponse(await nas.answer(), authenticatorIn(newer), SECRET), 'ok')
  verdicts.resolve(['accept'])
  await until(async () => (await count('superseded')) === 1)
  await nas.send(request(2, 'after'))
  t.equal((await nas.answer()).identifier, 2)
})

t.test('what is not recorded is not answered, and may come again', async (t) => {
  let round = 0
  const { port, handled, count, log } = await serve(t, async (batch) => {
    if (!batch.some((one) => sessionOf(one) === 'again')) return acceptAll(batch)
    round++
    if (round === 1) throw new Error('disk full')
    if (round === 2) return ['ignore']
    if (round === 3) return []
    return ['accept']
  })
  const nas = await createNas(t, port)
  const bytes = request(1, 'again')
  for (const [index, outcome] of ['failed', 'ignored', 'ignored'].entries()) {
    const before = await count(outcome)
    await nas.send(bytes)
    await until(async () => (await count(outcome)) === before + 1)
    await nas.send(request(10 + index, `probe ${index}`))
    t.equal((await nas.answer()).identifier, 10 + index, `${outcome}: no answer`)
  }
  await nas.send(bytes)
  t.equal((await nas.answer()).identifier, 1, 'recorded in the end')
  t.equal(handled.flat().filter((session) => session === 'again').length, 4)
  t.match(
    log.find(({ requests }) => requests === 1),
    { err: { message: 'disk full' } },
  )
})

t.test('a handler that throws at once', async (t) => {
  const { port, count } = await serve(t, () => {
    throw new Error('a bug')
  })
  const nas = await createNas(t, port)
  await nas.send(request(1, 's'))
  await until(async () => (await count('failed')) === 1)
  t.equal(nas.waiting.length, 0)
})

t.test('verdicts go to their own requests', async (t) => {
  const { port } = await serve(t, async (batch) =>
    batch.map((one) => (sessionOf(one).startsWith('odd') ? 'ignore' : 'accept')),
  )
  const nas = await createNas(t, port)
  const datagrams = Array.from({ length: 100 }, (_, index) =>
    request(index, index % 2 === 0 ? `even ${index}` : `odd ${index}`),
  )
  await nas.send(...datagrams)
  const answered = new Set<number>()
  while (answered.size < 50) {
    const answer = await nas.answer()
    t.equal(checkResponse(answer, authenticatorIn(datagrams[answer.identifier] ?? new Uint8Array(20)), SECRET), 'ok')
    answered.add(answer.identifier)
  }
  t.ok([...answered].every((identifier) => identifier % 2 === 0))
})

t.test('requests gather while the program is busy', async (t) => {
  const verdicts = deferred<void>()
  const { port, handled, count } = await serve(t, async (batch) => verdicts.promise.then(() => acceptAll(batch)), {
    maxBatches: 1,
  })
  const nas = await createNas(t, port)
  await nas.send(request(0, 's0'))
  await until(() => handled.length === 1)
  await nas.send(...Array.from({ length: 60 }, (_, index) => request(index + 1, `s${index + 1}`)))
  // What is dropped at once shows that everything before it has been read.
  await nas.send(Uint8Array.of(0))
  await until(async () => (await count('malformed')) === 1)
  t.equal(handled.length, 1)
  verdicts.resolve()
  for (let index = 0; index <= 60; index++) await nas.answer()
  t.same(
    handled.flat(),
    Array.from({ length: 61 }, (_, index) => `s${index}`),
    'in order',
  )
  t.equal(handled.length, 2, 'all that gathered came at once')
})

t.test('no more than allowed wait; the others are dropped and may come again', async (t) => {
  const verdicts = deferred<void>()
  const { port, handled, count } = await serve(t, async (batch) => verdicts.promise.then(() => acceptAll(batch)), {
    maxOutstanding: 3,
  })
  const nas = await createNas(t, port)
  const datagrams = [1, 2, 3, 4, 5].map((identifier) => request(identifier, `s${identifier}`))
  await nas.send(...datagrams)
  await until(async () => (await count('overload')) === 2)
  verdicts.resolve()
  for (const identifier of [1, 2, 3]) t.equal((await nas.answer()).identifier, identifier)
  await nas.send(...datagrams.slice(3))
  for (const identifier of [4, 5]) t.equal((await nas.answer()).identifier, identifier)
  t.same(handled.flat(), ['s1', 's2', 's3', 's4', 's5'])
})

t.test('several sockets, IPv6 among them', async (t) => {
  const secret = SECRET
  const { server, requests } = await serve(t, acceptAll, {
    listen: [
      { host: '127.0.0.1', port: 0 },
      { host: '::', port: 0 },
    ],
    clients: [
      { name: 'four', address: '127.0.0.1', secret },
      { name: 'six', address: '::1', secret },
    ],
  })
  const [four, both] = server.address()
  t.match(both, { host: '::' })
  for (const [port, host, name, address] of [
    [four?.port ?? 0, '127.0.0.1', 'four', '127.0.0.1'],
    [both?.port ?? 0, '127.0.0.1', 'four', '::ffff:127.0.0.1'],
    [both?.port ?? 0, '::1', 'six', '::1'],
  ] as const) {
    const nas = await createNas(t, port, host)
    await nas.send(request(1, 's'))
    t.equal((await nas.answer()).identifier, 1, `${host} to port ${port}`)
    t.match(requests.at(-1), { client: { name }, address })
  }
})
