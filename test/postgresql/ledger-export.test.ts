// The audit export beside transactions that take long: ids are given in one order and become visible in another.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { exportTransfers } from '../../billing/ledger/audit/export.ts'
import { newestTransfer, transferWriters } from '../../billing/ledger/audit/store.ts'
import { postTransfers } from '../../billing/ledger/store.ts'
import { payerId } from '../../core/kernel/ids.ts'
import { millis } from '../../core/kernel/units.ts'
import { openStore, type Store } from '../../core/store/store.ts'
import { newDatabase } from '../compliance/engines.ts'

const server = process.env.TEST_POSTGRESQL ?? ''

const post = (store: Store, cause: string, meanwhile: () => Promise<void> = async () => {}) =>
  store.batch(async (sql) => {
    const payer = payerId(cause)
    const [debit, credit] = [`payer:${payer}:received:EUR`, `payer:${payer}:income:n1:EUR`] as const
    await postTransfers(sql, [{ cause, debit, credit, amount: 1n, at: millis(0n) }])
    await meanwhile()
  })

const causes = (file: string): string[] =>
  readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line).cause)

async function openBooks(t: Test): Promise<Store> {
  const store = await openStore({ url: await newDatabase(t, server) })
  t.teardown(() => store.close())
  return store
}

function gate(): { readonly passed: Promise<void>; readonly open: () => void } {
  let open = (): void => {}
  const passed = new Promise<void>((resolve) => {
    open = resolve
  })
  return { passed, open }
}

t.test('a slow transaction is waited for, and keeps nobody else from writing', async (t) => {
  const store = await openBooks(t)
  const [written, release] = [gate(), gate()]
  const slow = post(store, 'slow', async () => {
    written.open()
    await release.passed
  })
  await written.passed
  await post(store, 'quick')
  t.equal((await store.batch(transferWriters)).length, 1)
  t.equal(await store.batch(newestTransfer), 2n, 'id 1 is not to be seen yet')
  const file = join(t.testdir(), 'ledger.jsonl')
  let ended = false
  const exported = exportTransfers(store, { file, after: undefined, signal: new AbortController().signal }).then(
    (done) => {
      ended = true
      return done
    },
  )
  for (const cause of ['next', 'another']) await post(store, cause)
  t.notOk(ended)
  t.same(causes(file), [], 'nothing behind the gap')
  release.open()
  await slow
  t.equal((await exported).stopped, false)
  t.same(causes(file).slice(0, 2), ['slow', 'quick'])
  await exportTransfers(store, { file, after: undefined, signal: new AbortController().signal })
  t.same(causes(file), ['slow', 'quick', 'next', 'another'], 'goes on where it ended')
})

t.test('one that gives up leaves a gap that stays', async (t) => {
  const store = await openBooks(t)
  await t.rejects(
    post(store, 'undone', async () => {
      throw new Error('given up')
    }),
    { message: 'given up' },
  )
  await post(store, 'quick')
  const file = join(t.testdir(), 'ledger.jsonl')
  await exportTransfers(store, { file, after: undefined, signal: new AbortController().signal })
  t.same(causes(file), ['quick'])
})

t.test('the signal ends the waiting', async (t) => {
  const store = await openBooks(t)
  const [written, release, stop] = [gate(), gate(), new AbortController()]
  const slow = post(store, 'slow', async () => {
    written.open()
    await release.passed
  })
  await written.passed
  const exported = exportTransfers(store, {
    file: join(t.testdir(), 'ledger.jsonl'),
    after: undefined,
    signal: stop.signal,
  })
  stop.abort()
  t.same(await exported, { transfers: 0n, last: 0n, stopped: true })
  release.open()
  await slow
})
