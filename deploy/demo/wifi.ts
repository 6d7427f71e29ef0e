// The demonstration's Wi-Fi chapter: a phone comes on by its SIM alone at an access point that is reached by RADIUS over TLS, uses up its
// bundle, and is cut off by an order to the access point (RFC 5176). What an operator types is run here by the same commands.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { addBalance, type Billing, type Outcome, putPlan, readOutcome, suspendCharging } from '../../billing/module.ts'
import type { CommandContext } from '../../core/cli/command.ts'
import { parseCommandLine } from '../../core/cli/parse.ts'
import type { Config } from '../../core/config/section.ts'
import { fail } from '../../core/kernel/errors.ts'
import { type PayerId, subscriberId, type Wallet } from '../../core/kernel/ids.ts'
import { type Millis, millis } from '../../core/kernel/units.ts'
import { configuredKeyStore } from '../../core/runtime/keys.ts'
import type { Store } from '../../core/store/store.ts'
import { isSilence, type Requester } from '../../core/transport/radius/client.ts'
import { createUdpClient } from '../../core/transport/radius/client-udp.ts'
import type { NamedAttribute } from '../../core/wire/radius/encode.ts'
import { CODE } from '../../core/wire/radius/packet.ts'
import type { Offload } from '../../offload/module.ts'
import { radioCommands } from '../../radio/module.ts'
import { simCommands, subscriberCommands } from '../../sim-provisioning/module.ts'
import { freeUdpPort, SECRET } from './folder.ts'
import { eapolAttempt, eapolPrograms } from './wifi-eapol.ts'
import { type Attempt, authenticate } from './wifi-peer.ts'
import { openPoint, type Site, startRadsecproxy } from './wifi-point.ts'
import { createUsim, newCardKeys } from './wifi-usim.ts'

export interface WifiDeps {
  readonly store: Store
  readonly billing: Billing
  readonly offload: Offload
  readonly config: Config
  readonly folder: string
  readonly tenant: PayerId
  /** Who owns the access point. */
  readonly owner: Wallet
  readonly context: CommandContext
}

/** What happened. */
export interface Wifi {
  readonly radio: string
  readonly subscriber: string
  readonly iccid: string
  /** Which programs played; false: our own did in their place. */
  readonly eapolTest: boolean
  readonly radsecproxy: boolean
  /** Octets. */
  readonly bundle: bigint
  readonly used: bigint
  /** Milliseconds from the answered report that used up the bundle to the order at the access point. */
  readonly cutOff: number
  readonly outcome: Pick<Outcome, 'receipts' | 'octets' | 'paid'>
}

const RADIO = 'demo-hotspot'
const PHONE = 'demo-wifi'
/** Of the test network 001/01. */
const IMSI = '001010000000003'
const ICCID = '8988211000000000037'
const IDENTITY = `6${IMSI}@wlan.mnc001.mcc001.3gppnetwork.org`
const BSSID = '00-00-5E-00-53-02'
const STATION = '02:00:5E:10:00:01'
const NAMES: readonly NamedAttribute[] = [
  ['NAS-Identifier', RADIO],
  ['Called-Station-Id', `${BSSID}:tallycell`],
  ['Calling-Station-Id', STATION.replaceAll(':', '-')],
]
const BUNDLE = 25_000_000n
/** An access point reports every five minutes, so the last report may go beyond the bundle. */
const REPORTS = [
  { status: 'Start', seconds: 0, uplink: 0, downlink: 0 },
  { status: 'Interim-Update', seconds: 300, uplink: 1_020_400, downlink: 13_180_000 },
  { status: 'Interim-Update', seconds: 600, uplink: 1_870_112, downlink: 23_529_888 },
] as const
const LENGTH = 600
const PATIENCE = 15_000

/** Plays the chapter. Throws DEMO_UNANSWERED when something does not go as told. */
export async function playWifi(deps: WifiDeps, now: Millis): Promise<Wifi> {
  const { store, offload, folder, context } = deps
  const usim = await prepare(deps, now)
  const [access, radsec] = [offload.access()[0], offload.radsec()[0]]
  if (!access || !radsec) throw new RangeError('the demonstration needs an authentication port and RADIUS over TLS')
  const session = `wifi-${now}`
  const site: Site = { folder: join(folder, RADIO), radio: RADIO, server: radsec, signal: context.signal }
  const proxy = await startRadsecproxy(site, await freeUdpPort(), SECRET)
  const closing: { close(): Promise<void> }[] = proxy ? [{ close: proxy.stop }] : []
  try {
    const first = proxy && createUdpClient({ ...proxy, secret: Buffer.from(SECRET) })
    if (first) closing.push(first)
    const point = await openPoint(site, session)
    closing.push(point)
    const server = first ?? point
    const programs = eapolPrograms()
    const attempt = (): Promise<Attempt> =>
      programs
        ? eapolAttempt({
            ...{ programs, folder, usim, identity: IDENTITY, station: STATION, signal: context.signal },
            ...{ nasIdentifier: RADIO, calledStation: `${BSSID}:tallycell` },
            server: { ...(proxy ?? access), secret: SECRET },
          })
        : authenticate({ server, names: NAMES, identity: IDENTITY, usim })
    const entered = await attempt()
    if (!entered.accepted) return unanswered('the Wi-Fi phone was refused though it has a bundle')
    for (const report of REPORTS) await account(server, session, entered.class, report, now)
    const reported = performance.now()
    const late = sleep(PATIENCE, undefined, { ref: false, signal: context.signal })
    const at = (await Promise.race([point.disconnected, late])) ?? unanswered('no order came to the access point')
    await account(server, session, entered.class, { ...REPORTS[2], status: 'Stop' }, now)
    if ((await attempt()).accepted) return unanswered('the Wi-Fi phone was let in though its bundle is used up')
    return {
      ...{ radio: RADIO, subscriber: PHONE, iccid: ICCID, bundle: BUNDLE, cutOff: at - reported },
      ...{ eapolTest: programs !== undefined, radsecproxy: proxy !== undefined },
      used: BigInt(REPORTS[2].uplink + REPORTS[2].downlink),
      outcome: await pay(deps, store),
    }
  } finally {
    for (const each of closing.reverse()) await each.close()
  }
}

