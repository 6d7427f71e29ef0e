// The authentication port, with a service of the test behind it: what is let through, what is answered, what one client may take.
import { randomBytes } from 'node:crypto'
import { Registry } from 'prom-client'
import t, { type Test } from 'tap'
import { createLogger } from '../../core/log/logger.ts'
import { createAccessServer } from '../../core/transport/radius/access-server.ts'
import { type Answer, createAnswer, type RadiusRequest } from '../../core/transport/radius/answer.ts'
import { createShares } from '../../core/transport/radius/shares.ts'
import { signRequest } from '../../core/wire/radius/authenticator.ts'
import { encode, type NamedAttribute } from '../../core/wire/radius/encode.ts'
import { CODE, octetsOf } from '../../core/wire/radius/packet.ts'
import { type Ap, ap } from '../emulators/eap-peer.ts'

const SECRET = 'unit secret'
const UNSIGNED: NamedAttribute = ['Message-Authenticator', new Uint8Array(16)]

interface Served {
  readonly access: Ap
  readonly seen: RadiusRequest[]
  metric(outcome: string): Promise<number>
}

async function served(
  t: Test,
  answer: Answer = async () => ({ code: CODE['Access-Accept'], attributes: [['Reply-Message', 'in']] }),
  options: { requireMessageAuthenticator?: boolean; requestsPerSecond?: number } = {},
): Promise<Served> {
  const seen: RadiusRequest[] = []
  const metrics = new Registry()
  const access: Answer = (request) => {
    seen.push(request)
    return answer(request)
  }
  const { requireMessageAuthenticator = true, requestsPerSecond = 10_000 } = options
  const server = createAccessServer(
    { answer: createAnswer({ access }), log: createLogger({ level: 'silent' }), metrics },
    {
      listen: [{ host: '127.0.0.1', port: 0 }],
      clients: [{ name: 'ap', address: '127.0.0.1', secret: Buffer.from(SECRET), requireMessageAuthenticator }],
      requestsPerSecond,
    },
  )
  await server.start()
  const point = await ap(server.address()[0]?.port ?? 0, SECRET)
  t.teardown(async () => {
    point.close()
    await server.stop()
  })
  return {
    access: point,
    seen,
    async metric(outcome) {
      const text = await metrics.metrics()
      return Number(new RegExp(`access_requests_total\\{outcome="${outcome}"\\} ([0-9]+)`).exec(text)?.[1] ?? 0)
    },
  }
}

let identifier = 0
function request(
  attributes: readonly NamedAttribute[],
  code: number = CODE['Access-Request'],
  secret = SECRET,
): Uint8Array {
  identifier = (identifier + 1) & 0xff
  const bytes = encode({ code, identifier, authenticator: randomBytes(16), attributes })
  signRequest(bytes, Buffer.from(secret))
  return bytes
}
const SILENCE = 150

t.test('answers are signed, first of all, and carry Proxy-State back', async (t) => {
  const { access } = await served(t)
  const octets = request([UNSIGNED, ['User-Name', 'a'], ['Proxy-State', Uint8Array.of(1, 2)]])
  const answer = await access.ask(octets)
  t.equal(answer?.code, CODE['Access-Accept'])
  t.equal(answer?.bytes[20], 80, 'Message-Authenticator is the first attribute')
  t.same(answer && octetsOf(answer, 'Proxy-State'), Buffer.from([1, 2]))
})

t.test('Message-Authenticator is required', async (t) => {
  const { access, seen, metric } = await served(t)
  t.equal(await access.ask(request([['User-Name', 'a']]), SILENCE), undefined)
  t.equal(await access.ask(request([UNSIGNED, ['User-Name', 'a']], undefined, 'another'), SILENCE), undefined)
  t.equal(seen.length, 0)
  t.equal(await metric('no-message-authenticator'), 1)
  t.equal(await metric('bad-message-authenticator'), 1)
})

t.test('an old client may do without, but not with EAP, Proxy-State or Status-Server', async (t) => {
  const { access, seen } = await served(t, undefined, { requireMessageAuthenticator: false })
  t.equal((await access.ask(request([['User-Name', 'a']])))?.code, CODE['Access-Accept'])
  t.equal(await access.ask(request([['EAP-Message', Uint8Array.of(1)]]), SILENCE), undefined)
  t.equal(await access.ask(request([['Proxy-State', Uint8Array.of(1)]]), SILENCE), undefined)
  t.equal(await access.ask(request([], CODE['Status-Server']), SILENCE), undefined)
  t.equal(seen.length, 1)
})

t.test('Status-Server (RFC 5997), and codes that are nobody’s business here', async (t) => {
  const { access, seen, metric } = await served(t)
  t.equal((await access.ask(request([UNSIGNED], CODE['Status-Server'])))?.code, CODE['Access-Accept'])
  t.equal(await access.ask(request([UNSIGNED], CODE['Accounting-Request']), SILENCE), undefined)
  t.equal(seen.length, 0)
  t.equal(await metric('wrong-code'), 1)
})

t.test('a repetition gets the same octets and is asked for once', async (t) => {
  const { access, seen, metric } = await served(t)
  const octets = request([UNSIGNED, ['User-Name', 'a']])
  const [first, second] = [await access.ask(octets), await access.ask(octets)]
  t.same(first?.bytes, second?.bytes)
  t.equal(seen.length, 1)
  t.equal(await metric('duplicate-answered'), 1)
})

t.test('what fails is silence, and may be tried again', async (t) => {
  let broken = true
  const answer: Answer = async () => {
    if (broken) throw new Error('the database is away')
    return { code: CODE['Access-Reject'], attributes: [] }
  }
  const { access, metric } = await served(t, answer)
  const octets = request([UNSIGNED])
  t.equal(await access.ask(octets, SILENCE), undefined)
  broken = false
  t.equal((await access.ask(octets))?.code, CODE['Access-Reject'])
  t.equal(await metric('failed'), 1)
})

t.test('hostile octets end nothing', async (t) => {
  const { access, metric } = await served(t)
  for (let n = 0; n < 200; n++) await access.ask(randomBytes(n % 64), 0)
  t.equal((await access.ask(request([UNSIGNED])))?.code, CODE['Access-Accept'])
  t.ok((await metric('malformed')) > 0)
})

t.test('a flood of one client is dropped, and the others are served', async (t) => {
  const shares = createShares({ clients: 2, perSecond: 10, outstanding: 8 })
  const allowed = Array.from({ length: 100 }, () => shares.allow(0, 1000)).filter(Boolean).length
  t.equal(allowed, 20, 'two seconds worth at once')
  t.ok(shares.allow(1, 1000), 'the other has a bucket of its own')
  t.equal(Array.from({ length: 100 }, () => shares.allow(0, 1500)).filter(Boolean).length, 5)
  for (let n = 0; n < 4; n++) t.ok(shares.begin(0))
  t.notOk(shares.begin(0), 'half of what may be in progress')
  for (let n = 0; n < 4; n++) t.ok(shares.begin(1))
  t.notOk(shares.begin(1))
  shares.done(0)
  t.ok(shares.begin(1) === false && shares.begin(0))
  const { access, metric } = await served(t, undefined, { requestsPerSecond: 1 })
  for (let n = 0; n < 5; n++) await access.ask(request([UNSIGNED]), n < 2 ? 2000 : 20)
  t.ok((await metric('over-limit')) >= 2)
})
