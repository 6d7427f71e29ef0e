// A vault, and SIM files to fill it with.
import { createHash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import { suspend as suspendCharging } from '../../billing/charging/suspension/store.ts'
import { iccidOf } from '../../core/kernel/iccid.ts'
import { type Imsi, imsi, type PayerId, payerId } from '../../core/kernel/ids.ts'
import { millis } from '../../core/kernel/units.ts'
import { createKeyStore } from '../../core/runtime/keys.ts'
import type { Store } from '../../core/store/store.ts'
import { type ImportOptions, type ImportReport, importBatch } from '../../sim-provisioning/batch/import.ts'
import type { LifeDeps } from '../../sim-provisioning/profiles/subscriptions/life.ts'
import { createVault, type Vault } from '../../sim-provisioning/vault/vault.ts'

export const NOW = millis(1_763_600_000_000n)
export const ACME: PayerId = payerId('acme')
export const clock = () => NOW
export const act = { actor: 'alice', now: NOW }

/** What the life of subscriptions needs, with billing as it is in a node. */
export const lifeDeps = (store: Store): LifeDeps => ({ store, suspendCharging })

/** A vault on `store` with a key-encryption key of its own. */
export function testVault(t: Test, store: Store, directory = t.testdir()): Vault {
  return createVault(store, createKeyStore({ directory: join(directory, 'keys') }).kek)
}

const key = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 32)

export interface TestSim {
  readonly iccid: string
  readonly imsi: Imsi
  readonly ki: string
  readonly opc: string
}

/** The SIM number `n`. */
export const testSim = (n: number): TestSim => ({
  iccid: iccidOf(`8988211${String(n).padStart(11, '0')}`),
  imsi: imsi(`00101${String(n).padStart(10, '0')}`),
  ki: key(`k ${n}`),
  opc: key(`opc ${n}`),
})

/** As pySim writes them. */
export const csvOf = (sims: readonly TestSim[]): string =>
  [
    'iccid,imsi,ki,opc,pin1,puk1,pin_adm',
    ...sims.map((s) => `${s.iccid},${s.imsi},${s.ki},${s.opc},1234,12345678,87654321`),
    '',
  ].join('\n')

export const testSims = (count: number, from = 0): TestSim[] =>
  Array.from({ length: count }, (_, n) => testSim(from + n))

export interface World {
  readonly store: Store
  readonly vault: Vault
  load(content: string, options?: Partial<ImportOptions>, signal?: AbortSignal): Promise<ImportReport>
}

let files = 0

export function testWorld(t: Test, store: Store, vault = testVault(t, store)): World {
  const folder = t.testdirName
  return {
    store,
    vault,
    load(content, options = {}, signal = new AbortController().signal) {
      const path = join(folder, `sims-${++files}`)
      writeFileSync(path, content)
      const wanted = {
        path,
        format: 'pysim',
        tenant: ACME,
        mode: 'row',
        dryRun: false,
        mncDigits: 2,
        ...options,
      } as const
      return importBatch({ store, vault, clock, signal }, wanted)
    },
  }
}
