import fc from 'fast-check'
import t from 'tap'
import { createLogger } from '../../core/log/logger.ts'
import { isHiddenKey, maskDigits, REDACTED, redact } from '../../core/log/redact.ts'
import { formatLogLine } from '../../core/log/text-format.ts'

function capture(options: Parameters<typeof createLogger>[0] = {}) {
  const lines: string[] = []
  const log = createLogger({
    level: 'trace',
    format: 'json',
    destination: { write: (line) => lines.push(line) },
    ...options,
  })
  return { log, lines, text: () => lines.join('') }
}

// K and OPc of a published test set (TS 35.208); whatever way they take into a log, these must not come out.
const K = '465b5ce8b199b49faa5f0a2ee238a6bc'
const OPC = 'cd63cb71954a9f4e48a5994e37a02baf'
const IMSI = '901701234567890'

t.test('nothing secret comes out, whatever way it goes in', async (t) => {
  const { log, text } = capture()
  const hidden = {
    k: K,
    opc: OPC,
    OPc: OPC,
    'User-Name': 'alice',
    password: 'hunter2',
    sharedSecret: 'hunter2',
    imsi: IMSI,
  }
  log.info(hidden, 'top level')
  log.info({ a: { b: { c: { d: { e: hidden } } } } }, 'deep')
  log.info({ list: [hidden, [hidden]] }, 'in a list')
  log.child(hidden).info('in a child')
  log.child({ module: 'x' }).child({ inner: hidden }).warn({ again: hidden }, 'in a grandchild')
  log.child({ level2: hidden }, { level: 'trace' }).info('in a child with options')
  log.error(Object.assign(new Error(`no vector for ${IMSI}`), hidden), 'on an error')
  log.error({ err: new Error(`outer ${IMSI}`, { cause: new Error(`inner ${IMSI}`) }) })
  log.error(new Error(`alone ${IMSI}`))
  log.info(`message ${IMSI}`)
  log.info('formatted %s and %d and %j', IMSI, Number(IMSI), { who: IMSI, k: K })
  log.info({ note: `in a value ${IMSI}` }, 'and formatted %s', IMSI)
  log.info({ key: Buffer.from(K, 'hex'), array: new Uint8Array(Buffer.from(OPC, 'hex')) }, 'octets')
  log.info({ nai: `0${IMSI}@wlan.mnc001.mcc001.3gppnetwork.org` }, 'an identity of EAP-AKA')
  for (const secret of [K, OPC, IMSI, IMSI.slice(5), 'hunter2', 'alice', '70,91,92']) t.notMatch(text(), secret, secret)
  t.match(text(), '90170**********', 'country and network stay')
  t.match(text(), REDACTED)
  for (const line of text().trim().split('\n')) t.doesNotThrow(() => JSON.parse(line), line)
})

t.test('digits: only what may be an IMSI is masked', async (t) => {
  t.equal(maskDigits('00101012345678'), '00101*********', '14')
  t.equal(maskDigits('x001010123456789y'), 'x00101**********y', '15')
  t.equal(maskDigits('0001010123456789'), '00010***********', '16, an EAP-AKA identity')
  for (const same of ['1700000000000', '1700000000000000000', '0010101234567', ''])
    t.equal(maskDigits(same), same, `${same.length} digits: a time, a counter`)
  t.equal(maskDigits(`${IMSI} ${IMSI}`), '90170********** 90170**********', 'every one')
})

t.test('hidden keys: any case and joining, but not the path of a secret file', async (t) => {
  for (const key of [
    'k',
    'Ki',
    'OPc',
    'user-name',
    'User_Name',
    'userName',
    'clientSecret',
    'private_key',
    'privateKey',
    'CHAP-Password',
  ])
    t.ok(isHiddenKey(key), key)
  for (const key of ['secretFile', 'kekFile', 'key', 'keys', 'kind', 'options', 'radio', 'publicKey'])
    t.notOk(isHiddenKey(key), key)
})

t.test('bigint, cycles, dates, classes and functions never break a line', async (t) => {
  const { log, lines } = capture()
  const cycle: Record<string, unknown> = { name: 'cycle' }
  cycle.self = cycle
  class Opaque {
    readonly inside = K
  }
  log.info({
    octets: 2n ** 70n,
    cycle,
    at: new Date(0),
    never: new Date(Number.NaN),
    opaque: new Opaque(),
    f() {},
    s: Symbol('x'),
  })
  log.child({ count: 5n }).info('child')
  log.info('%s', 7n)
  t.match(JSON.parse(lines[0] ?? ''), {
    octets: '1180591620717411303424',
    at: '1970-01-01T00:00:00.000Z',
    never: 'invalid date',
    opaque: '[Opaque]',
    f: '[function]',
    s: '[symbol]',
  })
  t.match(JSON.parse(lines[1] ?? ''), { count: '5', msg: 'child' })
  t.notMatch(lines.join(''), K)
})

t.test('redact is total', async () => {
  fc.assert(
    fc.property(fc.anything({ withBigInt: true, withDate: true, withMap: true, withNullPrototype: true }), (value) => {
      JSON.stringify(redact(value))
      return true
    }),
  )
})

t.test('an error keeps its code and loses nothing else that helps', async (t) => {
  const { log, lines } = capture()
  log.error(Object.assign(new Error('disk'), { code: 'EIO' }), 'writing failed')
  log.error(new Error('100% full'))
  t.match(JSON.parse(lines[0] ?? ''), {
    level: 50,
    msg: 'writing failed',
    err: { message: 'disk', code: 'EIO', type: 'Error' },
  })
  t.match(JSON.parse(lines[0] ?? '').err.stack, 'log.test.ts')
  t.equal(JSON.parse(lines[1] ?? '').msg, '100% full')
})

t.test('levels, and changing them', async (t) => {
  const { log, lines } = capture({ level: 'warn' })
  log.info('no')
  log.warn('yes')
  t.equal(lines.length, 1)
})

t.test('text for people', async (t) => {
  const line =
    '{"level":30,"time":1700000000123,"module":"radius","port":1813,"peer":"a\\u001b[31mb","msg":"listening"}\n'
  t.equal(formatLogLine(line), '22:13:20.123 info  radius: listening port=1813 peer=a\ufffd[31mb\n')
  t.equal(formatLogLine('not json\n'), 'not json\n')
  t.equal(formatLogLine('7\n'), '7\n')
  t.match(
    formatLogLine('{"level":50,"msg":"x","err":{"stack":"Error: y\\n    at z\\u0007"}}\n'),
    /error x\nError: y\n {4}at z\ufffd\n$/,
  )
  const { log, lines } = capture({ format: 'auto', destination: { write: (text) => lines2.push(text), isTTY: true } })
  const lines2: string[] = []
  log.info('at a terminal')
  t.equal(lines.length, 0)
  t.match(lines2[0], /^\d\d:\d\d:\d\d\.\d{3} info {2}at a terminal\n$/)
})
