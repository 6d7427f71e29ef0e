// What `tallycell open5gs render gy` prints, read by the freeDiameter that Open5GS is built on: it connects to us.
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { exampleConfig } from '../../core/config/example.ts'
import { loadConfig } from '../../core/config/load.ts'
import { open5gsCommands } from '../../core/open5gs/commands.ts'
import { diameterSection } from '../../core/transport/diameter/settings.ts'
import { type Certificate, createCertificates } from '../emulators/freediameter.ts'
import { findProgram, launch } from '../emulators/program.ts'
import { startNode, until } from '../unit/diameter-fixture.ts'

const SMF = 'smf.localdomain'

t.test('the SMF connects with the configuration that we print', async (t) => {
  const folder = t.testdir()
  const { port, node } = await startNode(t)
  const { ca, cert, key } = createCertificates(folder, [SMF])[SMF] as Certificate
  const certificates = join(folder, 'tls')
  mkdirSync(certificates)
  for (const [from, to] of [
    [ca, 'ca.crt'],
    [cert, 'smf.crt'],
    [key, 'smf.key'],
  ] as const)
    copyFileSync(from, join(certificates, to))
  const file = join(folder, 'tallycell.yaml')
  const diameter = { identity: 'ocs.localdomain', listen: [`127.0.0.1:${port}`], peers: [{ identity: SMF }] }
  writeFileSync(file, JSON.stringify({ dataDir: folder, diameter }))
  const config = loadConfig([diameterSection], { file, env: {} })
  const [command] = open5gsCommands()
  const options = { 'listen-on': '127.0.0.4', pcrf: 'none', certificates }
  const output = await command?.run({ args: {}, options }, { config: async () => config } as never)
  const text = output?.text ?? ''
  t.match(text, `ConnectPeer = "ocs.localdomain" { ConnectTo = "127.0.0.1"; Port = ${port}; No_TLS; };`)
  const smf = join(folder, 'smf.conf')
  // The SMF brings its applications itself; the bare daemon has none but to relay.
  writeFileSync(smf, text.replace('NoRelay;\n', ''))
  const program = findProgram('freeDiameterd', ['/usr/sbin']) ?? ''
  const daemon = await launch(program, ['-c', smf, '-d'], {
    cwd: folder,
    patience: 20_000,
    ready: (said) => said.includes('freeDiameterd daemon initialized'),
  })
  t.teardown(() => daemon.stop('SIGKILL'))
  await until(() => node.connected().includes(SMF))
  t.notMatch(daemon.output(), /(ERROR|FATAL!)/)
})

t.test('without a name or a peer it says what to do', async (t) => {
  const [command] = open5gsCommands()
  const run = (diameter: object) => {
    const file = join(t.testdir(), 'tallycell.yaml')
    writeFileSync(file, JSON.stringify({ dataDir: '.', diameter }))
    const config = loadConfig([diameterSection], { file, env: {} })
    return command?.run({ args: {}, options: {} }, { config: async () => config } as never)
  }
  await t.rejects(async () => run({}), { code: 'DIAMETER_UNNAMED' })
  await t.rejects(async () => run({ identity: 'ocs.example.com' }), { code: 'CLI_ARGUMENT_MISSING' })
  const peers = [{ identity: SMF }]
  await t.rejects(async () => run({ identity: 'ocs.example.com', peers }), /--address/)
  t.match(exampleConfig([diameterSection]), /ocs\.example\.com/)
})
