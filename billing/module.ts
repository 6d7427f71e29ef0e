// What the composition root needs of the billing domain: from the usage journal to the payout on chain.
import { join } from 'node:path'
import type { Registry } from 'prom-client'
import type { Command, CommandContext } from '../core/cli/command.ts'
import type { Config } from '../core/config/section.ts'
import { createStageRunner, type StageRunner } from '../core/events/journal.ts'
import type { RadioDirectory, SubscriberDirectory } from '../core/events/ports.ts'
import type { StandingPort } from '../core/events/standing.ts'
import type { Clock } from '../core/kernel/clock.ts'
import { type Wallet, wallet } from '../core/kernel/ids.ts'
import { type Millis, microtokens, millis } from '../core/kernel/units.ts'
import type { Logger } from '../core/log/logger.ts'
import { createMetrics } from '../core/metrics/metrics.ts'
import type { KeyStore, SigningKey } from '../core/runtime/keys.ts'
import type { Part } from '../core/runtime/module.ts'
import type { Sql } from '../core/store/sql.ts'
import type { Store } from '../core/store/store.ts'
import { postDeposit, postPayouts, postRewards } from './books.ts'
import { expire } from './charging/balances/store.ts'
import { createCatalogue } from './charging/catalogue/store.ts'
import { type Charging, createCharging } from './charging/charging.ts'
import { readInstant } from './charging/commands/instant.ts'
import { chargingCommands } from './charging/commands.ts'
import { closePeriods } from './charging/invoice/store.ts'
import { createRenewalPass } from './charging/renewal/pass.ts'
import { reservedByAccount } from './charging/session/store.ts'
import { createStanding } from './charging/standing.ts'
import { createUpkeep } from './charging/upkeep.ts'
import { epochCommands } from './epoch/commands.ts'
import { createEpochSchedule } from './epoch/schedule.ts'
import { type ClosedEpoch, closeEpoch, currentEpoch } from './epoch/store.ts'
import { heldCommands } from './held/commands.ts'
import { releaseHeld } from './held/release.ts'
import type { HeldRow } from './held/store.ts'
import { ledgerCommands } from './ledger/commands.ts'
import { receiptCommands } from './log/commands.ts'
import { createLog, type ReceiptLog } from './log/log.ts'
import { ensurePolicy } from './log/policy-entry.ts'
import { createReferenceSecrets } from './log/receipts/references.ts'
import { createReceiptsStage } from './log/receipts.ts'
import { usageCommands } from './rating/commands.ts'
import { createRatingStage } from './rating/store.ts'
import { billingSection, policyTerms } from './settings.ts'
import { settlementCommands } from './settlement/commands.ts'
import { type ConnectedChain, startChain } from './settlement/connect.ts'
import { createDevelopment, type Development } from './settlement/development.ts'
import { loadOracles } from './settlement/oracles.ts'
import { settlementSection } from './settlement/settings.ts'
import { createSettlement, type Settlement } from './settlement/settle.ts'
import { addressOf } from './settlement/transactions.ts'

export { addBalance, topUp } from './charging/balances/store.ts'
export { checkPlan, putPlan, putTenant } from './charging/catalogue/store.ts'
export type { Charging } from './charging/charging.ts'
export { createChargingApplications } from './charging/gy/applications.ts'
export { chargingListener } from './charging/suspension/listener.ts'
export { suspend as suspendCharging } from './charging/suspension/store.ts'
export { createCaptive } from './charging/vouchers/captive.ts'
export { billingRoutes } from './routes/routes.ts'
export { type Outcome, readOutcome } from './store.ts'
export { billingSection, settlementSection }

/** The Solana address of a key. */
export const walletOf = ({ publicKey }: SigningKey): Wallet => wallet(addressOf(publicKey))

export interface BillingDeps {
  readonly store: Store
  readonly keys: KeyStore
  readonly radios: RadioDirectory
  readonly subscribers: SubscriberDirectory
  readonly config: Config
  readonly clock: Clock
  readonly metrics: Registry
  readonly log: Logger
  /** True while requests crowd in: the stages give way. */
  readonly busy: () => boolean
}

/** Charges, receipts and epochs: all of billing that needs no chain. */
export interface Books {
  readonly receiptLog: ReceiptLog
  readonly stages: StageRunner
  /** Brings rating and receipts up to date, closes the epoch that is open now, or `epoch`, and publishes the log. */
  closeEpoch(epoch?: bigint): Promise<ClosedEpoch>
  /** Takes what was set aside after all. */
  release(id: bigint): Promise<HeldRow>
}

export interface Billing extends Books {
  /** May this session go on, and for how much? */
  readonly charging: Charging
  /** In the order of their start. */
  readonly parts: readonly Part[]
  readonly settlement: Settlement
  readonly chain: ConnectedChain
  /** What the embedded chain gives away; undefined on any other. */
  readonly development: Development | undefined
}

/** Milliseconds between two rounds of what charging does by the clock. */
const UPKEEP = 5000
const STAGES = { batch: 250, crowdedBatch: 50, idle: 50, patience: 250 } as const

export const logDirectory = (config: Config): string => join(config.dataDir, 'log')

