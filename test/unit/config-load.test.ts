import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import t from 'tap'
import { Type } from 'typebox'
import { loadConfig } from '../../core/config/load.ts'
import type { Section } from '../../core/config/section.ts'
import { isTallycellError } from '../../core/kernel/errors.ts'

const http = {
  key: 'http',
  schema: Type.Object({ listen: Type.String({ default: '127.0.0.1:8080', description: 'Address.' }) }),
} satisfies Section

const radius = {
  key: 'radius',
  schema: Type.Object({
    port: Type.Integer({ minimum: 1, maximum: 65_535, default: 1813, description: 'Port.' }),
    answer: Type.Boolean({ default: true, description: 'Answers.' }),
    mode: Type.Union([Type.Literal('strict'), Type.Literal('lax')], { default: 'strict', description: 'Mode.' }),
    clients: Type.Array(
      Type.Object({
        address: Type.String({ description: 'Address.' }),
        secretFile: Type.String({ description: 'File.' }),
        window: Type.Integer({ minimum: 1, default: 30, description: 'Seconds.' }),
      }),
      { default: [], description: 'Clients.' },
    ),
    timing: Type.Object({ period: Type.Number({ exclusiveMinimum: 0, default: 1.5, description: 'Seconds.' }) }),
    realms: Type.Record(Type.String({ pattern: '^[a-z.]+$' }), Type.Object({ plan: Type.String() }), {
      default: {},
      description: 'Plans by realm.',
    }),
    proxy: Type.Optional(Type.Object({ host: Type.String(), port: Type.Integer({ default: 1813 }) })),
  }),
} satisfies Section

const chain = { key: 'chain', schema: Type.Object({ rpcUrl: Type.String({ description: 'URL.' }) }) } satisfies Section

const sections = [http, radius]

/** Loads `yaml` from a folder of its own. */
function load(t: Tap, yaml: string | Buffer, env: Record<string, string> = {}, of: Section[] = sections) {
  const folder = t.testdir({ 'tallycell.yaml': yaml })
  return loadConfig(of, { env, cwd: folder })
}
type Tap = Pick<typeof t, 'testdir'>

/** The message of the error that `act` must end in. */
function complaint(act: () => unknown, code: string): string {
  try {
    act()
  } catch (error) {
    if (isTallycellError(error) && error.code === code) return error.message
    throw error
  }
  throw new Error(`expected ${code}`)
}

t.test('without a file and environment: defaults', async (t) => {
  const cwd = t.testdir({})
  const config = loadConfig(sections, { env: {}, cwd })
  t.equal(config.dataDir, join(cwd, 'tallycell-data'))
  t.equal(config.file, undefined)
  t.same(config.get(http), { listen: '127.0.0.1:8080' })
  t.same(config.get(radius), {
    port: 1813,
    answer: true,
    mode: 'strict',
    clients: [],
    timing: { period: 1.5 },
    realms: {},
  })
  t.ok(config.settings.every(({ origin }) => origin === 'default'))
  t.equal(config.resolvePath('secret'), join(cwd, 'secret'))
  t.throws(() => config.get(chain), RangeError, 'a section that was not loaded is a fault of the program')
})

