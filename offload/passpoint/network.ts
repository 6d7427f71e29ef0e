// The network as access points announce it and phones look for it.
import { fail } from '../../core/kernel/errors.ts'
import type { PasspointSettings } from './settings.ts'

/** A mobile network; the MNC has two or three digits, and which is data (TS 23.003 §2.2). */
export interface Plmn {
  readonly mcc: string
  readonly mnc: string
}

/** EAP method types (IANA): 18 EAP-SIM, 23 EAP-AKA, 50 EAP-AKA'. */
export type SimEapType = 18 | 23 | 50
export const EAP_TLS = 13

export interface PasspointNetwork {
  readonly operator: string
  readonly ssid: string
  /** Domain name of the operator. */
  readonly domain: string
  /** Lower-case hex, 6 or 10 digits. */
  readonly rcois: readonly string[]
  /** Those written down, without those of `plmns`. */
  readonly realms: readonly string[]
  readonly plmns: readonly Plmn[]
  /** Best first. */
  readonly simMethods: readonly SimEapType[]
}

const EAP_TYPES = { 'aka-prime': 50, aka: 23, sim: 18 } as const

/** Throws PASSPOINT_SETTING_MISSING or PASSPOINT_SETTING_INVALID. */
export function readNetwork(settings: PasspointSettings): PasspointNetwork {
  const { domain, rcois, realms } = settings
  if (domain === undefined) return fail('PASSPOINT_SETTING_MISSING', { setting: 'domain', example: 'wifi.example.org' })
  if (rcois.length + realms.length + settings.plmns.length === 0)
    fail('PASSPOINT_SETTING_MISSING', { setting: 'plmns, realms or rcois', example: '[001-01]' })
  return {
    operator: plainText('operator', settings.operator, 64),
    ssid: plainText('ssid', settings.ssid, 32),
    domain: domain.toLowerCase(),
    rcois: unique(rcois.map((rcoi) => rcoi.toLowerCase())),
    realms: unique(realms.map((realm) => realm.toLowerCase())),
    plmns: readPlmns(settings.plmns),
    simMethods: unique(settings.eapMethods.map((method) => EAP_TYPES[method])),
  }
}

const unique = <Item>(items: readonly Item[]): Item[] => [...new Set(items)]

/** A name that fits on one line of any file: no control characters, nothing that is no text at all. */
function plainText(setting: string, text: string, octets: number): string {
  const problem = /[\p{Cc}\p{Surrogate}\p{Noncharacter_Code_Point}\u2028\u2029]/u.test(text)
    ? 'it holds a character that is not printable'
    : text.trim() !== text
      ? 'it begins or ends with a blank'
      : Buffer.byteLength(text) > octets
        ? `it is longer than ${octets} octets`
        : undefined
  return problem === undefined ? text : fail('PASSPOINT_SETTING_INVALID', { setting, problem })
}

/** An IMSI does not tell where its MNC ends, so no network may begin like another. */
function readPlmns(texts: readonly string[]): Plmn[] {
  const plmns = unique(texts).map(plmn)
  for (const one of plmns)
    for (const other of plmns)
      if (one !== other && `${other.mcc}${other.mnc}`.startsWith(one.mcc + one.mnc))
        fail('PASSPOINT_SETTING_INVALID', {
          setting: 'plmns',
          problem: `${formatPlmn(one)} and ${formatPlmn(other)} cannot be told apart`,
        })
  return plmns
}

/** Parses MCC-MNC; throws `ID_INVALID`. */
export function plmn(text: string): Plmn {
  const [, mcc, mnc] = /^([0-9]{3})-([0-9]{2,3})$/.exec(text) ?? []
  if (mcc !== undefined && mnc !== undefined) return { mcc, mnc }
  return fail('ID_INVALID', { what: 'network', expected: 'MCC-MNC, such as 001-01', came: text.slice(0, 16) })
}

export const formatPlmn = ({ mcc, mnc }: Plmn): string => `${mcc}-${mnc}`

/** Realm of the network's SIMs on Wi-Fi (TS 23.003 §14.2): an MNC of two digits gets a 0 in front. */
export const simRealm = ({ mcc, mnc }: Plmn): string => `wlan.mnc${mnc.padStart(3, '0')}.mcc${mcc}.3gppnetwork.org`

/** A realm, and the EAP methods by which its users authenticate, best first. */
export interface RealmMethods {
  readonly realm: string
  readonly methods: readonly number[]
}

/** Every realm for ANQP: those written down take certificates too, those of mobile networks take SIMs only. */
export const announcedRealms = ({ realms, plmns, simMethods }: PasspointNetwork): RealmMethods[] => [
  ...realms.map((realm) => ({ realm, methods: [...(plmns.length > 0 ? simMethods : []), EAP_TLS] })),
  ...plmns.map((network) => ({ realm: simRealm(network), methods: simMethods })),
]
