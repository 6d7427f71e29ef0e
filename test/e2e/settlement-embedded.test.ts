// The embedded chain itself: ports, long runs, and what it tells about itself.
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath, pathToFileURL } from 'node:url'
import t from 'tap'
import { connectChain, settlementMint, startChain } from '../../billing/settlement/connect.ts'
import { startEmbeddedChain } from '../../billing/settlement/embedded-chain.ts'
import { createRpcChain } from '../../billing/settlement/rpc-chain.ts'
import type { settlementSection } from '../../billing/settlement/settings.ts'
import type { Settings } from '../../core/config/section.ts'

const SETTINGS: Settings<typeof settlementSection> = {
  rpc: 'embedded',
  minimum: 0,
  poll: 50,
  timeout: 2000,
  embedded: { port: 0, slotMillis: 20 },
}

t.test('it is reached by a port of our choice, and gives it back', async (t) => {
  const first = await startEmbeddedChain({ port: 0, slotMillis: 50 })
  const port = Number(new URL(first.url).port)
  await t.rejects(startEmbeddedChain({ port, slotMillis: 50 }), { code: 'CHAIN_PORT_TAKEN', context: { port } })
  await first.stop()
  const second = await startEmbeddedChain({ port, slotMillis: 50 })
  const chain = createRpcChain({ url: second.url, timeout: 2000 })
  t.ok(await chain.genesis())
  await second.stop()
  await t.rejects(chain.genesis(), { code: 'CHAIN_UNREACHABLE' })
})

t.test('it does not stand still after a thousand blocks', async (t) => {
  const embedded = await startEmbeddedChain({ port: 0, slotMillis: 5 })
  t.teardown(() => embedded.stop())
  const chain = createRpcChain({ url: embedded.url, timeout: 2000 })
  while ((await chain.blockHeight()).height < 1500n) await sleep(50)
  t.ok(await chain.latestBlockhash())
})

t.test('the configuration chooses the chain', async (t) => {
  const started = await startChain(SETTINGS)
  t.teardown(() => started.stop())
  t.equal(started.volatile, true)
  t.equal(settlementMint(SETTINGS, started), 'test')
  const beside = connectChain({
    ...SETTINGS,
    embedded: { ...SETTINGS.embedded, port: Number(new URL(started.url).port) },
  })
  const account = '4uQeVj5tqViQh7yWWGStvkEG1Zmhx6uasJtWCJziofM'
  started.fund?.(account, 1_000_000)
  t.match(
    await beside.chain.accounts([account]),
    [{ lamports: 1_000_000n }],
    'a command beside the node sees its chain',
  )
  const remote = await startChain({ ...SETTINGS, rpc: 'https://user:secret@rpc.example/?api-key=secret' })
  t.equal(remote.volatile, false)
  t.equal(remote.url, 'https://rpc.example')
  t.equal(remote.fund, undefined)
  t.throws(() => settlementMint(SETTINGS, remote), { code: 'TREASURY_WITHOUT_MINT' })
  t.equal(settlementMint({ ...SETTINGS, mint: 'm' }, remote), 'm')
})

t.test('every start is another chain, though its genesis hash may be that of the one before', async (t) => {
  const names = new Set<string>()
  for (let start = 0; start < 6; start++) {
    const { chain, stop } = await startChain(SETTINGS)
    names.add(await chain.genesis())
    t.equal(await chain.genesis(), await chain.genesis(), 'and keeps its name')
    await stop()
  }
  t.equal(names.size, 6)
})

t.test('errors name the chain, and no access key', async (t) => {
  const chain = createRpcChain({ url: 'http://127.0.0.1:1/path?api-key=secret', timeout: 500 })
  const silent = {
    code: 'CHAIN_UNREACHABLE',
    message: /^no answer from the chain at http:\/\/127.0.0.1:1: (?!.*secret)/,
  }
  await t.rejects(chain.genesis(), silent)
  await t.rejects(chain.submit(new Uint8Array(1)), silent)
})

t.test('nonsense is refused, not accepted', async (t) => {
  const embedded = await startEmbeddedChain({ port: 0, slotMillis: 50 })
  t.teardown(() => embedded.stop())
  const chain = createRpcChain({ url: embedded.url, timeout: 2000 })
  t.match(await chain.submit(Uint8Array.of(1, 2, 3)), { accepted: false, reason: String })
  t.equal(await chain.status('1'.repeat(64)), undefined)
})

t.test('without the native module, it says what to do', async (t) => {
  // Away from node_modules, as where the optional dependency could not be installed.
  const folder = mkdtempSync(join(tmpdir(), 'tallycell-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const root = fileURLToPath(new URL('../../', import.meta.url))
  for (const file of ['billing/settlement/embedded-chain.ts', 'core/kernel/errors.ts'])
    cpSync(join(root, file), join(folder, file), { recursive: true })
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}')
  const alone = (await import(
    pathToFileURL(join(folder, 'billing/settlement/embedded-chain.ts')).href
  )) as typeof import('../../billing/settlement/embedded-chain.ts')
  await t.rejects(alone.startEmbeddedChain({ port: 0, slotMillis: 50 }), {
    code: 'CHAIN_NOT_INSTALLED',
    hint: /--rpc URL/,
  })
})

t.test('Promise.withResolvers', async (t) => {
  const { withResolvers } = Promise as PromiseConstructor & {
    withResolvers<Value>(): { promise: Promise<Value>; resolve(value: Value): void; reject(reason: Error): void }
  }
  const kept = withResolvers.call(Promise)
  kept.resolve(1)
  t.equal(await kept.promise, 1)
  const broken = withResolvers.call(Promise)
  broken.reject(new Error('broken'))
  await t.rejects(broken.promise, { message: 'broken' })
})