t.test('file, then environment, then the program itself', async (t) => {
  const yaml = [
    'dataDir: data',
    'http: { listen: "[::1]:80" }',
    'radius:',
    '  port: 1646',
    '  clients:',
    '    - { address: 10.0.0.1, secretFile: s1 }',
    '  realms: { mnc.example: { plan: gold } }',
    '  proxy: { host: far }',
  ].join('\n')
  const folder = t.testdir({ 'tallycell.yaml': yaml })
  const env = {
    TALLYCELL_RADIUS_PORT: '1700',
    TALLYCELL_RADIUS_TIMING_PERIOD: '0.25',
    HOME: '/x',
    TALLYCELL_HTTP_LISTEN: '',
  }
  const config = loadConfig(sections, { env, cwd: folder, values: { radius: { mode: 'lax' } } })
  t.equal(config.dataDir, join(folder, 'data'))
  t.equal(config.get(http).listen, '[::1]:80', 'an empty variable counts as not set')
  t.match(config.get(radius), {
    port: 1700,
    mode: 'lax',
    timing: { period: 0.25 },
    clients: [{ address: '10.0.0.1', secretFile: 's1', window: 30 }],
    realms: { 'mnc.example': { plan: 'gold' } },
    proxy: { host: 'far', port: 1813 },
  })
  const origins = Object.fromEntries(config.settings.map(({ path, origin, place }) => [path, [origin, place]]))
  t.match(origins, {
    dataDir: ['file', 'tallycell.yaml:1'],
    'http.listen': ['file', 'tallycell.yaml:2'],
    'radius.port': ['environment', 'TALLYCELL_RADIUS_PORT'],
    'radius.mode': ['program', 'program'],
    'radius.answer': ['default', undefined],
  })
})

t.test('what the program sets wins over the environment', async (t) => {
  const env = { TALLYCELL_DATA_DIR: '/precious' }
  t.equal(loadConfig(sections, { env, cwd: t.testdir({}), values: { dataDir: '/tmp/demo' } }).dataDir, '/tmp/demo')
})

t.test('lists and records from the environment are YAML or JSON', async (t) => {
  const env = {
    TALLYCELL_RADIUS_CLIENTS: '[{"address":"10.0.0.1","secretFile":"a"}]',
    TALLYCELL_RADIUS_REALMS: '{a.b: {plan: p}}',
    TALLYCELL_RADIUS_ANSWER: 'false',
    TALLYCELL_RADIUS_PROXY_HOST: 'far',
    TALLYCELL_HTTP_LISTEN: '8080',
  }
  const config = loadConfig(sections, { env, cwd: t.testdir({}) })
  t.match(config.get(radius), {
    clients: [{ address: '10.0.0.1', secretFile: 'a', window: 30 }],
    realms: { 'a.b': { plan: 'p' } },
    answer: false,
    proxy: { host: 'far', port: 1813 },
  })
  t.equal(config.get(http).listen, '8080', 'text needs no quotes')
})

t.test('every problem is listed at once, with its line, what was expected and what came', async (t) => {
  const yaml = [
    'htp: {}',
    'http:',
    '  lisen: x',
    '  listen: 8080',
    'radius:',
    '  port: 70000',
    '  answer: yes',
    '  mode: strickt',
    '  clients:',
    '    - address: 10.0.0.1',
    '      secret: hunter2',
    '  timing: 5',
    '  realms: { "Bad": { plan: 1 } }',
  ].join('\n')
  const message = complaint(
    () => load(t, yaml, { TALLYCELL_RADUIS_PORT: '1', TALLYCELL_RADIUS_TIMING_PERIOD: '"0"' }),
    'CONFIG_INVALID',
  )
  for (const line of [
    "tallycell.yaml:1: htp: there is no such setting; did you mean 'http'?",
    "tallycell.yaml:3: http.lisen: there is no such setting; did you mean 'listen'?",
    'tallycell.yaml:4: http.listen: expected text, got the number 8080: put it in quotes',
    'tallycell.yaml:6: radius.port: expected a whole number from 1 to 65535, got the number 70000',
    'tallycell.yaml:7: radius.answer: expected true or false, got the text "yes"',
    'tallycell.yaml:8: radius.mode: expected "strict" or "lax", got the text "strickt"',
    'tallycell.yaml:11: radius.clients[0].secret: there is no such setting',
    'tallycell.yaml:10: radius.clients[0].secretFile: is required: expected text',
    'tallycell.yaml:12: radius.timing: expected a group of keys, got the number 5',
    'tallycell.yaml:13: radius.realms.Bad: this name is not allowed: expected the form ^[a-z.]+$',
    "TALLYCELL_RADUIS_PORT: no setting has this name; did you mean 'TALLYCELL_RADIUS_PORT'?",
    'TALLYCELL_RADIUS_TIMING_PERIOD: radius.timing.period: expected a number above 0, got the text "0": write it without quotes',
  ])
    t.ok(message.includes(line), `${line}\n${message}`)
  t.match(message, 'the configuration has 12 problem(s)')
  t.notMatch(message, 'hunter2')
})

