// The charging commands on a database of their own, through the command line, and a network that uses what they sell.
import { EventEmitter } from 'node:events'
import { join } from 'node:path'
import type { Test } from 'tap'
import { createCharging } from '../../billing/charging/charging.ts'
import { readInstant } from '../../billing/charging/commands/instant.ts'
import { chargingCommands } from '../../billing/charging/commands.ts'
import { reservedByAccount } from '../../billing/charging/session/store.ts'
import { suspend } from '../../billing/charging/suspension/store.ts'
import { ledgerCommands } from '../../billing/ledger/commands.ts'
import { billingSection } from '../../billing/module.ts'
import { runCli } from '../../core/cli/run.ts'
import type { QuotaAnswer, QuotaRequest } from '../../core/events/quota.ts'
import { type SubscriberId, subscriberId } from '../../core/kernel/ids.ts'
import { microtokens, millis } from '../../core/kernel/units.ts'
import { logSection } from '../../core/log/logger.ts'
import { keysSection } from '../../core/runtime/keys.ts'
import { storeSection } from '../../core/store/settings.ts'
import { openStore, type Store, type StoreOptions } from '../../core/store/store.ts'
import { createSubscriberDirectory, subscriberCommands } from '../../sim-provisioning/module.ts'

export interface Ran {
  readonly exit: number
  readonly stdout: string
  readonly stderr: string
}

export interface Shell {
  readonly cwd: string
  /** Runs a command line given as words. */
  run(...words: string[]): Promise<Ran>
  /** As `run` with --json: the answer. Throws where the exit code is not `exit`. */
  json(words: readonly string[], exit?: number): Promise<Json>
  /** What standard input holds for the next command. */
  input(text: string): void
  /** The same database, as the node has it. */
  withStore<Result>(work: (store: Store) => Promise<Result>): Promise<Result>
  /** One whole session of a subscriber: `used` octets of downlink. */
  use(subscriber: string, used: bigint, session?: string): Promise<void>
  /** Opens a session and leaves it open. */
  open(subscriber: string, session: string): Promise<QuotaAnswer>
}

// What a program would read of an answer: anything.
export type Json = ReturnType<typeof JSON.parse>

const NOW = 1_800_000_000_000n

/** `options`: another database than the SQLite file of the folder. */
export function shell(t: Test, files: Parameters<Test['testdir']>[0] = {}, options?: StoreOptions): Shell {
  const cwd = t.testdir(files)
  const env: Record<string, string> =
    options === undefined ? {} : { TALLYCELL_STORE_URL: 'url' in options ? options.url : `sqlite:${options.path}` }
  let stdin = ''
  const program = {
    version: '0',
    summary: 'x',
    sections: [billingSection, storeSection, keysSection, logSection],
    commands: [
      ...subscriberCommands(suspend),
      ...chargingCommands({ stdin: async () => stdin }),
      ...ledgerCommands({ reserved: reservedByAccount, readInstant }),
    ],
  }
  const run = async (...words: string[]): Promise<Ran> => {
    const out = { stdout: '', stderr: '' }
    const sink = (name: 'stdout' | 'stderr') => ({
      write(text: string, done?: (error?: Error | null) => void) {
        out[name] += text
        done?.()
      },
    })
    const exit = await runCli(program, words, {
      stdout: sink('stdout'),
      stderr: sink('stderr'),
      env,
      cwd,
      signals: new EventEmitter(),
      force: () => {},
    })
    return { exit, ...out }
  }
  const withStore = async <Result>(work: (store: Store) => Promise<Result>): Promise<Result> => {
    const store = await openStore(options ?? { path: join(cwd, 'tallycell-data/tallycell.db') })
    try {
      return await work(store)
    } finally {
      await store.close()
    }
  }
  const request = (subscriber: SubscriberId, sessionId: string, number: bigint, downlink: bigint): QuotaRequest => ({
    origin: 'gy:pgw',
    sessionId,
    number,
    at: millis(NOW + number * 60_000n),
    subscriber,
    context: { access: 'lte', radio: undefined, visitedPlmn: undefined },
    services: [
      {
        ratingGroup: 10n,
        used: downlink === 0n ? [] : [{ uplink: 0n, downlink, seconds: 60n, units: 0n, tariff: undefined }],
        wanted: true,
      },
    ],
  })
  const charging = async (store: Store) => {
    const subscribers = createSubscriberDirectory(store)
    await subscribers.load()
    return createCharging({ store, subscribers }, { price: microtokens(2000n) })
  }
  return {
    cwd,
    run,
    withStore,
    input(text) {
      stdin = text
    },
    async json(words, exit = 0) {
      const ran = await run(...words, '--json')
      if (ran.exit !== exit) throw new Error(`${words.join(' ')} ended with ${ran.exit}: ${ran.stdout}${ran.stderr}`)
      return JSON.parse(ran.stdout)
    },
    use: (subscriber, used, session = 's1') =>
      withStore(async (store) => {
        const engine = await charging(store)
        const id = subscriberId(subscriber)
        await engine.open(request(id, session, 0n, 0n))
        const closing = request(id, session, 1n, used)
        await engine.close({ ...closing, services: closing.services.map((service) => ({ ...service, wanted: false })) })
      }),
    open: (subscriber, session) =>
      withStore(async (store) => (await charging(store)).open(request(subscriberId(subscriber), session, 0n, 0n))),
  }
}

export const PLAN = `
tenant: default
id: data-m
version: 1
name: Data M
kind: prepaid
tariffs: [{ name: day, price: { octets: 2000 } }]
bundles:
  - { id: day-pass, unit: octet, amount: 1 GB, validity: { days: 1 }, price: 1500000 }
  - { id: family, unit: octet, amount: 20 GB, validity: {}, shared: true }
`

/** A tenant, its plan, and the subscribers named. */
export async function provide(sh: Shell, ...subscribers: string[]): Promise<void> {
  await sh.json(['tenant', 'set', 'default', '--currency', 'EUR', '--time-zone', 'Europe/Berlin'])
  sh.input(PLAN)
  await sh.json(['plan', 'add', '-'])
  for (const [index, id] of subscribers.entries())
    await sh.json(['subscriber', 'add', id, '--imsi', `00101000000000${index}`, '--plan', 'data-m'])
}

/** Each row: the words, the exit code, and what the error says. */
export async function refuses(
  t: Test,
  sh: Shell,
  rows: readonly (readonly [string[], number, RegExp])[],
): Promise<void> {
  for (const [words, exit, message] of rows) {
    const ran = await sh.run(...words)
    t.match(ran, { exit, stdout: '', stderr: message }, words.join(' '))
    t.match(ran.stderr, /\nhint: ./)
  }
}
