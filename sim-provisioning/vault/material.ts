// What a SIM keeps secret, as octets for the vault: the keys of authentication apart from the codes that people type, so that making a
// vector never touches the latter. Both are octets from the moment they are read: a log shows their length only.
import type { AuthenticationFunctions } from '../auth/functions.ts'
import { milenage, opcOf } from '../auth/milenage.ts'
import { topcOf, tuak } from '../auth/tuak.ts'

export type Algorithm = 'milenage' | 'tuak'

/** An encoded K with OPc or TOPc. */
export type AuthMaterial = Uint8Array
/** Encoded PINs, PUKs and administrative keys. */
export type CodeMaterial = Uint8Array

/** Codes by their name in SIM files. */
export const CODES = ['pin1', 'puk1', 'pin2', 'puk2', 'adm1', 'kic1', 'kid1', 'kik1'] as const
export type Codes = Readonly<Partial<Record<(typeof CODES)[number], string>>>

const ALGORITHMS: readonly Algorithm[] = ['milenage', 'tuak']
const HEAD = 2

/** Octets of OPc or TOPc. */
export const OPERATOR_OCTETS: Readonly<Record<Algorithm, number>> = { milenage: 16, tuak: 32 }

/** `operator`: OPc or TOPc. Lengths are checked by whoever reads them. */
export function encodeAuth(algorithm: Algorithm, k: Uint8Array, operator: Uint8Array): AuthMaterial {
  const octets = new Uint8Array(HEAD + k.length + operator.length)
  octets[0] = ALGORITHMS.indexOf(algorithm)
  octets[1] = k.length
  octets.set(k, HEAD)
  octets.set(operator, HEAD + k.length)
  return octets
}

/** OPc or TOPc from the operator's OP or TOP, which is kept nowhere. Throws AUTH_LENGTH_INVALID. */
export const operatorKey = (algorithm: Algorithm, k: Uint8Array, op: Uint8Array): Uint8Array =>
  algorithm === 'milenage' ? opcOf(k, op) : topcOf(k, op)

export interface Auth {
  readonly algorithm: Algorithm
  readonly k: Uint8Array
  /** OPc or TOPc. */
  readonly operator: Uint8Array
}

/** The inverse of `encodeAuth`; views, not copies. */
export function decodeAuth(material: AuthMaterial): Auth {
  const algorithm = ALGORITHMS[material[0] ?? -1]
  const end = HEAD + (material[1] ?? 0)
  if (algorithm === undefined || material.length !== end + OPERATOR_OCTETS[algorithm])
    throw new RangeError('the keys of a SIM are not of the form that was sealed')
  return { algorithm, k: material.subarray(HEAD, end), operator: material.subarray(end) }
}

/** f1 to f5* of the SIM; they keep no reference to `material`. */
export function functionsOf(material: AuthMaterial): AuthenticationFunctions {
  const { algorithm, k, operator } = decodeAuth(material)
  return algorithm === 'milenage' ? milenage(k, operator) : tuak(k, operator)
}

/** Undefined when there are none. */
export function encodeCodes(codes: Codes): CodeMaterial | undefined {
  return Object.keys(codes).length === 0 ? undefined : Buffer.from(JSON.stringify(codes))
}

export const decodeCodes = (material: CodeMaterial): Codes => JSON.parse(Buffer.from(material).toString()) as Codes

/** The places of the vault where they are kept. */
export const authPlace = (iccid: string): string => `sim-auth ${iccid}`
export const codesPlace = (iccid: string): string => `sim-codes ${iccid}`
