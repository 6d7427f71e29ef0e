// Keys of EAP-SIM, EAP-AKA and EAP-AKA' (RFC 4186 §7, RFC 4187 §7, RFC 9048 §3.3 and §3.4). Lengths are octets.
import { createHash, createHmac } from 'node:crypto'
import { fips186Prf } from './fips186.ts'

export interface MethodKeys {
  /** 16: AES-128 for AT_ENCR_DATA. */
  readonly encr: Uint8Array
  /** For AT_MAC: 16 with HMAC-SHA-1, 32 with HMAC-SHA-256 (EAP-AKA'). */
  readonly aut: Uint8Array
  /** What fast re-authentication starts from: K_re, 32 (EAP-AKA'), or MK, 20. */
  readonly re: Uint8Array
}

export interface SessionKeys {
  /** 64. */
  readonly msk: Uint8Array
  /** 64. */
  readonly emsk: Uint8Array
}

/** PRF' (RFC 9048 §3.4): `length` octets, HMAC-SHA-256 chained over `seed`. */
function prfPrime(key: Uint8Array, seed: Uint8Array, length: number): Uint8Array {
  const out = Buffer.alloc(Math.ceil(length / 32) * 32)
  for (let at = 0, block = 1; at < length; at += 32, block++) {
    const mac = createHmac('sha256', key)
    if (at > 0) mac.update(out.subarray(at - 32, at))
    out.set(mac.update(seed).update(Uint8Array.of(block)).digest(), at)
  }
  return out.subarray(0, length)
}

const PRIME_SEED = Buffer.from("EAP-AKA'")

/** As `akaPrimeKeys`, without the session's, which cost as much again and are wanted only when the peer has answered. */
export function akaPrimeMethodKeys(ckPrime: Uint8Array, ikPrime: Uint8Array, identity: Uint8Array): MethodKeys {
  const mk = prfPrime(Buffer.concat([ikPrime, ckPrime]), Buffer.concat([PRIME_SEED, identity]), 80)
  return { encr: mk.subarray(0, 16), aut: mk.subarray(16, 48), re: mk.subarray(48, 80) }
}

/** EAP-AKA' full authentication (RFC 9048 §3.3); `identity`: the last one that the peer sent, as octets. */
export function akaPrimeKeys(ckPrime: Uint8Array, ikPrime: Uint8Array, identity: Uint8Array): MethodKeys & SessionKeys {
  const mk = prfPrime(Buffer.concat([ikPrime, ckPrime]), Buffer.concat([PRIME_SEED, identity]), 208)
  return {
    encr: mk.subarray(0, 16),
    aut: mk.subarray(16, 48),
    re: mk.subarray(48, 80),
    msk: mk.subarray(80, 144),
    emsk: mk.subarray(144, 208),
  }
}

const sha1 = (...parts: readonly Uint8Array[]): Buffer => {
  const hash = createHash('sha1')
  for (const part of parts) hash.update(part)
  return hash.digest()
}

/** Expands the master key of EAP-SIM and EAP-AKA (RFC 4187 §7). */
export function keysOfMaster(mk: Uint8Array): MethodKeys & SessionKeys {
  const out = fips186Prf(mk, 160)
  return {
    encr: out.subarray(0, 16),
    aut: out.subarray(16, 32),
    re: mk,
    msk: out.subarray(32, 96),
    emsk: out.subarray(96, 160),
  }
}

/** EAP-AKA full authentication (RFC 4187 §7). */
export const akaKeys = (ck: Uint8Array, ik: Uint8Array, identity: Uint8Array): MethodKeys & SessionKeys =>
  keysOfMaster(sha1(identity, ik, ck))

/** EAP-SIM full authentication (RFC 4186 §7): the Kc of all triplets in order, and what was said of versions. */
export const simKeys = (
  kc: Uint8Array,
  nonceMt: Uint8Array,
  versionList: Uint8Array,
  selectedVersion: Uint8Array,
  identity: Uint8Array,
): MethodKeys & SessionKeys => keysOfMaster(sha1(identity, kc, nonceMt, versionList, selectedVersion))

/** Fast re-authentication of EAP-AKA' (RFC 9048 §3.3); `counter`: two octets. */
export function akaPrimeReauthKeys(
  re: Uint8Array,
  identity: Uint8Array,
  counter: Uint8Array,
  nonceS: Uint8Array,
): SessionKeys {
  const seed = Buffer.concat([Buffer.from("EAP-AKA' re-auth"), identity, counter, nonceS])
  const mk = prfPrime(re, seed, 128)
  return { msk: mk.subarray(0, 64), emsk: mk.subarray(64, 128) }
}

/** Fast re-authentication of EAP-SIM and EAP-AKA (RFC 4187 §7). */
export function reauthKeys(mk: Uint8Array, identity: Uint8Array, counter: Uint8Array, nonceS: Uint8Array): SessionKeys {
  const out = fips186Prf(sha1(identity, counter, nonceS, mk), 128)
  return { msk: out.subarray(0, 64), emsk: out.subarray(64, 128) }
}

/** Kc of a quintet, for EAP-SIM with a USIM: conversion function c3 (TS 33.102 §6.8.1.2). */
export function kcOf(ck: Uint8Array, ik: Uint8Array): Uint8Array {
  return Uint8Array.from({ length: 8 }, (_, index) =>
    [ck[index], ck[index + 8], ik[index], ik[index + 8]].reduce<number>((sum, octet) => sum ^ (octet ?? 0), 0),
  )
}

/** SRES of an expected response: conversion function c2 (TS 33.102 §6.8.1.2). */
export function sresOf(xres: Uint8Array): Uint8Array {
  const sres = new Uint8Array(4)
  for (const [index, octet] of xres.entries()) sres[index % 4] = (sres[index % 4] as number) ^ octet
  return sres
}
