// A phone with a USIM that speaks EAP-AKA' and EAP-AKA, and the access point in front of it: for what foreign programs cannot be made to do.

import { randomBytes } from 'node:crypto'
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { SUBTYPE } from '../../core/wire/eap/dict/attributes.ts'
import { akaKeys, akaPrimeKeys } from '../../core/wire/eap/keys.ts'
import { decodeEap, EAP_CODE, EAP_TYPE, type EapPacket, encodeEap, isEapFault } from '../../core/wire/eap/packet.ts'
import { signSim } from '../../core/wire/eap/protect.ts'
import { decodeSim, encodeSim, isSimFault, type SimAttribute } from '../../core/wire/eap/sim.ts'
import { checkResponse, signRequest } from '../../core/wire/radius/authenticator.ts'
import { encode, type NamedAttribute } from '../../core/wire/radius/encode.ts'
import { isFault } from '../../core/wire/radius/fault.ts'
import { revealSalted } from '../../core/wire/radius/hidden.ts'
import { authenticatorOf, CODE, decode, get, octetsOf, type Packet } from '../../core/wire/radius/packet.ts'
import { ckIkPrime } from '../../sim-provisioning/auth/kdf.ts'
import { milenage } from '../../sim-provisioning/auth/milenage.ts'

export interface Phone {
  readonly identity: string
  /** The answer to an EAP request. */
  respond(request: EapPacket): Uint8Array
  /** After a challenge. */
  msk(): Uint8Array
}

const MAC: SimAttribute = ['AT_MAC', new Uint8Array(16)]

/** Takes every challenge that comes: it looks at no sequence number. */
export function phone(
  sim: { readonly imsi: string; readonly ki: string; readonly opc: string },
  type: typeof EAP_TYPE.aka | typeof EAP_TYPE.akaPrime = EAP_TYPE.akaPrime,
  identity = `${type === EAP_TYPE.aka ? '0' : '6'}${sim.imsi}@wlan.mnc001.mcc001.3gppnetwork.org`,
): Phone {
  const functions = milenage(Buffer.from(sim.ki, 'hex'), Buffer.from(sim.opc, 'hex'))
  let msk: Uint8Array = new Uint8Array(0)
  const own = (id: number, subtype: number, attributes: readonly SimAttribute[]): Uint8Array =>
    encodeSim(EAP_CODE.response, id, type, subtype, attributes)
  const challenge = (id: number, rand: Uint8Array, autn: Uint8Array): Uint8Array => {
    const { res, ck, ik } = functions.f2345(rand)
    const name = Buffer.from(identity)
    const prime = ckIkPrime(ck, ik, 'WLAN', autn.subarray(0, 6))
    const keys = type === EAP_TYPE.aka ? akaKeys(ck, ik, name) : akaPrimeKeys(prime.ckPrime, prime.ikPrime, name)
    msk = keys.msk
    const packet = own(id, SUBTYPE.challenge, [['AT_RES', res], MAC])
    signSim(packet, keys.aut)
    return packet
  }
  return {
    identity,
    msk: () => msk,
    respond({ identifier, type: asked, data }) {
      if (asked === EAP_TYPE.identity)
        return encodeEap(EAP_CODE.response, identifier, EAP_TYPE.identity, Buffer.from(identity))
      if (asked !== type) return encodeEap(EAP_CODE.response, identifier, EAP_TYPE.nak, Uint8Array.of(type))
      const message = decodeSim(data)
      if (isSimFault(message)) throw new Error(`the server sent a malformed message: ${message.fault}`)
      const rand = message.values.get('AT_RAND')
      const autn = message.values.get('AT_AUTN')
      if (message.subtype === SUBTYPE.challenge && rand && autn) return challenge(identifier, rand, autn)
      if (message.subtype === SUBTYPE.identity)
        return own(identifier, SUBTYPE.identity, [['AT_IDENTITY', Buffer.from(identity)]])
      return own(identifier, message.subtype, [])
    },
  }
}

export interface Ap {
  /** Sends a packet and resolves with the answer, its signatures checked; undefined when none came in `patience` ms. */
  ask(octets: Uint8Array, patience?: number): Promise<Packet | undefined>
  close(): void
}

export interface AccessRequest {
  readonly userName: string
  readonly eap: Uint8Array
  readonly state?: Uint8Array | undefined
  readonly more?: readonly NamedAttribute[]
}

