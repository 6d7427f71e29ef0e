// The main job once, from the first packet to the payout: a node of its own on SQLite and the embedded chain, an access point's
// accounting session, and what came of it, each with the command that shows it again.
import { mkdtempSync, openSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, relative, resolve } from 'node:path'
import type { Billing } from '../../billing/module.ts'
import { readOutcome, walletOf } from '../../billing/module.ts'
import type { Command, CommandContext, Output } from '../../core/cli/command.ts'
import { loadConfig } from '../../core/config/load.ts'
import type { Config, Section } from '../../core/config/section.ts'
import { systemClock } from '../../core/kernel/clock.ts'
import { fail } from '../../core/kernel/errors.ts'
import { imsi, payerId, planId, radioId, subscriberId } from '../../core/kernel/ids.ts'
import { createLogger, type Logger } from '../../core/log/logger.ts'
import { configuredKeyStore } from '../../core/runtime/keys.ts'
import type { Part } from '../../core/runtime/module.ts'
import { runParts } from '../../core/runtime/run.ts'
import type { Store } from '../../core/store/store.ts'
import type { DiameterPart } from '../../core/transport/diameter/part.ts'
import type { Offload } from '../../offload/module.ts'
import { addRadio } from '../../radio/module.ts'
import { addSubscriber } from '../../sim-provisioning/module.ts'
import { prepareFolder, removeFolder, SECRET } from './folder.ts'
import { CELL, openGateway, SMF } from './gateway.ts'
import { offerPrepaid, playPrepaid } from './prepaid.ts'
import { type Story, storyText } from './story.ts'
import { playSession } from './traffic.ts'
import { playWifi } from './wifi.ts'
import { wifiJson } from './wifi-story.ts'

/** What the demonstration uses of a node. */
export interface DemoNode {
  readonly parts: readonly Part[]
  readonly store: Store
  readonly billing: Billing
  readonly offload: Offload
  readonly diameter: DiameterPart
}

export interface DemoDeps {
  readonly sections: readonly Section[]
  createNode(config: Config, log: Logger): Promise<DemoNode>
}

const RADIO = radioId('demo-ap')
const SMALL_CELL = radioId('demo-cell')
const SUBSCRIBER = subscriberId('demo-phone')
const PREPAID = subscriberId('demo-prepaid')
const PAYER = payerId('default')
/** Of the test network 001/01. */
const IMSI = imsi('001010000000001')
const PREPAID_IMSI = imsi('001010000000002')
const BSSID = '00-00-5E-00-53-01'
const FOLDER = 'tallycell-demo'

export function demoCommand(deps: DemoDeps): Command {
  return {
    path: ['demo'],
    summary: 'the main job once, on a node and a chain of its own: one session becomes a paid receipt',
    options: {
      stay: { summary: 'keep the node and its chain running afterwards, until Ctrl-C, to look around' },
      folder: {
        value: 'DIR',
        summary: `keep the demonstration's data there; ${FOLDER} unless given, and nowhere with --json`,
      },
    },
    examples: ['tallycell demo', 'tallycell demo --stay', 'tallycell demo --json'],
    async run({ options }, context) {
      const keep = options.folder !== undefined || !context.json
      const folder = keep
        ? resolve(options.folder ?? FOLDER)
        : join(mkdtempSync(join(tmpdir(), 'tallycell-demo-')), FOLDER)
      const file = await prepareFolder(folder)
      let finished = false
      try {
        const output = await play(deps, file, options.stay !== undefined, context)
        finished = true
        return output
      } finally {
        if (!keep) removeFolder(join(folder, '..'))
        else if (!finished || context.signal.aborted) removeFolder(folder)
      }
    },
  }
}

