// What protects messages of EAP-SIM, EAP-AKA and EAP-AKA': AT_MAC over the packet, AT_ENCR_DATA for what is nobody's business, AT_CHECKCODE
// over the identity round (RFC 4187 §10.12, §10.13, §10.15; RFC 9048 §3.4 takes SHA-256 for SHA-1).
import { createCipheriv, createDecipheriv, createHash, createHmac, timingSafeEqual } from 'node:crypto'
import { EAP_TYPE } from './packet.ts'
import { decodeSim, encodeSimAttributes, isSimFault, type SimAttribute, type SimMessage } from './sim.ts'

const MAC_OCTETS = 16
const BLOCK = 16
const EAP_DATA_AT = 5

const hashOf = (type: number): 'sha256' | 'sha1' => (type === EAP_TYPE.akaPrime ? 'sha256' : 'sha1')

function mac(type: number, aut: Uint8Array, packet: Uint8Array, at: number, extra: Uint8Array): Uint8Array {
  const copy = Uint8Array.from(packet)
  copy.fill(0, at, at + MAC_OCTETS)
  return createHmac(hashOf(type), aut).update(copy).update(extra).digest().subarray(0, MAC_OCTETS)
}

const NOTHING = new Uint8Array(0)

/** Fills the AT_MAC of an encoded packet in place. `extra`: what the method adds to the packet: NONCE_MT, SRES, NONCE_S. */
export function signSim(packet: Uint8Array, aut: Uint8Array, extra: Uint8Array = NOTHING): void {
  const message = decodeSim(packet.subarray(EAP_DATA_AT))
  if (isSimFault(message) || message.macAt < 0) throw new RangeError('a packet without AT_MAC cannot be signed')
  packet.set(mac(packet[4] as number, aut, packet, message.macAt, extra), message.macAt)
}

/** True when `message`, which is what `packet` holds, has an AT_MAC and it is right. */
export function checkSim(
  packet: Uint8Array,
  message: SimMessage,
  aut: Uint8Array,
  extra: Uint8Array = NOTHING,
): boolean {
  const { macAt } = message
  if (macAt < 0) return false
  const wanted = mac(packet[4] as number, aut, packet, macAt, extra)
  return timingSafeEqual(wanted, packet.subarray(macAt, macAt + MAC_OCTETS))
}

/** AT_IV and AT_ENCR_DATA with the attributes in it, padded. `iv`: 16 octets, unpredictable. */
export function encryptSim(encr: Uint8Array, iv: Uint8Array, attributes: readonly SimAttribute[]): SimAttribute[] {
  const plain = encodeSimAttributes(attributes)
  // Padding is a whole attribute of 4, 8 or 12 octets (RFC 4187 §10.12).
  const gap = (BLOCK - (plain.length % BLOCK)) % BLOCK
  const padding: SimAttribute[] = gap === 0 ? [] : [['AT_PADDING', new Uint8Array(gap - 2)]]
  const cipher = createCipheriv('aes-128-cbc', encr, iv).setAutoPadding(false)
  const data = Buffer.concat([cipher.update(plain), cipher.update(encodeSimAttributes(padding)), cipher.final()])
  return [
    ['AT_IV', iv],
    ['AT_ENCR_DATA', data],
  ]
}

/** The octets in a message's AT_ENCR_DATA, or undefined when it or its AT_IV is not there, or it has no whole blocks. */
export function decryptSim(encr: Uint8Array, { values }: SimMessage): Uint8Array | undefined {
  const iv = values.get('AT_IV')
  const data = values.get('AT_ENCR_DATA')
  if (iv === undefined || data === undefined || data.length === 0 || data.length % BLOCK !== 0) return undefined
  const decipher = createDecipheriv('aes-128-cbc', encr, iv).setAutoPadding(false)
  return Buffer.concat([decipher.update(data), decipher.final()])
}

/** AT_CHECKCODE over the identity round's packets; nothing when there was none (RFC 4187 §10.13). */
export function checkcode(type: number, packets: readonly Uint8Array[]): Uint8Array {
  if (packets.length === 0) return NOTHING
  const hash = createHash(hashOf(type))
  for (const packet of packets) hash.update(packet)
  return hash.digest()
}
