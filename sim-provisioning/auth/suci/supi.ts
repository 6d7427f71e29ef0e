// The permanent identity: `imsi-` and the digits, or `nai-` and a network access identifier (TS 29.571 §5.3.2).
import {
  type HomeNetwork,
  isRealm,
  MSIN_OCTETS,
  NAI_OCTETS,
  packDigits,
  type SuciFault,
  suciFault,
  unpackDigits,
  userName,
} from './suci.ts'

/** The SUPI whose plain scheme input (MSIN in BCD, or user name) is `plain`, or the fault `plain`. */
export function supiOf(home: HomeNetwork, plain: Uint8Array): string | SuciFault {
  if ('realm' in home) {
    const user = userName(plain)
    if (user === undefined || plain.length + 1 + home.realm.length > NAI_OCTETS) return suciFault('plain', 'username')
    return `nai-${user}@${home.realm}`
  }
  const msin = plain.length > 0 && plain.length <= MSIN_OCTETS ? unpackDigits(plain) : undefined
  const imsi = `${home.mcc}${home.mnc}${msin ?? ''}`
  return msin === undefined || imsi.length > 15 ? suciFault('plain', 'MSIN') : `imsi-${imsi}`
}

export interface SplitSupi {
  readonly home: HomeNetwork
  /** Scheme input (TS 33.501 §C.3.2). */
  readonly plain: Uint8Array
}

/** Takes a SUPI apart. `mncDigits`: how long the MNC is in an IMSI, which the IMSI itself does not tell. */
export function splitSupi(supi: string, mncDigits: 2 | 3): SplitSupi | SuciFault {
  const imsi = /^imsi-([0-9]{6,15})$/.exec(supi)?.[1]
  if (imsi !== undefined) {
    const msin = imsi.slice(3 + mncDigits)
    if (msin === '' || msin.length > 2 * MSIN_OCTETS) return suciFault('malformed', 'MSIN')
    return { home: { mcc: imsi.slice(0, 3), mnc: imsi.slice(3, 3 + mncDigits) }, plain: packDigits(msin) }
  }
  const [, user, realm] = /^nai-([^@]+)@([^@]+)$/.exec(supi) ?? []
  if (user === undefined || realm === undefined || !isRealm(realm)) return suciFault('malformed', 'SUPI')
  const plain = new Uint8Array(Buffer.from(user, 'utf8'))
  if (userName(plain) !== user || plain.length + 1 + realm.length > NAI_OCTETS)
    return suciFault('malformed', 'username')
  return { home: { realm }, plain }
}