t.test('a required setting without a value', async (t) => {
  const message = complaint(() => load(t, 'http:\n', {}, [http, chain]), 'CONFIG_INVALID')
  t.match(message, 'chain.rpcUrl: is required: expected text')
  t.equal(load(t, '', { TALLYCELL_CHAIN_RPC_URL: 'http://x' }, [chain]).get(chain).rpcUrl, 'http://x')
})

t.test('a key without a value is as no key', async (t) => {
  t.same(load(t, 'http:\nradius:\n  port:\n').get(radius).port, 1813)
})

t.test('invalid YAML: line and column, all of them', async (t) => {
  t.match(
    complaint(() => load(t, 'http: [1\nradius: }'), 'CONFIG_INVALID'),
    /tallycell\.yaml:\d+: invalid YAML at column \d+/,
  )
  t.match(
    complaint(() => load(t, 'http:\n\tlisten: x'), 'CONFIG_INVALID'),
    /tallycell\.yaml:2: invalid YAML at column/,
  )
  t.match(
    complaint(() => load(t, 'a: 1\n---\nb: 2'), 'CONFIG_INVALID'),
    'invalid YAML',
  )
  t.match(
    complaint(() => load(t, 'http: !secret x'), 'CONFIG_INVALID'),
    'tallycell.yaml:1: invalid YAML',
  )
  t.match(
    complaint(() => load(t, 'just text'), 'CONFIG_INVALID'),
    'expected a group of keys, got the text "just text"',
  )
  t.match(
    complaint(() => load(t, '- a\n- b'), 'CONFIG_INVALID'),
    'expected a group of keys, got a list',
  )
})

t.test('a key that stands twice', async (t) => {
  const message = complaint(
    () => load(t, 'http: { listen: "a:1" }\nradius: {}\nhttp: { listen: "b:2" }\n'),
    'CONFIG_INVALID',
  )
  t.match(message, /tallycell\.yaml:3: .*unique/)
})

t.test('names of the language itself are only names', async (t) => {
  for (const key of ['__proto__', 'constructor', 'toString', 'hasOwnProperty'])
    t.match(
      complaint(() => load(t, `${key}: { listen: "x:1" }`), 'CONFIG_INVALID'),
      `${key}: there is no such setting`,
    )
  t.equal(({} as Record<string, unknown>).listen, undefined)
})

t.test('aliases: useful, but not a way to fill memory', async (t) => {
  t.equal(load(t, 'radius: { proxy: { host: &h far }, mode: lax }\nhttp: { listen: *h }').get(http).listen, 'far')
  const level = (n: number): string =>
    `l${n}: &l${n} [${Array.from({ length: 9 }, () => (n === 0 ? 'x' : `*l${n - 1}`)).join(',')}]`
  const bomb = Array.from({ length: 12 }, (_none, n) => level(n)).join('\n')
  t.match(
    complaint(() => load(t, bomb), 'CONFIG_INVALID'),
    'too deep or too large',
  )
  t.match(
    complaint(() => load(t, 'http: &a { listen: *a }'), 'CONFIG_INVALID'),
    'too deep or too large',
  )
  t.match(
    complaint(() => load(t, `http: ${'['.repeat(5000)}`), 'CONFIG_INVALID'),
    'tallycell.yaml',
  )
})

t.test('a whole number too large for one is refused, not rounded', async (t) => {
  const message = complaint(
    () => load(t, 'radius: { clients: [{ address: a, secretFile: b, window: 9007199254740993 }] }'),
    'CONFIG_INVALID',
  )
  t.match(message, 'got the number 9007199254740993')
})