const unanswered = (reason: string): never => fail('DEMO_UNANSWERED', { reason })

/** What an operator does before: radio, certificate, plan, SIM, subscription, bundle. */
async function prepare({ store, config, folder, tenant, owner, context }: WifiDeps, now: Millis) {
  const commands = [...radioCommands(), ...simCommands(suspendCharging), ...subscriberCommands(suspendCharging)]
  const own: CommandContext = {
    ...{ log: context.log, clock: context.clock, signal: context.signal, json: context.json, say: () => {} },
    progress: () => ({ update() {}, end() {} }),
    config: async () => config,
    store: async () => store,
    keys: async () => configuredKeyStore(config),
  }
  const tallycell = async (...words: string[]): Promise<void> => {
    const parsed = parseCommandLine(commands, words)
    if (parsed.kind !== 'run') throw new RangeError(`no command: ${words.join(' ')}`)
    const { exit = 0, text } = await parsed.command.run(parsed.input, own)
    if (exit !== 0) unanswered(`${words.slice(0, 2).join(' ')}: ${text}`)
  }
  await tallycell('radio', 'add', RADIO, '--owner', owner, '--nas-id', RADIO, '--bssid', BSSID)
  mkdirSync(join(folder, RADIO), { mode: 0o700 })
  await tallycell('radio', 'cert', 'issue', RADIO, '--days', '2', '--out', join(folder, RADIO))
  await store.batch((sql) => putPlan(sql, planOf(tenant), now))
  const keys = newCardKeys()
  const file = join(folder, 'sims.csv')
  writeFileSync(file, `iccid,imsi,ki,opc\n${ICCID},${IMSI},${keys.ki},${keys.opc}\n`, { mode: 0o600 })
  // From here on the keys are in the vault only, and in the phone.
  await tallycell('batch', 'import', file, '--mnc-digits', '2', '--tenant', tenant).finally(() => rmSync(file))
  const who = ['--tenant', tenant, '--plan', PHONE]
  await tallycell('subscriber', 'activate', PHONE, '--sim', ICCID, ...who)
  await store.batch((sql) =>
    addBalance(sql, {
      ...{ owner: `subscriber:${subscriberId(PHONE)}`, tenant, unit: 'octet', amount: BUNDLE, priority: 0 },
      ...{ reference: `wifi-${now}`, at: millis(now - BigInt(LENGTH) * 1000n), expires: undefined },
      services: { access: undefined, radioClasses: undefined, ratingGroups: undefined, zones: undefined },
    }),
  )
  return createUsim(keys)
}

/** `tallycell plan show demo-wifi` shows it again. */
const planOf = (tenant: PayerId): unknown => ({
  tenant,
  id: PHONE,
  version: 1,
  name: 'Demonstration, Wi-Fi bundle',
  kind: 'prepaid',
  tariffs: [{ name: 'data', price: { octets: 'bundle' } }],
  grant: { largest: { octets: '10 MB' }, least: { octets: '1 MB' }, validity: 600 },
})

interface Report {
  readonly status: 'Start' | 'Interim-Update' | 'Stop'
  readonly seconds: number
  readonly uplink: number
  readonly downlink: number
}

async function account(
  server: Requester,
  session: string,
  mark: Uint8Array,
  report: Report,
  now: Millis,
): Promise<void> {
  const { status, seconds, uplink, downlink } = report
  const totals: NamedAttribute[] = [
    ['Acct-Session-Time', seconds],
    ['Acct-Input-Octets', uplink],
    ['Acct-Output-Octets', downlink],
  ]
  const attributes: NamedAttribute[] = [
    ['Acct-Status-Type', status],
    ['Acct-Session-Id', session],
    ['User-Name', IDENTITY],
    ...NAMES,
    ['NAS-Port-Type', 'Wireless - IEEE 802.11'],
    ['Class', mark],
    ...(status === 'Start' ? [] : totals),
    ...(status === 'Stop' ? [['Acct-Terminate-Cause', 'Admin Reset'] as const] : []),
    ['Event-Timestamp', millis(now - BigInt(LENGTH - seconds) * 1000n)],
  ]
  const answer = await server.request({
    code: CODE['Accounting-Request'],
    attributes: () => attributes,
    patience: PATIENCE,
  })
  if (isSilence(answer)) unanswered(`no answer to accounting over RADIUS: ${answer}`)
}

/** Closes the epoch and waits for the payout. */
async function pay({ billing, context }: WifiDeps, store: Store): Promise<Outcome> {
  const { epoch } = await billing.closeEpoch()
  await billing.settlement.settled(epoch, context.signal)
  await billing.receiptLog.flush()
  return readOutcome(store, epoch)
}
