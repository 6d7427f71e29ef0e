// RADIUS over TLS: both dialects over real connections, limits, certificates that do not count (any more), streams that make no sense.

import { spawn } from 'node:child_process'
import type { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { connect, type TLSSocket } from 'node:tls'
import t, { type Test } from 'tap'
import type { Answer } from '../../core/transport/radius/answer.ts'
import { isSilence } from '../../core/transport/radius/client.ts'
import { signRequest } from '../../core/wire/radius/authenticator.ts'
import { encode } from '../../core/wire/radius/encode.ts'
import { all, CODE, get, octetsOf, type Packet } from '../../core/wire/radius/packet.ts'
import { deferred, until } from './radius-fixture.ts'
import {
  acceptAll,
  byName,
  codeOf,
  connectTo,
  createAuthorities,
  order,
  type RadsecFixture,
  type Site,
  serveRadsec,
} from './radsec-fixture.ts'

const ACCOUNTING = CODE['Accounting-Request']
const START = [
  ['Acct-Status-Type', 'Start'],
  ['Acct-Session-Id', 's-1'],
] as const

for (const plain of [false, true]) {
  const name = plain ? 'RADIUS/1.1' : 'RADIUS/1.0'
  t.test(`${name}: access, accounting, Proxy-State, hidden attributes, watchdog`, async (t) => {
    const authorities = await createAuthorities(t)
    const seen: { password: string | undefined; client: string }[] = []
    const answer: Answer = async (request) => {
      const octets = octetsOf(request.packet, 'User-Password')
      const password = octets && request.hiding.revealPassword(octets)
      seen.push({ password: password && Buffer.from(password).toString(), client: request.client.name })
      if (request.packet.code === CODE['Access-Request'])
        return {
          code: CODE['Access-Accept'],
          attributes: [['MS-MPPE-Send-Key', request.hiding.hide(Buffer.from('sixteen octets!!'))]],
        }
      return acceptAll(request)
    }
    const { port, log } = await serveRadsec(t, authorities, answer)
    const client = connectTo(t, port, await authorities.site('cafe'), { plain })
    const access = await client.request({
      code: CODE['Access-Request'],
      attributes: ({ hidePassword }) => [
        ['User-Name', 'bob'],
        ['User-Password', hidePassword(Buffer.from('secret'))],
        ['Proxy-State', Buffer.from('a')],
        ['Proxy-State', Buffer.from('b')],
      ],
      patience: 5000,
    })
    if (isSilence(access)) throw new Error(access)
    t.equal(access.packet.code, CODE['Access-Accept'])
    const key = octetsOf(access.packet, 'MS-MPPE-Send-Key')
    t.equal(Buffer.from(access.reveal(key ?? new Uint8Array()) ?? []).toString(), 'sixteen octets!!')
    t.equal(Buffer.from(key ?? []).includes('sixteen octets!!'), plain, 'hidden in the packet only where MD5 hides')
    t.same(
      all(access.packet, 'Proxy-State').map((octets) => Buffer.from(octets as Uint8Array).toString()),
      ['a', 'b'],
    )
    t.equal(octetsOf(access.packet, 'Message-Authenticator') === undefined, plain)
    t.equal(codeOf(await client.request(order(ACCOUNTING, START))), CODE['Accounting-Response'])
    t.equal(codeOf(await client.request(order(CODE['Status-Server']))), CODE['Access-Accept'])
    t.match(seen, [{ password: 'secret', client: 'cafe' }])
    t.match(
      log.find(({ msg }) => msg === 'RadSec connection open'),
      { protocol: plain ? 'radius/1.1' : 'radius/1.0', tls: 'TLSv1.3' },
    )
  })
}

t.test('the server asks its client over the same connection', async (t) => {
  const authorities = await createAuthorities(t)
  const { server, port } = await serveRadsec(t, authorities)
  const client = connectTo(t, port, await authorities.site('cafe'))
  await client.request(order(CODE['Status-Server']))
  const [connection] = server.connections('cafe')
  const answer = await connection?.request(order(CODE['Disconnect-Request'], [['Acct-Session-Id', 's-1']]))
  if (!answer || isSilence(answer)) throw new Error(answer)
  t.equal(answer.packet.code, CODE['Disconnect-NAK'], 'our own client has no sessions')
  t.equal(get(answer.packet, 'Error-Cause'), 'Request Not Routable (Proxy)')
  t.same(server.connections('another'), [])
})

t.test('more than 256 requests at once need RADIUS/1.1', async (t) => {
  const authorities = await createAuthorities(t)
  const gate = deferred<void>()
  const { port } = await serveRadsec(
    t,
    authorities,
    async (request) => {
      await gate.promise
      return acceptAll(request)
    },
    { limits: { inProgress: 1000, turn: 32, unread: 1_000_000 } },
  )
  const ask = async (plain: boolean) => {
    const client = connectTo(t, port, await authorities.site('cafe'), { plain })
    await client.request(order(ACCOUNTING, START, 1))
    return Array.from({ length: 300 }, () => client.request(order(ACCOUNTING, START)))
  }
  const [classic, plain] = [await ask(false), await ask(true)]
  gate.resolve()
  const codes = (await Promise.all(classic)).map(codeOf)
  t.ok(codes.includes('busy'))
  t.equal(
    codes.filter((code) => code === CODE['Accounting-Response']).length,
    codes.filter((code) => code !== 'busy').length,
  )
  t.ok((await Promise.all(plain)).map(codeOf).every((code) => code === CODE['Accounting-Response']))
})

t.test('a client that floods is held back; another is served meanwhile', async (t) => {
  const authorities = await createAuthorities(t)
  const gate = deferred<void>()
  let most = 0
  let flooding = 0
  const fixture = await serveRadsec(
    t,
    authorities,
    async (request) => {
      if (request.client.name === 'flood') {
        most = Math.max(most, ++flooding)
        await gate.promise
        flooding--
      }
      return acceptAll(request)
    },
    { limits: { inProgress: 16, turn: 4, unread: 1_000_000 } },
  )
  const flood = await rawConnection(t, fixture, await authorities.site('flood'))
  const packet = (identifier: number) => accounting(identifier)
  for (let round = 0; round < 200; round++)
    flood.write(Buffer.concat(Array.from({ length: 256 }, (_, identifier) => packet(identifier))))
  const other = connectTo(t, fixture.port, await authorities.site('cafe'))
  for (let count = 0; count < 20; count++)
    t.equal(codeOf(await other.request(order(ACCOUNTING, START))), CODE['Accounting-Response'])
  t.equal(most, 16, 'no more of the flood than its share is in progress')
  t.equal(flooding, 16)
  gate.resolve()
})

t.test('a peer that does not read its answers loses its connection', async (t) => {
  const authorities = await createAuthorities(t)
  const long = Array.from({ length: 15 }, () => ['Reply-Message', 'x'.repeat(250)] as const)
  const fixture = await serveRadsec(
    t,
    authorities,
    async () => ({ code: CODE['Accounting-Response'], attributes: long }),
    { limits: { inProgress: 64, turn: 32, unread: 64 * 1024 } },
  )
  const socket = await rawConnection(t, fixture, await authorities.site('deaf'))
  socket.pause()
  socket.on('error', () => {})
  const send = (): void => {
    if (socket.destroyed) return
    socket.write(Buffer.concat(Array.from({ length: 256 }, (_, identifier) => accounting(identifier))))
    setTimeout(send, 5)
  }
  send()
  await until(() => fixture.log.some(({ msg }) => String(msg).includes('it does not read its answers')))
})

t.test('streams that make no sense end their own connection only', async (t) => {
  const authorities = await createAuthorities(t)
  const fixture = await serveRadsec(t, authorities)
  const good = connectTo(t, fixture.port, await authorities.site('good'))
  const forged = Buffer.from(accounting(1))
  forged.writeUInt8(forged.readUInt8(10) ^ 1, 10)
  const overrun = Buffer.from(accounting(1))
  overrun.writeUInt8(200, 21)
  const nonsense: [string, Buffer][] = [
    ['fewer than 20', Buffer.from([4, 1, 0, 19, 0, 0])],
    ['more than 4096', Buffer.from([4, 1, 0x10, 0x01, 0, 0])],
    ['malformed', overrun],
    ['its authenticator is wrong', forged],
    ['malformed|fewer|more', Buffer.from('GET / HTTP/1.1\r\nHost: radsec\r\n\r\n')],
  ]
  for (const [index, [words, octets]] of nonsense.entries()) {
    const socket = await rawConnection(t, fixture, await authorities.site(`bad-${index}`))
    socket.write(octets)
    await once(socket, 'close')
    t.match(
      fixture.log
        .filter(({ peer }) => peer === `bad-${index}`)
        .map(({ msg }) => msg)
        .join('\n'),
      new RegExp(words),
    )
  }
  t.equal(codeOf(await good.request(order(CODE['Status-Server']))), CODE['Access-Accept'])
})

t.test('a packet may come octet by octet, or many in one write', async (t) => {
  const authorities = await createAuthorities(t)
  const fixture = await serveRadsec(t, authorities)
  const socket = await rawConnection(t, fixture, await authorities.site('slow'))
  let octets = 0
  socket.on('data', (chunk: Buffer) => {
    octets += chunk.length
  })
  for (const octet of accounting(1)) socket.write(Buffer.of(octet))
  await until(() => octets === 20)
  socket.write(Buffer.concat(Array.from({ length: 100 }, (_, index) => accounting(index))))
  await until(() => octets === 101 * 20)
})

t.test('revocation ends open connections, and no new one opens', async (t) => {
  const authorities = await createAuthorities(t)
  const revoked = new Set<string>()
  const fixture = await serveRadsec(t, authorities, acceptAll, { recheck: 20 }, (certificate) => {
    const peer = byName(certificate)
    return revoked.has(peer.name) ? 'its certificate is revoked' : peer
  })
  const [stolen, kept] = [await authorities.site('stolen'), await authorities.site('kept')]
  const socket = await rawConnection(t, fixture, stolen)
  const other = connectTo(t, fixture.port, kept)
  await other.request(order(CODE['Status-Server']))
  const closed = once(socket, 'close')
  revoked.add('stolen')
  await closed
  const again = await rawConnection(t, fixture, stolen)
  await once(again, 'close')
  t.equal(await fixture.count('tallycell_radsec_refused_total', 'certificate'), 1)
  t.equal(codeOf(await other.request(order(CODE['Status-Server']))), CODE['Access-Accept'])
})

t.test('a certificate that was issued a moment ago is known before its connection is refused', async (t) => {
  const authorities = await createAuthorities(t)
  const issued = new Set(['told', 'new'])
  const known = new Set(['told'])
  let learned = 0
  const identify = (certificate: X509Certificate) => {
    const peer = byName(certificate)
    return known.has(peer.name) ? peer : 'its certificate was not issued here'
  }
  const fixture = await serveRadsec(t, authorities, acceptAll, {}, identify, async () => {
    learned++
    for (const name of issued) known.add(name)
  })
  const ask = async (name: string) =>
    codeOf(await connectTo(t, fixture.port, await authorities.site(name)).request(order(CODE['Status-Server'])))
  t.equal(await ask('told'), CODE['Access-Accept'])
  t.equal(learned, 0)
  t.equal(await ask('new'), CODE['Access-Accept'])
  t.equal(learned, 1)
  t.equal(await ask('stranger'), 'unreachable')
  t.equal(await fixture.count('tallycell_radsec_refused_total', 'certificate'), 1)
})

t.test('a certificate that expires while its connection is open ends it', async (t) => {
  const authorities = await createAuthorities(t)
  const fixture = await serveRadsec(t, authorities, acceptAll, { recheck: 20 })
  const socket = await rawConnection(t, fixture, await authorities.site('brief', 3 / 3600))
  await once(socket, 'close')
  await until(() => fixture.log.some(({ msg }) => String(msg).includes('its certificate has expired')))
})

t.test('one client has so many connections, and no more', async (t) => {
  const authorities = await createAuthorities(t)
  const fixture = await serveRadsec(t, authorities, acceptAll, { maxPerPeer: 2 })
  const site = await authorities.site('greedy')
  const first = [await rawConnection(t, fixture, site), await rawConnection(t, fixture, site)]
  await until(() => fixture.server.connections('greedy').length === 2)
  const third = await rawConnection(t, fixture, site)
  await once(third, 'close')
  t.ok(first.every(({ destroyed }) => !destroyed))
  t.equal(codeOf(await connectTo(t, fixture.port, await authorities.site('modest')).request(order(12))), 2)
})

t.test('a request that its certificate does not cover is refused; the connection stays', async (t) => {
  const authorities = await createAuthorities(t)
  const fixture = await serveRadsec(t, authorities, acceptAll, {}, (certificate) => ({
    ...byName(certificate),
    refuse: (packet: Packet) => (get(packet, 'NAS-Identifier') === 'ap-1' ? undefined : 'it is another site'),
  }))
  const client = connectTo(t, fixture.port, await authorities.site('cafe'))
  const access = (name: string) => order(CODE['Access-Request'], [['NAS-Identifier', name]])
  t.equal(codeOf(await client.request(access('ap-1'))), CODE['Access-Accept'])
  t.equal(codeOf(await client.request(access('ap-2'))), CODE['Access-Reject'])
  const accounting = order(ACCOUNTING, [...START, ['NAS-Identifier', 'ap-2']], 200)
  t.equal(codeOf(await client.request(accounting)), 'timeout')
  t.equal(codeOf(await client.request(access('ap-1'))), CODE['Access-Accept'])
  t.equal(await fixture.count('tallycell_radsec_refused_total', 'site'), 2)
})

t.test('openssl: no certificate, another authority, expired, TLS 1.1, ALPN', async (t) => {
  const authorities = await createAuthorities(t)
  const strangers = await createAuthorities(t, 'others')
  const fixture = await serveRadsec(t, authorities)
  const handshake = async (site: Site | undefined, ...args: string[]): Promise<string> => {
    const folder = t.testdir({ ca: (await authorities.server()).ca, cert: site?.cert ?? '', key: site?.key ?? '' })
    const own = site ? ['-cert', join(folder, 'cert'), '-key', join(folder, 'key')] : []
    const child = spawn('openssl', [
      ...['s_client', '-connect', `127.0.0.1:${fixture.port}`, '-CAfile', join(folder, 'ca'), '-verify_return_error'],
      ...['-ign_eof', ...own, ...args],
    ])
    let output = ''
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (chunk: string) => {
        output += chunk
      })
    const packet = encode({
      code: 12,
      identifier: 1,
      authenticator: new Uint8Array(16),
      attributes: [{ type: 80, octets: new Uint8Array(16) }],
    })
    signRequest(packet, Buffer.from('radsec'))
    const file = join(folder, 'packet')
    writeFileSync(file, packet)
    child.stdin.on('error', () => {})
    child.stdin.write(packet)
    const ended = once(child, 'close')
    const timer = setTimeout(() => child.kill(), 1500)
    await ended
    clearTimeout(timer)
    return output
  }
  const served = async (): Promise<number> => fixture.count('tallycell_radsec_packets_total', 'answered')
  const cafe = await authorities.site('cafe')
  t.match(await handshake(cafe, '-alpn', 'radius/1.0,radius/1.1', '-tls1_3'), /ALPN protocol: radius\/1\.1/)
  t.match(await handshake(cafe, '-alpn', 'radius/1.1,radius/1.0', '-tls1_2'), /ALPN protocol: radius\/1\.0/)
  t.match(await handshake(cafe, '-alpn', 'h2'), /alert no application protocol|no application protocol/)
  const before = await served()
  await handshake(cafe, '-tls1_2')
  t.equal(await served(), before + 1, 'the same packet is answered where the certificate counts')
  for (const [site, ...args] of [
    [undefined],
    [await strangers.site('cafe')],
    [await authorities.site('late', -1)],
    [cafe, '-tls1_1', '-cipher', 'ALL:@SECLEVEL=0'],
  ] as [Site | undefined, ...string[]][]) {
    await handshake(site, ...args)
    t.equal(await served(), before + 1)
  }
  t.ok((await fixture.count('tallycell_radsec_refused_total', 'handshake')) >= 4)
})

/** A signed Accounting-Request over TLS. */
function accounting(identifier: number): Uint8Array {
  const bytes = encode({ code: ACCOUNTING, identifier, attributes: [...START] })
  signRequest(bytes, Buffer.from('radsec'))
  return Uint8Array.from(bytes)
}

/** A connection whose octets the test writes itself. */
async function rawConnection(t: Test, { port }: RadsecFixture, site: Site): Promise<TLSSocket> {
  const socket = connect({ host: '127.0.0.1', port, servername: 'localhost', ...site })
  t.teardown(() => socket.destroy())
  await once(socket, 'secureConnect')
  socket.on('error', () => {})
  socket.resume()
  return socket
}
