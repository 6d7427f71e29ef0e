// The keys that 3GPP derives from CK and IK. All use the function of TS 33.220 Annex B.2: HMAC-SHA-256 over FC, the parameters and
// their lengths; each FC belongs to one kind of key.
import { createHash, createHmac } from 'node:crypto'
import { putU16 } from '../../core/wire/bytes/integers.ts'
import { checkLength } from './functions.ts'

const FC_K_ASME = 0x10
const FC_CK_IK_PRIME = 0x20
const FC_K_AUSF = 0x6a
const FC_RES_STAR = 0x6b
const FC_K_SEAF = 0x6c

/** 32 octets for the key `key`, the function code `fc` and its parameters P0, P1 ... (TS 33.220 §B.2). */
function kdf(key: Uint8Array, fc: number, ...parameters: readonly Uint8Array[]): Uint8Array {
  const text = new Uint8Array(parameters.reduce((sum, { length }) => sum + length + 2, 1))
  text[0] = fc
  let at = 1
  for (const parameter of parameters) {
    text.set(parameter, at)
    at += parameter.length
    putU16(text, at, parameter.length)
    at += 2
  }
  return createHmac('sha256', key).update(text).digest()
}

function join(ck: Uint8Array, ik: Uint8Array): Uint8Array {
  checkLength('CK', ck, 16)
  checkLength('IK', ik, 16)
  const key = new Uint8Array(32)
  key.set(ck, 0)
  key.set(ik, 16)
  return key
}

/** Names are octets of UTF-8; they are ASCII in practice. */
const utf8 = (text: string): Uint8Array => Buffer.from(text, 'utf8')

/** K_ASME, 32 octets (TS 33.401 §A.2). `plmn`: the serving network's 3 octets; `sqnXorAk`: the first 6 of AUTN. */
export function kAsme(ck: Uint8Array, ik: Uint8Array, plmn: Uint8Array, sqnXorAk: Uint8Array): Uint8Array {
  checkLength('PLMN', plmn, 3)
  checkLength('SQN xor AK', sqnXorAk, 6)
  return kdf(join(ck, ik), FC_K_ASME, plmn, sqnXorAk)
}

/**
 * CK' and IK', 16 octets each (TS 33.402 §A.2; for 5G TS 33.501 §A.3). `networkName`: the access network identity of TS 24.302
 * (`WLAN`), in 5G the serving network name.
 */
export function ckIkPrime(
  ck: Uint8Array,
  ik: Uint8Array,
  networkName: string,
  sqnXorAk: Uint8Array,
): { readonly ckPrime: Uint8Array; readonly ikPrime: Uint8Array } {
  checkLength('SQN xor AK', sqnXorAk, 6)
  const key = kdf(join(ck, ik), FC_CK_IK_PRIME, utf8(networkName), sqnXorAk)
  return { ckPrime: Uint8Array.from(key.subarray(0, 16)), ikPrime: Uint8Array.from(key.subarray(16)) }
}

/** K_AUSF of 5G AKA, 32 octets (TS 33.501 §A.2). */
export function kAusf(ck: Uint8Array, ik: Uint8Array, servingNetworkName: string, sqnXorAk: Uint8Array): Uint8Array {
  checkLength('SQN xor AK', sqnXorAk, 6)
  return kdf(join(ck, ik), FC_K_AUSF, utf8(servingNetworkName), sqnXorAk)
}

/** RES* of the phone and XRES* of the home network, 16 octets: the second half of the key (TS 33.501 §A.4). */
export function resStar(
  ck: Uint8Array,
  ik: Uint8Array,
  servingNetworkName: string,
  rand: Uint8Array,
  res: Uint8Array,
): Uint8Array {
  checkLength('RAND', rand, 16)
  return Uint8Array.from(kdf(join(ck, ik), FC_RES_STAR, utf8(servingNetworkName), rand, res).subarray(16))
}

/** HRES* and HXRES*, 16 octets: the second half of SHA-256 over RAND and (X)RES* (TS 33.501 §A.5). */
export function hresStar(rand: Uint8Array, star: Uint8Array): Uint8Array {
  checkLength('RAND', rand, 16)
  checkLength('RES*', star, 16)
  return Uint8Array.from(createHash('sha256').update(rand).update(star).digest().subarray(16))
}

/** K_SEAF, 32 octets (TS 33.501 §A.6). */
export function kSeaf(ausfKey: Uint8Array, servingNetworkName: string): Uint8Array {
  checkLength('K_AUSF', ausfKey, 32)
  return kdf(ausfKey, FC_K_SEAF, utf8(servingNetworkName))
}
