import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { Type } from 'typebox'
import type { CommandContext } from '../../core/cli/command.ts'
import { configCommands } from '../../core/config/commands.ts'
import { exampleConfig, inline, settingsInForce } from '../../core/config/example.ts'
import { loadConfig } from '../../core/config/load.ts'
import type { Config, Section } from '../../core/config/section.ts'
import { httpSection } from '../../core/http/http.ts'
import { logSection } from '../../core/log/logger.ts'
import { keysSection } from '../../core/runtime/keys.ts'

const radius = {
  key: 'radius',
  schema: Type.Object({
    clients: Type.Array(
      Type.Object({ address: Type.String(), secretFile: Type.String({ description: 'Its secret.' }) }),
      {
        examples: [[{ address: '192.0.2.1', secretFile: 's' }]],
        default: [{ address: '10.0.0.1', secretFile: 'radius: secret #1' }],
        description: `Access points. ${'A long sentence goes on and on. '.repeat(8)}`,
      },
    ),
    timing: Type.Object({ period: Type.Integer({ default: 60, description: 'Seconds between reports.' }) }),
  }),
} satisfies Section
const sections = [logSection, httpSection, keysSection, radius]

const [init, print] = configCommands(sections)

/** Only what the two commands touch. */
const context = (config: Config): CommandContext => ({ config: async () => config }) as unknown as CommandContext

t.test('the example sets nothing, and with every # removed sets the defaults', async (t) => {
  const cwd = t.testdir({ 'tallycell.yaml': exampleConfig(sections) })
  const defaults = loadConfig(sections, { env: {}, cwd: t.testdir({}) })
  const untouched = loadConfig(sections, { env: {}, cwd })
  for (const section of sections) t.same(untouched.get(section), defaults.get(section), section.key)
  t.ok(untouched.settings.every(({ origin }) => origin === 'default'))

  const text = exampleConfig(sections)
  writeFileSync(join(cwd, 'tallycell.yaml'), text.replace(/^( *)#(\w+:)/gm, '$1$2'))
  const uncommented = loadConfig(sections, { env: {}, cwd })
  for (const section of sections) t.same(uncommented.get(section), defaults.get(section), section.key)
  t.ok(uncommented.settings.every(({ origin }) => origin === 'file'))
})

t.test('the example explains: description, unit, form, variable; no line too long to read', async (t) => {
  const text = exampleConfig(sections)
  t.match(text, '# Seconds between reports.')
  t.match(text, 'Variable: TALLYCELL_RADIUS_TIMING_PERIOD')
  t.match(text, '    #period: 60\n')
  t.match(text, 'each item a group of the keys address, secretFile.')
  t.match(text, '  # - secretFile: Its secret. Expected: text.\n')
  t.match(text, '  # For example: [{address: 192.0.2.1, secretFile: s}]\n')
  t.match(text, '#dataDir: ./tallycell-data\n')
  t.match(text, '  #kekFile:\n')
  for (const line of text.split('\n')) t.ok(line.length <= 120 || line.startsWith('  #clients'), line)
})

t.test('config init writes once, and again only when told to', async (t) => {
  const file = join(t.testdir({}), 'new.yaml')
  const input = { args: {}, options: { config: file } }
  const nothing = context(loadConfig(sections, { env: {}, cwd: t.testdirName }))
  t.match(await init?.run(input, nothing), { json: { file } })
  t.equal(readFileSync(file, 'utf8'), exampleConfig(sections))
  writeFileSync(file, 'mine')
  await t.rejects(async () => init?.run(input, nothing), { code: 'CONFIG_EXISTS' })
  t.equal(readFileSync(file, 'utf8'), 'mine')
  await init?.run({ args: {}, options: { config: file, force: 'true' } }, nothing)
  t.equal(readFileSync(file, 'utf8'), exampleConfig(sections))
  await t.rejects(async () => init?.run({ args: {}, options: { config: join(file, 'below') } }, nothing), {
    code: 'CONFIG_UNWRITABLE',
  })
})

t.test('config print says where each value comes from, and reads back as what it shows', async (t) => {
  const cwd = t.testdir({ 'tallycell.yaml': 'http:\n  listen: "[::]:80"\nkeys: { kekFile: /run/credentials/kek }\n' })
  const config = loadConfig(sections, { env: { TALLYCELL_LOG_LEVEL: 'debug' }, cwd })
  const output = await print?.run({ args: {}, options: {} }, context(config))
  const text = output?.text ?? ''
  t.match(text, '  listen: "[::]:80" # file tallycell.yaml:2\n')
  t.match(text, '  level: debug # environment TALLYCELL_LOG_LEVEL\n')
  t.match(text, '    period: 60 # default\n')
  t.match(text, '  kekFile: /run/credentials/kek # file tallycell.yaml:3\n')
  t.match(output?.json, { file: join(cwd, 'tallycell.yaml'), dataDir: join(cwd, 'tallycell-data') })

  const again = loadConfig(sections, { env: {}, cwd: t.testdir({ 'tallycell.yaml': text }) })
  for (const section of sections) t.same(again.get(section), config.get(section), section.key)
})

t.test('values stay on one line whatever they hold', async (t) => {
  for (const value of [
    'a\nb',
    '# not a comment',
    'a: b',
    '',
    'true',
    '1',
    [1, { a: ['x y', '#'] }],
    {},
    [],
    null,
    '\u0007',
  ])
    t.equal(inline(value).includes('\n'), false, JSON.stringify(value))
  t.equal(settingsInForce([{ path: 'a.b.c', value: 1, origin: 'default' }]), 'a:\n  b:\n    c: 1 # default\n')
})
