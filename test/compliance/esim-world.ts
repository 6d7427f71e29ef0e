// An SM-DP+ with certificates for both ends, SIMs that it holds profiles of, and what orders need.
import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import type { Store } from '../../core/store/store.ts'
import { createEs2Client } from '../../sim-provisioning/esim/es2plus/client.ts'
import type { OrderDeps } from '../../sim-provisioning/esim/orders.ts'
import { type Certificate, createCertificates } from '../emulators/freediameter.ts'
import { type Files, type SmDpPlus, startSmDpPlus } from '../emulators/sm-dp-plus.ts'
import { csvOf, testSim, testSims, testVault, testWorld } from './sim-world.ts'

export const REQUESTER = '1.3.6.1.4.1.55555.1'
export const SMDP_ADDRESS = 'smdp.example.com'
export const EID = '89882119900000000000000000001654'

export interface EsimWorld {
  readonly smdp: SmDpPlus
  readonly deps: OrderDeps
  readonly folder: string
  /** The operator, the SM-DP+, and a stranger of another authority; PEM files are FOLDER/NAME.pem and .key. */
  readonly files: Readonly<Record<'operator' | 'localhost' | 'stranger', Files>>
  /** Orders by a client of these options instead. */
  withClient(options: { timeout?: number; as?: Files; url?: string; requesterId?: string }): OrderDeps
}

/** SIMs 0 to 9 of acme; the SM-DP+ has profiles of all but 9, of the type `data`. */
export async function esimWorld(t: Test, store: Store): Promise<EsimWorld> {
  const folder = join(t.testdirName, 'certificates')
  mkdirSync(join(folder, 'foreign'), { recursive: true })
  await testWorld(t, store, testVault(t, store, folder)).load(csvOf(testSims(10)))
  const own = createCertificates(folder, ['operator', 'localhost'])
  const foreign = createCertificates(join(folder, 'foreign'), ['stranger'])
  const ca = readFileSync(join(folder, 'ca.pem'))
  const read = ({ cert, key }: Certificate): Files => ({
    certificate: readFileSync(cert),
    key: readFileSync(key),
    ca,
  })
  const pick = (found: Certificate | undefined): Files => {
    if (found === undefined) throw new Error('a certificate was not made')
    return read(found)
  }
  const files = { operator: pick(own.operator), localhost: pick(own.localhost), stranger: pick(foreign.stranger) }
  const profiles = testSims(9).map(({ iccid }): [string, string] => [iccid, 'data'])
  const smdp = await startSmDpPlus({ tls: files.localhost, profiles, requesterId: REQUESTER, address: SMDP_ADDRESS })
  t.teardown(() => smdp.stop())
  const withClient: EsimWorld['withClient'] = ({ timeout = 5000, as = files.operator, ...rest }) => ({
    store,
    smdpAddress: SMDP_ADDRESS,
    client: createEs2Client({}, { url: smdp.url, requesterId: REQUESTER, tls: as, timeout, pauses: [5, 5], ...rest }),
  })
  return { smdp, deps: withClient({}), folder, files, withClient }
}

export const iccidOf = (n: number): string => testSim(n).iccid