const UNSIGNED: NamedAttribute = ['Message-Authenticator', new Uint8Array(16)]

/** A signed Access-Request, Message-Authenticator first. */
export function accessRequest(
  { userName, eap, state, more = [] }: AccessRequest,
  secret: Uint8Array,
  identifier = 0,
): Uint8Array {
  const attributes: NamedAttribute[] = [
    UNSIGNED,
    ['User-Name', userName],
    ['NAS-Identifier', 'ap'],
    ['Calling-Station-Id', '02-00-5E-10-00-01'],
    ['EAP-Message', eap],
    ...(state === undefined ? [] : [['State', state] as const]),
    ...more,
  ]
  const bytes = encode({ code: CODE['Access-Request'], identifier, authenticator: randomBytes(16), attributes })
  signRequest(bytes, secret)
  return bytes
}

/** An access point on a socket of its own. */
export async function ap(port: number, secret: string): Promise<Ap> {
  const socket: Socket = createSocket('udp4').setMaxListeners(256)
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  const key = Buffer.from(secret)
  return {
    ask(octets, patience = 2000) {
      socket.send(octets, port, '127.0.0.1')
      return new Promise((resolve, reject) => {
        const timer = setTimeout(() => {
          socket.off('message', take)
          resolve(undefined)
        }, patience)
        const take = (datagram: Uint8Array): void => {
          const packet = decode(datagram)
          if (isFault(packet) || packet.identifier !== octets[1]) return
          clearTimeout(timer)
          socket.off('message', take)
          const verdict = checkResponse(packet, octets.subarray(4, 20), key)
          if (verdict !== 'ok' || packet.bytes[20] !== 80)
            reject(new Error(`the answer is not signed as it should: ${verdict}`))
          else resolve(packet)
        }
        socket.on('message', take)
      })
    },
    close: () => socket.close(),
  }
}

/** The EAP packet in an answer. */
export function eapOf(packet: Packet): EapPacket {
  const octets = get(packet, 'EAP-Message')
  if (octets === undefined || isFault(octets)) throw new Error('no EAP-Message')
  const eap = decodeEap(octets)
  if (isEapFault(eap)) throw new Error(`EAP-Message: ${eap.fault}`)
  return eap
}

/** An identity in answer to a request that the access point made itself. */
export const identityResponse = (identity: string, identifier = 1): Uint8Array =>
  encodeEap(EAP_CODE.response, identifier, EAP_TYPE.identity, Buffer.from(identity))

export interface Authentication {
  /** The last answer. */
  readonly answer: Packet | undefined
  /** All requests, in order. */
  readonly requests: readonly Uint8Array[]
  readonly answers: readonly Packet[]
}

/** Goes on until access is granted or refused. `more`: attributes of each request. */
export async function authenticate(
  access: (octets: Uint8Array, round: number) => Promise<Packet | undefined>,
  { identity, respond }: Phone,
  secret: string,
  more: readonly NamedAttribute[] = [],
): Promise<Authentication> {
  const requests: Uint8Array[] = []
  const answers: Packet[] = []
  let eap = identityResponse(identity)
  let state: Uint8Array | undefined
  for (let round = 0; round < 12; round++) {
    const octets = accessRequest({ userName: identity, eap, state, more }, Buffer.from(secret), round)
    requests.push(octets)
    const answer = await access(octets, round)
    if (answer !== undefined) answers.push(answer)
    if (answer?.code !== CODE['Access-Challenge']) return { answer, requests, answers }
    state = octetsOf(answer, 'State')
    eap = respond(eapOf(answer))
  }
  throw new Error('the conversation does not end')
}

/** MS-MPPE-Recv-Key and -Send-Key of an Access-Accept, one after the other: the MSK (RFC 2548 §2.4.2). */
export function keysOf(accept: Packet, request: Uint8Array, secret: string): Uint8Array {
  const read = (name: 'MS-MPPE-Recv-Key' | 'MS-MPPE-Send-Key'): Uint8Array => {
    const packet = decode(request)
    const hidden = octetsOf(accept, name)
    if (hidden === undefined || isFault(packet)) throw new Error(`no ${name}`)
    return revealSalted(hidden, Buffer.from(secret), authenticatorOf(packet)) ?? new Uint8Array(0)
  }
  return Buffer.concat([read('MS-MPPE-Recv-Key'), read('MS-MPPE-Send-Key')])
}
