// Names of networks as they enter keys and identities: the three octets of a PLMN, and the serving network name of 5G.

export interface Plmn {
  /** Three decimal digits. */
  readonly mcc: string
  /** Two or three decimal digits: 01 and 001 are different networks. */
  readonly mnc: string
}

export interface ServingNetwork extends Plmn {
  /** Network identifier of a stand-alone non-public network, 11 hex digits (TS 23.003 §12.7). */
  readonly nid?: string
}

/** The three octets of a PLMN (TS 24.008 §10.5.1.3), with F where a two-digit MNC has no third digit. */
export function encodePlmn({ mcc, mnc }: Plmn): Uint8Array {
  const digit = (text: string, index: number): number => (index < text.length ? Number(text[index]) : 15)
  return Uint8Array.of(
    (digit(mcc, 1) << 4) | digit(mcc, 0),
    (digit(mnc, 2) << 4) | digit(mcc, 2),
    (digit(mnc, 1) << 4) | digit(mnc, 0),
  )
}

/** Reads the three octets at `at`, or undefined when they are not there or not decimal digits. */
export function decodePlmn(bytes: Uint8Array, at = 0): Plmn | undefined {
  if (at + 3 > bytes.length) return undefined
  const nibble = (index: number): number => ((bytes[at + (index >> 1)] as number) >> (4 * (index & 1))) & 15
  const text = [0, 1, 2, 4, 5].map((index) => nibble(index).toString(16)).join('')
  const third = nibble(3)
  if (!/^[0-9]{5}$/.test(text) || (third > 9 && third !== 15)) return undefined
  return { mcc: text.slice(0, 3), mnc: text.slice(3) + (third === 15 ? '' : third) }
}

/**
 * `5G:mnc070.mcc999.3gppnetwork.org` (TS 24.501 §9.12.1): the MNC has always three digits. EAP-AKA' in 5G uses the same text as
 * network name (TS 33.501 §6.1.3.1).
 */
export function servingNetworkName({ mcc, mnc, nid }: ServingNetwork): string {
  const name = `5G:mnc${mnc.padStart(3, '0')}.mcc${mcc}.3gppnetwork.org`
  return nid === undefined ? name : `${name}:${nid.toUpperCase()}`
}

/** True for a serving network name of 5G. An AUSF checks it before it asks for keys that are bound to it (TS 33.501 §6.1.2). */
export const isServingNetworkName = (text: string): boolean =>
  /^5G:mnc[0-9]{3}\.mcc[0-9]{3}\.3gppnetwork\.org(:[0-9A-F]{11})?$/.test(text)
