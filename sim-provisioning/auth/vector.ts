// Authentication vectors: what a home network hands out for one challenge, by the kind of network that asks. RAND must be fresh and
// unpredictable and SQN newly issued; both come from the caller. The AMF separation bit (TS 33.102 Annex H) is set here: vectors for
// EPS, EAP-AKA' and 5G carry it, a UMTS quintet never does, so that nobody can make keys of the one kind from a vector of the other.
import { type AuthenticationFunctions, type Challenge, checkLength, xor } from './functions.ts'
import { ckIkPrime, hresStar, kAsme, kAusf, kSeaf, resStar } from './kdf.ts'
import { type Sqn, sqnOctets } from './sqn.ts'

interface Base {
  readonly rand: Uint8Array
  /** (SQN xor AK) || AMF || MAC-A, 16 octets. */
  readonly autn: Uint8Array
}

/** Quintet of UMTS, IMS and EAP-AKA (TS 33.102 §6.3.2). */
export interface UmtsVector extends Base {
  readonly xres: Uint8Array
  readonly ck: Uint8Array
  readonly ik: Uint8Array
}

/** TS 33.401 §6.1.2. */
export interface EpsVector extends Base {
  readonly xres: Uint8Array
  readonly kAsme: Uint8Array
}

/** Transformed vector of EAP-AKA' (TS 33.402 §6.2, TS 33.501 §6.1.3.1). */
export interface AkaPrimeVector extends Base {
  readonly xres: Uint8Array
  readonly ckPrime: Uint8Array
  readonly ikPrime: Uint8Array
}

/** 5G HE AV, from UDM to AUSF (TS 33.501 §6.1.3.2). */
export interface HomeVector extends Base {
  readonly xresStar: Uint8Array
  readonly kAusf: Uint8Array
}

/** 5G SE AV, from AUSF to SEAF, with the K_SEAF that follows only when the phone has answered (TS 33.501 §6.1.3.2). */
export interface ServingVector extends Base {
  readonly hxresStar: Uint8Array
  readonly kSeaf: Uint8Array
}

const SEPARATION = 0x80

/** A copy of the AMF with the separation bit, bit 0 of TS 33.102 Annex H, set or cleared. */
export function withSeparationBit(amf: Uint8Array, set: boolean): Uint8Array {
  checkLength('AMF', amf, 2)
  const first = amf[0] as number
  return Uint8Array.of(set ? first | SEPARATION : first & ~SEPARATION, amf[1] as number)
}

export const hasSeparationBit = (amf: Uint8Array): boolean => ((amf[0] as number) & SEPARATION) !== 0

/** AUTN is the only place for SQN xor AK: its first 6 octets go into most keys. */
function challenge(
  functions: AuthenticationFunctions,
  rand: Uint8Array,
  sqn: Sqn,
  amf: Uint8Array,
): Challenge & { readonly autn: Uint8Array; readonly sqnXorAk: Uint8Array } {
  const octets = sqnOctets(sqn)
  const made = functions.challenge(rand, octets, amf)
  checkLength('MAC-A', made.macA, 8)
  checkLength('RES', made.res, 4, 8, 16)
  const autn = new Uint8Array(16)
  const sqnXorAk = xor(octets, made.ak)
  autn.set(sqnXorAk, 0)
  autn.set(amf, 6)
  autn.set(made.macA, 8)
  return { ...made, autn, sqnXorAk }
}

/** A quintet, with the separation bit of `amf` cleared. */
export function umtsVector(
  functions: AuthenticationFunctions,
  rand: Uint8Array,
  sqn: Sqn,
  amf: Uint8Array,
): UmtsVector {
  const { autn, res, ck, ik } = challenge(functions, rand, sqn, withSeparationBit(amf, false))
  return { rand, autn, xres: res, ck, ik }
}

/** An EPS vector for the serving network `plmn` (3 octets), with the separation bit of `amf` set. */
export function epsVector(
  functions: AuthenticationFunctions,
  rand: Uint8Array,
  sqn: Sqn,
  amf: Uint8Array,
  plmn: Uint8Array,
): EpsVector {
  const { autn, res, ck, ik, sqnXorAk } = challenge(functions, rand, sqn, withSeparationBit(amf, true))
  return { rand, autn, xres: res, kAsme: kAsme(ck, ik, plmn, sqnXorAk) }
}

/** An EAP-AKA' vector for the network name, with the separation bit of `amf` set. */
export function akaPrimeVector(
  functions: AuthenticationFunctions,
  rand: Uint8Array,
  sqn: Sqn,
  amf: Uint8Array,
  networkName: string,
): AkaPrimeVector {
  const { autn, res, ck, ik, sqnXorAk } = challenge(functions, rand, sqn, withSeparationBit(amf, true))
  return { rand, autn, xres: res, ...ckIkPrime(ck, ik, networkName, sqnXorAk) }
}

/** A 5G HE AV for the serving network name, with the separation bit of `amf` set. */
export function homeVector(
  functions: AuthenticationFunctions,
  rand: Uint8Array,
  sqn: Sqn,
  amf: Uint8Array,
  servingNetworkName: string,
): HomeVector {
  const { autn, res, ck, ik, sqnXorAk } = challenge(functions, rand, sqn, withSeparationBit(amf, true))
  return {
    rand,
    autn,
    xresStar: resStar(ck, ik, servingNetworkName, rand, res),
    kAusf: kAusf(ck, ik, servingNetworkName, sqnXorAk),
  }
}

/** The AUSF's part of a 5G HE AV. */
export function servingVector(home: HomeVector, servingNetworkName: string): ServingVector {
  const { rand, autn, xresStar } = home
  return { rand, autn, hxresStar: hresStar(rand, xresStar), kSeaf: kSeaf(home.kAusf, servingNetworkName) }
}