t.test('files that cannot be read', async (t) => {
  const cwd = t.testdir({
    folder: {},
    'latin.yaml': Buffer.from('dataDir: caf\xe9', 'latin1'),
    big: 'x'.repeat(1_048_577),
  })
  const say = (file: string, env = {}): string =>
    complaint(() => loadConfig(sections, { env, cwd, file: file || undefined }), 'CONFIG_UNREADABLE')
  t.match(say('missing.yaml'), `${join(cwd, 'missing.yaml')}: there is no such file`)
  t.match(say('', { TALLYCELL_CONFIG: 'gone.yaml' }), 'gone.yaml: there is no such file')
  t.match(say('folder'), 'it is a folder')
  t.match(say('latin.yaml'), 'it is not UTF-8')
  t.match(say('big'), 'larger than')
  t.match(say('/dev/zero'), 'it is not a file')
  t.match(say(`big/below`), /ENOTDIR/)
  mkdirSync(join(cwd, 'tallycell.yaml'))
  t.match(say(''), 'it is a folder', 'the default file must be a file too')
})

t.test('the file that is named wins: --config, then TALLYCELL_CONFIG, then the default', async (t) => {
  const cwd = t.testdir({
    'tallycell.yaml': 'dataDir: a',
    b: { 'b.yaml': '\ufeffdataDir: ./x' },
    'c.yaml': 'dataDir: /abs',
  })
  t.equal(loadConfig(sections, { env: {}, cwd }).dataDir, join(cwd, 'a'))
  const env = { TALLYCELL_CONFIG: 'b/b.yaml' }
  t.equal(loadConfig(sections, { env, cwd }).dataDir, join(cwd, 'b/x'), 'relative to the folder of its file')
  t.equal(loadConfig(sections, { env, cwd, file: 'c.yaml' }).dataDir, '/abs')
})

t.test('variables that Kubernetes sets beside a service of our name are left alone', async (t) => {
  const env = {
    TALLYCELL_SERVICE_HOST: '10.0.0.1',
    TALLYCELL_SERVICE_PORT: '80',
    TALLYCELL_SERVICE_PORT_HTTP: '80',
    TALLYCELL_PORT: 'tcp://10.0.0.1:80',
    TALLYCELL_PORT_80_TCP: 'tcp://10.0.0.1:80',
    TALLYCELL_PORT_80_TCP_ADDR: '10.0.0.1',
    TALLYCELL_DB_SERVICE_HOST: '10.0.0.2',
  }
  t.doesNotThrow(() => loadConfig(sections, { env, cwd: t.testdir({}) }))
})

t.test('two sections of one name are a fault of the program', async (t) => {
  t.throws(() => loadConfig([http, http], { env: {}, cwd: t.testdir({}) }), RangeError)
})

t.test('whatever the file holds, the outcome is a configuration or a typed error', async (t) => {
  const folder = t.testdir({})
  const file = join(folder, 'f.yaml')
  const outcome = (content: string | Uint8Array): boolean => {
    writeFileSync(file, content)
    try {
      loadConfig(sections, { env: {}, file })
      return true
    } catch (error) {
      return isTallycellError(error) && (error.code === 'CONFIG_INVALID' || error.code === 'CONFIG_UNREADABLE')
    }
  }
  const valid =
    'dataDir: d\nhttp: {listen: "a:1"}\nradius:\n  port: 7\n  clients: [{address: &a x, secretFile: *a}]\n  mode: |\n    lax\n'
  for (let end = 0; end <= valid.length; end++) t.ok(outcome(valid.slice(0, end)), `cut at ${end}`)
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), outcome))
  const piece = fc.constantFrom(
    'http',
    'radius',
    ':',
    ' ',
    '\n',
    '  ',
    '- ',
    '[',
    ']',
    '{',
    '}',
    '&a',
    '*a',
    '"',
    "'",
    '? ',
    '|',
    '#',
    '!x',
    '<<',
    '1',
    '~',
  )
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => outcome(pieces.join(''))),
    { numRuns: 500 },
  )
})
