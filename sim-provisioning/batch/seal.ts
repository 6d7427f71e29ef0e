// From SIMs as they were read or made to rows with their secrets sealed.
import type { PayerId } from '../../core/kernel/ids.ts'
import type { MncDigits } from '../profiles/home-imsi.ts'
import type { SimState } from '../profiles/sim-machine.ts'
import type { SealedSim } from '../profiles/sims/store.ts'
import { authPlace, codesPlace } from '../vault/material.ts'
import type { Sealer } from '../vault/vault.ts'
import type { NewSim } from './record.ts'

export interface SealTerms {
  readonly tenant: PayerId
  readonly batchNo: bigint
  readonly state: SimState
  readonly form: 'card' | 'esim'
}

export type PlacedSim = NewSim & { readonly mncDigits: MncDigits }

/** Values that sealing one SIM takes, at most. */
export const VALUES_PER_SIM = 2

/** Seals the secrets of a SIM and wipes them. */
export function sealSim(
  sim: PlacedSim,
  terms: SealTerms,
  sealer: Sealer,
  fingerprint: (secret: Uint8Array) => string,
): SealedSim {
  const { auth, codes, ...open } = sim
  const sealed: SealedSim = {
    ...open,
    ...terms,
    fingerprint: fingerprint(auth),
    dataKey: sealer.dataKey,
    auth: sealer.seal(authPlace(sim.iccid), auth),
    codes: codes && sealer.seal(codesPlace(sim.iccid), codes),
  }
  auth.fill(0)
  codes?.fill(0)
  return sealed
}
