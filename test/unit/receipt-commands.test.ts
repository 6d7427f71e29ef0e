import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import pino from 'pino'
import { Registry } from 'prom-client'
import t from 'tap'
import { receiptCommands } from '../../billing/log/commands.ts'
import { formatVkey, SIGNATURE_TYPE, verifierKey } from '../../billing/log/note/note.ts'
import { ensurePolicy } from '../../billing/log/policy-entry.ts'
import { createReceiptsStage } from '../../billing/log/receipts.ts'
import type { CommandContext, Output } from '../../core/cli/command.ts'
import { fail } from '../../core/kernel/errors.ts'
import { toJson } from '../../core/kernel/units.ts'
import {
  createTestKey,
  ORIGIN,
  openTestLog,
  SECRETS,
  START,
  SUBSCRIBERS,
  TERMS,
  type TestLog,
  writeRadioEvents,
  writeUsage,
} from './log-fixture.ts'

const commands = receiptCommands({ directory: ({ dataDir }) => join(dataDir, 'log') })

function contextOf(folder: string, made: TestLog | undefined): CommandContext {
  return {
    config: async () => ({
      dataDir: folder,
      file: undefined,
      settings: [],
      get: () => fail('LOG_NO_POLICY', {}),
      resolvePath: (file) => file,
    }),
    store: async () => made?.store ?? fail('STORE_UNUSABLE', { path: folder, reason: 'closed' }),
    keys: async () => fail('LOG_NO_POLICY', {}),
    log: pino({ level: 'silent' }),
    clock: () => START,
    signal: AbortSignal.timeout(60_000),
    json: false,
    progress: () => ({ update: () => undefined, end: () => undefined }),
    say: () => undefined,
  }
}

async function run(
  folder: string,
  made: TestLog | undefined,
  verb: string,
  args: Record<string, string>,
  options: Record<string, string> = {},
): Promise<Output> {
  const command = commands.find(({ path }) => path[1] === verb)
  return command ? command.run({ args, options }, contextOf(folder, made)) : fail('LOG_NO_POLICY', {})
}

