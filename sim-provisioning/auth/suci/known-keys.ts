// Home network keys whose private halves anybody can read: those that Open5GS installs (configs/open5gs/hnet, the same in every
// installation) and the test keys of TS 33.501 Annex C.4, which free5GC and UERANSIM come with. A SUCI made for one of them hides
// nothing, so whoever loads or keeps such a key must be told. Only fingerprints are kept here: SHA-256 of the public key as sent.
import { createHash } from 'node:crypto'

export interface KnownKey {
  readonly name: string
  readonly fingerprint: string
}

const KNOWN: readonly KnownKey[] = [
  {
    name: 'Open5GS curve25519-1.key',
    fingerprint: '4888fb1fa9b6b807c39c1c77463ac288652063572667b9682ae0c24e317c4147',
  },
  {
    name: 'Open5GS secp256r1-2.key',
    fingerprint: 'f70e8727ae4d0e60b7a837dbc6a436b3dd42f2b159148bbf3c5a89bdae6194e3',
  },
  {
    name: 'Open5GS curve25519-3.key',
    fingerprint: '4fc8fd7faf1ef3f4969df7c88391b61766563274f36f0509fe4c9dbe757a438b',
  },
  {
    name: 'Open5GS secp256r1-4.key',
    fingerprint: '1edfbf1c8da37409963f9c03d7bd9f983c35813b9c53c3b3337526148c2e404e',
  },
  {
    name: 'Open5GS curve25519-5.key',
    fingerprint: 'f757e1041910dc2b39b4e6486075edfc0356928cc74e89337ee0535c50cbdbd4',
  },
  {
    name: 'Open5GS secp256r1-6.key',
    fingerprint: '1f17121a6c8b9c8b0f473aa6b5061e80262de55da6fbf262609c5a00edfb6a15',
  },
  {
    name: 'TS 33.501 Annex C.4.3 (profile A)',
    fingerprint: '273bf8abf21e649b440b59a1e6a26e66b51daed76f317b0fec235d1bd6000909',
  },
  {
    name: 'TS 33.501 Annex C.4.4 (profile B)',
    fingerprint: 'a0dfd42ef8dc9498d017c57dc1d3768232ec531bd18ae5799a0b415114a4cb45',
  },
]

/** SHA-256, in hex, of a public key: 32 octets of X25519, or a point of P-256, which is compressed first if it is not. */
export function keyFingerprint(publicKey: Uint8Array): string {
  return createHash('sha256').update(compressed(publicKey)).digest('hex')
}

function compressed(point: Uint8Array): Uint8Array {
  if (point.length !== 65 || point[0] !== 4) return point
  const out = Uint8Array.from(point.subarray(0, 33))
  out[0] = 2 | ((point[64] as number) & 1)
  return out
}

/** The published key that `publicKey` is, or undefined. */
export function knownKeyAlarm(publicKey: Uint8Array): KnownKey | undefined {
  const fingerprint = keyFingerprint(publicKey)
  return KNOWN.find((known) => known.fingerprint === fingerprint)
}
