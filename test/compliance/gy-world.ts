// A charging node that gateways reach over Diameter: real directories, the real engine, a store of the test's.
import { pino } from 'pino'
import { Registry } from 'prom-client'
import type { Test } from 'tap'
import { putPlan, putTenant } from '../../billing/charging/catalogue/store.ts'
import { type Charging, createCharging } from '../../billing/charging/charging.ts'
import { createChargingApplications } from '../../billing/charging/gy/applications.ts'
import { type Clock, systemClock } from '../../core/kernel/clock.ts'
import { imsi, payerId, planId, radioId, subscriberId, wallet } from '../../core/kernel/ids.ts'
import { microtokens, millis } from '../../core/kernel/units.ts'
import type { Store } from '../../core/store/store.ts'
import { createDiameterNode, type DiameterNode, type DiameterNodeOptions } from '../../core/transport/diameter/node.ts'
import type { Avps } from '../../core/wire/diameter/dictionary.ts'
import { all, get, type Message } from '../../core/wire/diameter/message.ts'
import { createRadioDirectory } from '../../radio/registry/directory.ts'
import { addRadio, type NewRadio } from '../../radio/registry/store.ts'
import { createSubscriberDirectory } from '../../sim-provisioning/profiles/directory.ts'
import { addSubscriber } from '../../sim-provisioning/profiles/store.ts'
import type { GySession } from '../emulators/gy-smf.ts'
import { giveOctets, NOON, PLAN, tenant } from './charging-world.ts'

const OWNER = wallet('7EqQdEULxWcraVx3mXKFjc84LhCkMGZCkRuDpvcMwJeK')
export const IMSI = '999700000000001'

export interface GyWorld {
  readonly port: number
  readonly node: DiameterNode
  readonly charging: Charging
  /** The value of a metric with the labels given as Prometheus writes them. */
  metric(name: string, labels?: string): Promise<number>
  settled(): Promise<void>
  stop(): Promise<void>
}

export interface GyWorldOptions extends Partial<DiameterNodeOptions> {
  readonly offline?: boolean
  readonly homeNetworks?: readonly string[]
  readonly clock?: Clock
}

/** A tenant with its plans; `s-1`, `s-2`, … for the IMSIs, on the first of the plans, with `octets` each. */
export async function preparePhones(
  store: Store,
  imsis: readonly string[],
  { octets = 1_000_000_000_000n, plans = [PLAN] }: { octets?: bigint; plans?: readonly { id: string }[] } = {},
): Promise<void> {
  const at = millis(NOON)
  await store.batch(async (sql) => {
    await putTenant(sql, { tenant, currency: 'EUR', decimals: 2, mode: 'half-even', timeZone: 'UTC' })
    for (const plan of plans) await putPlan(sql, plan, at)
  })
  for (const [index, digits] of imsis.entries()) {
    const subscriber = subscriberId(`s-${index + 1}`)
    const plan = planId(plans[0]?.id ?? PLAN.id)
    await addSubscriber(store, { subscriber, imsi: imsi(digits), payer: payerId(tenant), plan }, at)
    if (octets > 0n) await giveOctets(store, `subscriber:${subscriber}`, octets, undefined, `gift-${subscriber}`)
  }
}

export const registerCell = (store: Store, radio: string, cell: string, more: Partial<NewRadio> = {}): Promise<void> =>
  addRadio(store, { radio: radioId(radio), access: 'lte', cell, owner: OWNER, ...more }, millis(NOON))

/** Starts `ocs.localdomain` on a free port. */
export async function startGy(t: Test, store: Store, options: GyWorldOptions = {}): Promise<GyWorld> {
  const { offline = false, homeNetworks = [], clock = systemClock, ...rest } = options
  const radios = createRadioDirectory(store, { minInterval: 0 })
  const subscribers = createSubscriberDirectory(store, { minInterval: 0 })
  await Promise.all([radios.load(), subscribers.load()])
  const metrics = new Registry()
  const log = pino({ level: 'silent' })
  const charging = createCharging(
    { store, subscribers, radioClass: (radio) => radios.byId(radio)?.class },
    { price: microtokens(2000n) },
  )
  const deps = { log, metrics, clock }
  const charges = createChargingApplications(
    { ...deps, store, charging, radios, subscribers },
    { homeNetworks, offline },
  )
  const node = createDiameterNode(deps, {
    identity: 'ocs.localdomain',
    realm: 'localdomain',
    listen: [{ host: '127.0.0.1', port: 0 }],
    peers: [{ identity: 'smf.localdomain' }],
    applications: charges.applications,
    ...rest,
  })
  await node.start()
  let running = true
  const stop = async (): Promise<void> => {
    if (!running) return
    running = false
    await node.stop()
    await charges.settled()
  }
  t.teardown(stop)
  return {
    port: node.addresses()[0]?.port ?? 0,
    node,
    charging,
    settled: charges.settled,
    stop,
    async metric(name, labels = '') {
      const text = await metrics.metrics()
      const line = text.split('\n').find((each) => each.startsWith(`${name}${labels === '' ? ' ' : `{${labels}}`}`))
      return Number(line?.split(' ').at(-1) ?? Number.NaN)
    },
  }
}

/** A phone's bearer in a cell of Open5GS's test network. */
export const bearer = (session: string, more: Partial<GySession> = {}): GySession => ({
  sessionId: `smf.localdomain;1;${session};app_gy`,
  imsi: IMSI,
  imeisv: '8665070400405301',
  apn: 'internet',
  chargingId: 7,
  address: '10.45.0.2',
  sgsn: '127.0.0.3',
  ggsn: '127.0.0.4',
  plmn: '99970',
  nsapi: Uint8Array.of(5),
  timeZone: Uint8Array.of(0, 0),
  location: locationOf(0x1079baf),
  ratType: Uint8Array.of(6),
  ...more,
})

/** TAI 1 and an ECI of 999-70. */
export function locationOf(eci: number): Uint8Array {
  const octets = Buffer.from('8299f907000199f90700000000', 'hex')
  octets.writeUInt32BE(eci, 9)
  return octets
}

export interface Told {
  readonly result: unknown
  readonly service: unknown
  readonly octets: unknown
  readonly validity: unknown
  readonly final: unknown
}

/** What an answer tells the SMF. */
export function told(answer: Message): Told {
  const [service] = all(answer, 'Multiple-Services-Credit-Control') as Avps[]
  const grant = service && (get(service, 'Granted-Service-Unit') as Avps | undefined)
  const final = service && (get(service, 'Final-Unit-Indication') as Avps | undefined)
  return {
    result: get(answer, 'Result-Code'),
    service: service && get(service, 'Result-Code'),
    octets: grant && get(grant, 'CC-Total-Octets'),
    validity: service && get(service, 'Validity-Time'),
    final: final && get(final, 'Final-Unit-Action'),
  }
}