async function play(deps: DemoDeps, file: string, stay: boolean, context: CommandContext): Promise<Output> {
  const began = performance.now()
  const folder = dirname(file)
  const config = loadConfig(deps.sections, { file, env: {} })
  const logFile = openSync(join(folder, 'node.log'), 'a', 0o600)
  const log = createLogger({ format: 'json', destination: { write: (line) => writeSync(logFile, line) } })
  context.say('Starting a node on SQLite and an embedded Solana chain …')
  const node = await deps.createNode(config, log)
  const done = new AbortController()
  let story: Story | undefined
  let failure: unknown
  const job = async (): Promise<void> => {
    const readySeconds = (performance.now() - began) / 1000
    story = { ...(await perform(node, config, folder, context)), readySeconds, file: relative(process.cwd(), file) }
    if (!stay) return done.abort()
    context.say(storyText(story))
    context.say('\nThe node and its chain keep running. Ctrl-C stops them and removes everything.')
  }
  await runParts(node.parts, {
    log,
    signal: AbortSignal.any([context.signal, done.signal]),
    onReady: () =>
      void job().catch((error: unknown) => {
        failure = error
        done.abort()
      }),
  })
  if (failure !== undefined && !context.signal.aborted) throw failure
  if (!story) {
    context.signal.throwIfAborted()
    return fail('DEMO_UNANSWERED', { reason: 'the node stopped early' })
  }
  return { text: stay ? '' : storyText(story), json: storyJson(story) }
}

/** The main job itself. */
async function perform(
  { store, billing, offload, diameter }: DemoNode,
  config: Config,
  folder: string,
  context: CommandContext,
): Promise<Omit<Story, 'readySeconds' | 'file'>> {
  const { signal, say } = context
  const owner = await configuredKeyStore(config).signingKey('demo-owner')
  const wallet = walletOf(owner)
  const { development } = billing
  const [server] = offload.address()
  const [gy] = diameter.addresses()
  if (!development || !server || !gy) throw new RangeError('the demonstration needs the embedded chain and a socket')
  say('Registering a radio and a subscriber, and opening the treasury and the owner’s token account …')
  const now = systemClock()
  await addRadio(store, { radio: RADIO, access: 'wifi', nasIdentifier: RADIO, owner: wallet }, now)
  await addRadio(store, { radio: SMALL_CELL, access: 'lte', cell: CELL, owner: wallet }, now)
  await addSubscriber(store, { subscriber: SUBSCRIBER, imsi: IMSI, payer: PAYER, plan: planId('flat') }, now)
  await offerPrepaid(store, PAYER, now)
  await addSubscriber(
    store,
    { subscriber: PREPAID, imsi: PREPAID_IMSI, payer: PAYER, plan: planId('demo-prepaid') },
    now,
  )
  await development.deposit(PAYER)
  await development.openAccount(owner, PAYER)
  say('Playing an accounting session of twenty minutes …')
  const player = await playSession({
    server,
    secret: SECRET,
    secretFile: join(folder, 'radius-secret'),
    nasIdentifier: RADIO,
    calledStation: `${BSSID}:tallycell`,
    sessionId: `demo-${now}`,
    userName: IMSI,
    now,
    signal,
  })
  say('Closing the epoch and paying …')
  const { epoch } = await billing.closeEpoch()
  await billing.settlement.settled(epoch, signal)
  // The payout's own entry is signed for, too.
  await billing.receiptLog.flush()
  const outcome = await readOutcome(store, epoch)
  const balance = await development.balance(wallet, PAYER)
  say('Using up a prepaid bundle over LTE, topping up, and going on …')
  const gateway = await openGateway({ server: gy, folder, sessionId: `${SMF};${now};1`, imsi: PREPAID_IMSI, signal })
  const prepaid = await playPrepaid({ store, gateway, tenant: PAYER, subscriber: PREPAID }, now).finally(gateway.close)
  say('Closing the next epoch and paying for the cell …')
  const next = await billing.closeEpoch()
  await billing.settlement.settled(next.epoch, signal)
  await billing.receiptLog.flush()
  const cell = await readOutcome(store, next.epoch)
  say('Letting a Wi-Fi phone in by its SIM, and cutting it off when its bundle ends …')
  const place = { store, billing, offload, config, folder, context }
  const wifi = await playWifi({ ...place, tenant: PAYER, owner: wallet }, now)
  return {
    ...outcome,
    player,
    prepaid,
    wifi,
    cell: { radio: SMALL_CELL, receipts: cell.receipts, octets: cell.octets, paid: cell.paid },
    radio: RADIO,
    subscriber: SUBSCRIBER,
    wallet,
    epoch,
    balance,
    rpc: billing.chain.url,
  }
}

function storyJson(story: Story): unknown {
  return {
    ok: story.paid > 0n && story.balance === story.paid,
    octets: story.octets,
    receipts: Number(story.receipts),
    checkpointSize: Number(story.checkpointSize),
    paidMicrotokens: story.paid,
    signature: story.signature,
    wifi: wifiJson(story.wifi),
  }
}