/** Opens log and stages, and makes the configured policy the one in force. */
async function openBooks(deps: BillingDeps): Promise<Books> {
  const { store, keys, radios, subscribers, config, clock, metrics, log } = deps
  const settings = config.get(billingSection)
  const signer = await keys.signingKey('log')
  const logDeps = { store, signer, directory: logDirectory(config), clock, metrics, log }
  const receiptLog = createLog(logDeps, { origin: settings.origin })
  const oracles = await loadOracles(keys)
  const terms = policyTerms(
    settings,
    oracles.keys.map(({ publicKey }) => publicKey),
    BigInt(oracles.threshold),
  )
  await ensurePolicy({ store, receiptLog, oracles: oracles.keys }, terms)
  const secrets = createReferenceSecrets(await keys.secret('receipts', 32))
  const rating = createRatingStage(
    { store, radios, subscribers, node: settings.node },
    microtokens(BigInt(settings.price)),
  )
  const receipts = createReceiptsStage({ store, receiptLog, subscribers, secrets, clock, metrics })
  const stages = createStageRunner([rating, receipts], { log, busy: deps.busy }, STAGES)
  return {
    receiptLog,
    stages,
    async closeEpoch(epoch) {
      // Named before anything takes time: another node may close it meanwhile, and the next one is not meant.
      const wanted = epoch ?? (await currentEpoch(store))
      await stages.drain()
      const closed = await closeEpoch({ store, clock, origin: settings.origin, postRewards }, wanted)
      await receiptLog.flush()
      return closed
    },
    release: (id) => {
      const refresh = () => Promise.all([radios.refresh(), subscribers.refresh()])
      return releaseHeld({ store, rating, receipts, refresh }, id, clock())
    },
  }
}

/** What subscribers may do where usage is charged after the fact. */
export const createChargingStanding = (
  { store, subscribers, radios }: Pick<BillingDeps, 'store' | 'subscribers' | 'radios'>,
  config: Config,
): StandingPort =>
  createStanding(
    { store, subscribers, radioClass: (radio) => radios.byId(radio)?.class },
    microtokens(BigInt(config.get(billingSection).price)),
  )

/** All of billing, with its chain started. */
export async function createBilling(deps: BillingDeps): Promise<Billing> {
  const { store, config, clock, metrics, log } = deps
  const books = await openBooks(deps)
  const settings = config.get(settlementSection)
  const { holdHours, epochHours, origin, node, price, cdr } = config.get(billingSection)
  const oracles = await loadOracles(deps.keys)
  const chain = await startChain(settings)
  const settlement = createSettlement(
    { store, chain: chain.chain, oracles, clock, log, metrics, origin, postPayouts },
    {
      poll: settings.poll,
      volatile: chain.volatile,
      minimum: microtokens(BigInt(settings.minimum)),
      hold: millis(holdHours * 3_600_000),
    },
  )
  const development =
    chain.fund && createDevelopment({ store, oracles, clock, origin, postDeposit, log }, chain, chain.fund, settings)
  const chainPart: Part = {
    name: 'chain',
    start: async () => log.info({ rpc: chain.url, development: chain.volatile }, 'connected to the chain'),
    stop: chain.stop,
  }
  const charging = createCharging(
    { store, subscribers: deps.subscribers, radioClass: (radio) => deps.radios.byId(radio)?.class },
    {
      price: microtokens(BigInt(price)),
      node,
      recordOctets: BigInt(cdr.partialOctets),
      recordTime: millis(cdr.partialMinutes * 60_000),
    },
  )
  const renewal = createRenewalPass(store, createCatalogue(microtokens(BigInt(price))))
  const whenRenewed =
    (work: (sql: Sql, until: Millis) => Promise<number>) =>
    async (now: Millis): Promise<number> => {
      const until = renewal.settled(now)
      return until === undefined ? 0 : store.batch((sql) => work(sql, until))
    }
  const upkeep = createUpkeep(
    [
      { name: 'end silent sessions', run: (now) => charging.supervise(now) },
      { name: 'renew plans', run: (now) => renewal.run(now) },
      { name: 'make invoices', run: whenRenewed(closePeriods) },
      { name: 'expire balances', run: whenRenewed(expire) },
    ],
    { clock, log },
    { interval: UPKEEP },
  )
  const schedule = createEpochSchedule(
    { store, clock, log, closeEpoch: books.closeEpoch },
    millis(epochHours * 3_600_000),
  )
  return {
    ...books,
    charging,
    settlement,
    chain,
    development,
    parts: [
      chainPart,
      ...(development ? [development] : []),
      books.receiptLog,
      books.stages,
      upkeep,
      settlement,
      schedule,
    ],
  }
}

type Loaded<Directory> = (store: Store) => Directory & { load(): Promise<void> }

/** The directories that rating and receipts ask. */
export function billingCommands(directories: {
  readonly radios: Loaded<RadioDirectory>
  readonly subscribers: Loaded<SubscriberDirectory>
}): Command[] {
  const booksOf = async (context: CommandContext): Promise<Books> => {
    const store = await context.store()
    const [radios, subscribers] = [directories.radios(store), directories.subscribers(store)]
    await Promise.all([radios.load(), subscribers.load()])
    const { log, clock } = context
    const [config, keys] = [await context.config(), await context.keys()]
    return openBooks({
      store,
      keys,
      radios,
      subscribers,
      config,
      clock,
      metrics: createMetrics(),
      log,
      busy: () => false,
    })
  }
  const close = async (context: CommandContext): Promise<ClosedEpoch> => (await booksOf(context)).closeEpoch()
  return [
    ...usageCommands(),
    ...heldCommands({ release: async (context, id) => (await booksOf(context)).release(id) }),
    ...chargingCommands(),
    ...ledgerCommands({ reserved: reservedByAccount, readInstant }),
    ...receiptCommands({ directory: logDirectory }),
    ...epochCommands({ close }),
    ...settlementCommands({ logDirectory }),
  ]
}
