// Who a peer says it is: NAIs of SIMs, permanent or made here. The first character says which and for which method (TS 23.003 §19.3, RFC
// 4187 §4.1.1). Pseudonyms and re-authentication identities are sealed values, so that any node reads them and nobody else does.
import type { Imsi } from '../../core/kernel/ids.ts'
import { EAP_TYPE } from '../../core/wire/eap/packet.ts'
import { packDigits, packFields, unpackDigits, unpackFields } from './fields.ts'
import type { Sealer } from './seal.ts'

export type SimType = typeof EAP_TYPE.sim | typeof EAP_TYPE.aka | typeof EAP_TYPE.akaPrime

/** What a re-authentication identity carries: the keys of the full authentication, and how often they were used. */
export interface Reauthentication {
  readonly type: SimType
  readonly imsi: Imsi
  readonly counter: number
  readonly encr: Uint8Array
  readonly aut: Uint8Array
  readonly re: Uint8Array
}

export type Claim =
  | { readonly kind: 'permanent' | 'pseudonym'; readonly imsi: Imsi }
  | ({ readonly kind: 'reauthentication' } & Reauthentication)
  | { readonly kind: 'unknown' }

export interface Identities {
  /** What an identity says; `unknown` for what is anonymous, foreign, too old or forged. */
  read(identity: string, now: bigint): Claim
  /** A user name without realm (RFC 4187 §10.10). */
  pseudonym(type: SimType, imsi: Imsi, now: bigint): string
  /** An NAI; undefined where the realm leaves no room. */
  reauthentication(of: Reauthentication, realm: string, now: bigint): string | undefined
}

const PREFIX: Readonly<Record<SimType, { permanent: string; pseudonym: string; reauthentication: string }>> = {
  [EAP_TYPE.sim]: { permanent: '1', pseudonym: '3', reauthentication: '5' },
  [EAP_TYPE.aka]: { permanent: '0', pseudonym: '2', reauthentication: '4' },
  [EAP_TYPE.akaPrime]: { permanent: '6', pseudonym: '7', reauthentication: '8' },
}
const METHOD = new Map<string, SimType>(
  Object.entries(PREFIX).flatMap(([type, letters]) =>
    Object.values(letters).map((letter): [string, SimType] => [letter, Number(type) as SimType]),
  ),
)
const PERMANENT = /^[016]([0-9]{6,15})$/
const SEALED = /^[2-578]([A-Za-z0-9_-]{40,240})$/
/** RFC 7542 §2.3. */
const MAX_NAI = 253

/** The method that the identity asks for, by its first character; undefined where that says nothing. */
export const typeOf = (identity: string): SimType | undefined => METHOD.get(identity.slice(0, 1))

/** What follows the first @, with it; empty where there is none. */
export const realmOf = (identity: string): string => {
  const at = identity.indexOf('@')
  return at < 0 ? '' : identity.slice(at)
}

/** `pseudonymDays`, `reauthenticationDays`: how old such an identity may be. */
export function createIdentities(
  sealer: Sealer,
  { pseudonymDays, reauthenticationDays }: { readonly pseudonymDays: number; readonly reauthenticationDays: number },
): Identities {
  const open = (user: string, now: bigint): Claim => {
    const text = SEALED.exec(user)?.[1]
    const kind = user.slice(0, 1)
    if (text === undefined) return { kind: 'unknown' }
    const sealed = Buffer.from(text, 'base64url')
    if ('458'.includes(kind)) {
      const plain = sealer.open('reauthentication', sealed, now, reauthenticationDays)
      return (plain && reauthentication(plain)) ?? { kind: 'unknown' }
    }
    const plain = sealer.open('pseudonym', sealed, now, pseudonymDays)
    return plain === undefined ? { kind: 'unknown' } : { kind: 'pseudonym', imsi: unpackDigits(plain) as Imsi }
  }
  return {
    read(identity, now) {
      const user = identity.split('@', 1)[0] ?? ''
      const imsi = PERMANENT.exec(user)?.[1]
      return imsi === undefined ? open(user, now) : { kind: 'permanent', imsi: imsi as Imsi }
    },
    pseudonym: (type, imsi, now) => PREFIX[type].pseudonym + text(sealer.seal('pseudonym', packDigits(imsi), now)),
    reauthentication({ type, imsi, counter, encr, aut, re }, realm, now) {
      const head = Uint8Array.of(type, counter >>> 8, counter)
      const sealed = sealer.seal('reauthentication', packFields([head, packDigits(imsi), encr, aut, re]), now)
      const nai = PREFIX[type].reauthentication + text(sealed) + realm
      return nai.length > MAX_NAI ? undefined : nai
    },
  }
}

const text = (octets: Uint8Array): string => Buffer.from(octets).toString('base64url')

function reauthentication(plain: Uint8Array): Claim | undefined {
  const [head, imsi, encr, aut, re] = unpackFields(plain) ?? []
  const [type, high, low] = head ?? []
  if (!imsi || !encr || !aut || !re || type === undefined || high === undefined || low === undefined) return undefined
  return {
    kind: 'reauthentication',
    type: type as SimType,
    imsi: unpackDigits(imsi) as Imsi,
    counter: (high << 8) | low,
    encr,
    aut,
    re,
  }
}
