// The question of every core network and access point that lets a phone in: challenges for this SIM. Answered without a key leaving
// sim-provisioning; the sequence numbers in an answer are stored before it is given, and never given again.
import type { Imsi } from '../kernel/ids.ts'

/** What the vectors are for: UMTS, IMS and EAP-AKA; EPS; EAP-AKA'; 5G-AKA. */
export type VectorKind = 'umts' | 'eps' | 'aka-prime' | '5g'

export interface VectorRequest {
  readonly imsi: Imsi
  readonly kind: VectorKind
  /**
   * What the keys are bound to: nothing for `umts`; for `eps` the serving PLMN, digits of MCC and MNC (TS 33.401 §6.1.1); for `aka-prime` the
   * network name (RFC 9048 §3.1); for `5g` the serving network name (TS 24.501 §9.12.1).
   */
  readonly network: string
  /** Who asks: Diameter host, NF instance, realm. Each has its part of the USIM's array of sequence numbers. */
  readonly servingEntity: string
  /** 1 to 32. Vectors for 5G are made one at a time (TS 33.501 §6.1.2). */
  readonly count: number
  /** What a USIM sent that did not like the sequence number of the challenge `rand` (TS 33.102 §6.3.5). */
  readonly resync?: { readonly rand: Uint8Array; readonly auts: Uint8Array } | undefined
}

interface Challenge {
  /** 16 octets. */
  readonly rand: Uint8Array
  /** 16 octets. */
  readonly autn: Uint8Array
}

export type AuthVector =
  | (Challenge & { readonly kind: 'umts'; readonly xres: Uint8Array; readonly ck: Uint8Array; readonly ik: Uint8Array })
  | (Challenge & { readonly kind: 'eps'; readonly xres: Uint8Array; readonly kAsme: Uint8Array })
  | (Challenge & {
      readonly kind: 'aka-prime'
      readonly xres: Uint8Array
      readonly ckPrime: Uint8Array
      readonly ikPrime: Uint8Array
    })
  | (Challenge & { readonly kind: '5g'; readonly xresStar: Uint8Array; readonly kAusf: Uint8Array })

/**
 * `unknown`: no SIM has this IMSI. `barred`: it is not active. `resync-refused`: the AUTS is not of this SIM. `exhausted`: no sequence number
 * is left, the SIM has to be replaced. `unavailable`: its keys cannot be opened. `malformed`: the request is not of the form above.
 */
export type VectorAnswer =
  | { readonly result: 'vectors'; readonly vectors: readonly AuthVector[] }
  | { readonly result: 'unknown' | 'barred' | 'resync-refused' | 'exhausted' | 'unavailable' | 'malformed' }

export interface AuthVectorPort {
  vectors(request: VectorRequest): Promise<VectorAnswer>
}