t.test('show, keep, verify; and say no when it is not so', async (t) => {
  const folder = t.testdir()
  const made = await openTestLog(folder)
  await ensurePolicy({ store: made.store, receiptLog: made.log, oracles: [] }, TERMS)
  await writeRadioEvents(made.store, [{}])
  await writeUsage(made.store, [{ sequence: 1n }, { sequence: 2n, flags: 1n, downlink: 52_428_800n }])
  const stage = createReceiptsStage({
    store: made.store,
    receiptLog: made.log,
    subscribers: SUBSCRIBERS,
    secrets: SECRETS,
    clock: () => START,
    metrics: new Registry(),
  })
  await stage.step()
  await t.rejects(run(folder, made, 'show', { index: '2' }), { code: 'RECEIPT_KEY_MISSING' })
  await made.log.flush()

  const file = join(folder, 'kept.tlog-proof')
  const shown = await run(folder, made, 'show', {}, { radio: 'cafe', seq: '2', out: file })
  t.match(shown.text, /log\s+log\.example\/receipts\n\s+entry\s+3 of 4\n/)
  t.match(shown.text, /downlink\s+52\.4 MB \(52428800 octets\)/)
  t.match(shown.text, /HOLD\(counter-fell\)/)
  t.match(shown.text, /counter of the session fell/)
  t.match(shown.text, /The log's key is log\.example\/receipts\+[0-9a-f]{8}\+/)
  t.match(JSON.parse(toJson(shown.json)), {
    index: '3',
    checkpointSize: '4',
    entry: { type: 'usage', radio: 'cafe', counted: '0' },
    receipt: readFileSync(file, 'utf8'),
  })
  t.equal((await run(folder, made, 'show', { index: '0' })).exit, undefined)
  t.match(
    (await run(folder, made, 'show', { index: '0' })).text,
    /rates\s+payer partner, access wifi, rate 0\.000500 tokens/,
  )

  const good = await run(folder, undefined, 'verify', { file })
  t.equal(good.exit, undefined)
  t.match(
    good.text,
    /^The receipt is genuine: entry 3 of the log log\.example\/receipts, under its signature over 4 entries\.\n/,
  )
  const vkey = formatVkey(made.log.key)
  rmSync(made.directory, { recursive: true })
  await t.rejects(run(folder, undefined, 'verify', { file }), { code: 'RECEIPT_KEY_MISSING' })
  t.match(
    (await run(folder, undefined, 'verify', { file }, { key: vkey })).json,
    { genuine: true, index: 3n },
    'offline, with the key alone',
  )
  const other = formatVkey(verifierKey(ORIGIN, SIGNATURE_TYPE.ed25519, createTestKey('other').publicKey))
  t.match(await run(folder, undefined, 'verify', { file }, { key: other }), {
    exit: 1,
    text: /NOT genuine: the log has not signed it/,
    json: { genuine: false, fault: 'not-signed' },
  })

  const octets = readFileSync(file)
  for (const [what, changed] of [
    ['a changed octet', Buffer.from(octets.toString('latin1').replace('index 3', 'index 2'), 'latin1')],
    ['no UTF-8', Buffer.concat([octets, Buffer.of(0xff)])],
    ['a byte order mark', Buffer.concat([Buffer.from('\ufeff'), octets])],
    ['far too much', Buffer.alloc(300_000, 65)],
    ['nothing', Buffer.alloc(0)],
  ] as const) {
    writeFileSync(file, changed)
    t.match(await run(folder, undefined, 'verify', { file }, { key: vkey }), { exit: 1, text: /NOT genuine/ }, what)
  }
  await made.store.close()
})

t.test('what cannot be found or read', async (t) => {
  const folder = t.testdir()
  const made = await openTestLog(folder)
  await made.log.flush()
  await t.rejects(run(folder, made, 'show', { index: '0' }), { code: 'LOG_NOT_PUBLISHED' }, 'nothing is published')
  await ensurePolicy({ store: made.store, receiptLog: made.log, oracles: [] }, TERMS)
  await made.log.flush()
  await t.rejects(run(folder, made, 'show', { index: '1' }), { code: 'LOG_NOT_PUBLISHED' })
  await t.rejects(run(folder, made, 'show', { index: 'x' }), { code: 'UNIT_INVALID' })
  await t.rejects(run(folder, made, 'show', {}), { code: 'CLI_ARGUMENT_MISSING' })
  await t.rejects(run(folder, made, 'show', {}, { radio: 'cafe' }), { code: 'CLI_ARGUMENT_MISSING' })
  await t.rejects(run(folder, made, 'show', {}, { radio: 'cafe', seq: '1' }), { code: 'RECEIPT_UNKNOWN' })
  await t.rejects(run(folder, made, 'show', {}, { radio: 'Café', seq: '1' }), { code: 'ID_INVALID' })
  await t.rejects(run(folder, made, 'show', { index: '0' }, { out: join(folder, 'no', 'where') }), {
    code: 'RECEIPT_FILE_UNWRITABLE',
  })
  await t.rejects(run(folder, made, 'verify', { file: join(folder, 'missing') }), { code: 'RECEIPT_FILE_UNREADABLE' })
  await t.rejects(run(folder, made, 'verify', { file: folder }), { code: 'RECEIPT_FILE_UNREADABLE' })
  const file = join(folder, 'kept')
  await run(folder, made, 'show', { index: '0' }, { out: file })
  await t.rejects(run(folder, made, 'verify', { file }, { key: 'nonsense' }), { code: 'RECEIPT_KEY_INVALID' })
  const bundle = join(made.directory, 'tile/entries/000.p/1')
  const octets = readFileSync(bundle)
  octets[octets.length - 1] = (octets[octets.length - 1] ?? 0) ^ 1
  writeFileSync(bundle, octets)
  await t.rejects(
    run(folder, made, 'show', { index: '0' }),
    { code: 'LOG_TILE_UNREADABLE' },
    'a damaged bundle gives no receipt',
  )
  await made.store.close()
})
