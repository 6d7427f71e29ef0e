// A phone that speaks EAP-AKA' (RFC 9048), and the access point that carries its words: for where eapol_test is not installed.

import { fail } from '../../core/kernel/errors.ts'
import { type Attributes, isSilence, type Requester } from '../../core/transport/radius/client.ts'
import { SUBTYPE } from '../../core/wire/eap/dict/attributes.ts'
import { akaPrimeKeys } from '../../core/wire/eap/keys.ts'
import { decodeEap, EAP_CODE, EAP_TYPE, type EapPacket, encodeEap, isEapFault } from '../../core/wire/eap/packet.ts'
import { checkSim, signSim } from '../../core/wire/eap/protect.ts'
import { decodeSim, encodeSim, isSimFault, type SimAttribute } from '../../core/wire/eap/sim.ts'
import { isFault } from '../../core/wire/radius/fault.ts'
import { CODE, get, octetsOf, type Packet } from '../../core/wire/radius/packet.ts'
import { ckIkPrime } from '../../sim-provisioning/module.ts'
import type { Usim } from './wifi-usim.ts'

/** What came of an attempt: the Class of the session (RFC 2865 §5.25) where it was let in. */
export type Attempt = { readonly accepted: true; readonly class: Uint8Array } | { readonly accepted: false }

export interface PeerOptions {
  /** The way to the authentication server. */
  readonly server: Requester
  /** How access point and phone name themselves, in each Access-Request. */
  readonly names: Attributes
  readonly identity: string
  readonly usim: Usim
}

const PATIENCE = 10_000
/** Identity, challenge, notification, and what may be asked between them. */
const MOST_ROUNDS = 12

/** One attempt to get in. Throws DEMO_UNANSWERED. */
export async function authenticate({ server, names, identity, usim }: PeerOptions): Promise<Attempt> {
  let eap = encodeEap(EAP_CODE.response, 0, EAP_TYPE.identity, Buffer.from(identity))
  let state: Uint8Array | undefined
  for (let round = 0; round < MOST_ROUNDS; round++) {
    const carried: Attributes = [['EAP-Message', eap], ...(state === undefined ? [] : [['State', state] as const])]
    const answer = await server.request({
      code: CODE['Access-Request'],
      attributes: () => [['User-Name', identity], ...names, ...carried],
      patience: PATIENCE,
    })
    if (isSilence(answer)) return unanswered(`no answer to an Access-Request: ${answer}`)
    const { packet } = answer
    if (packet.code === CODE['Access-Reject']) return { accepted: false }
    if (packet.code === CODE['Access-Accept']) return { accepted: true, class: classOf(packet) }
    state = octetsOf(packet, 'State')
    eap = respond(eapOf(packet), identity, usim)
  }
  return unanswered('the EAP conversation does not end')
}

const unanswered = (reason: string): never => fail('DEMO_UNANSWERED', { reason })

const classOf = (packet: Packet): Uint8Array =>
  octetsOf(packet, 'Class') ?? unanswered('an Access-Accept without Class')

function eapOf(packet: Packet): EapPacket & { readonly bytes: Uint8Array } {
  const octets = get(packet, 'EAP-Message')
  if (octets === undefined || isFault(octets)) return unanswered('an Access-Challenge without EAP-Message')
  const eap = decodeEap(octets)
  return isEapFault(eap) ? unanswered(`EAP-Message: ${eap.fault}`) : { ...eap, bytes: octets }
}

function respond({ identifier, type, data, bytes }: ReturnType<typeof eapOf>, identity: string, usim: Usim) {
  if (type === EAP_TYPE.identity)
    return encodeEap(EAP_CODE.response, identifier, EAP_TYPE.identity, Buffer.from(identity))
  if (type !== EAP_TYPE.akaPrime)
    return encodeEap(EAP_CODE.response, identifier, EAP_TYPE.nak, Uint8Array.of(EAP_TYPE.akaPrime))
  const message = decodeSim(data)
  if (isSimFault(message)) return unanswered(`EAP-AKA': ${message.fault}`)
  const say = (attributes: readonly SimAttribute[]): Uint8Array =>
    encodeSim(EAP_CODE.response, identifier, EAP_TYPE.akaPrime, message.subtype, attributes)
  if (message.subtype === SUBTYPE.identity) return say([['AT_IDENTITY', Buffer.from(identity)]])
  const [rand, autn] = [message.values.get('AT_RAND'), message.values.get('AT_AUTN')]
  if (message.subtype !== SUBTYPE.challenge || !rand || !autn) return say([])
  const answer = usim.authenticate(rand, autn) ?? unanswered('the challenge is not from who has the SIM’s key')
  const prime = ckIkPrime(answer.ck, answer.ik, 'WLAN', autn.subarray(0, 6))
  const { aut } = akaPrimeKeys(prime.ckPrime, prime.ikPrime, Buffer.from(identity))
  if (!checkSim(bytes, message, aut)) return unanswered('the challenge is not signed as it should')
  const packet = say([
    ['AT_RES', answer.res],
    ['AT_MAC', new Uint8Array(16)],
  ])
  signSim(packet, aut)
  return packet
}
