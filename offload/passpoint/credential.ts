// How the holder of a profile authenticates.

import type { Plmn, SimEapType } from './network.ts'
import type { KeyedCertificate } from './pem.ts'

export interface SimCredential {
  readonly kind: 'sim'
  /** The IMSI, or the beginning of one and '*': any SIM of that network. */
  readonly imsi: string
  readonly plmn: Plmn
  /** Best first. */
  readonly methods: readonly SimEapType[]
}

/** EAP-TLS with a certificate of the holder's own. */
export interface TlsCredential {
  readonly kind: 'tls'
  readonly client: KeyedCertificate
  readonly realm: string
  /** Who may have issued the server's certificate; the root last. */
  readonly authorities: readonly Uint8Array[]
  /** Names that the server's certificate may bear. */
  readonly serverNames: readonly string[]
}

export type Credential = SimCredential | TlsCredential

/** Whom a profile is for. */
export interface Holder {
  readonly kind: 'subscriber' | 'partner'
  /** Id of the subscriber or partner; never an IMSI, it is shown. */
  readonly id: string
}
