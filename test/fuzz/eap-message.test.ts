// Octets that no peer would send, in every stage of a conversation: an answer or silence, never an exception, never access.
import fc from 'fast-check'
import t from 'tap'
import type { AuthVectorPort } from '../../core/events/auth-vectors.ts'
import { SIM_ATTRIBUTES, SUBTYPE } from '../../core/wire/eap/dict/attributes.ts'
import { decodeEap, EAP_CODE, EAP_TYPE, type EapPacket, encodeEap, isEapFault } from '../../core/wire/eap/packet.ts'
import { decodeSim, decodeSimAttributes, encodeSim, isSimFault, type SimAttribute } from '../../core/wire/eap/sim.ts'
import { decodeTlsFragment, encodeTlsFragment } from '../../core/wire/eap/tls.ts'
import { createAka } from '../../offload/aaa/aka.ts'
import { createStates } from '../../offload/aaa/conversation.ts'
import { createEapServer, type Step } from '../../offload/aaa/eap-server.ts'
import { createGsm } from '../../offload/aaa/gsm.ts'
import { createIdentities } from '../../offload/aaa/identity.ts'
import { createSealer } from '../../offload/aaa/seal.ts'
import { milenage } from '../../sim-provisioning/auth/milenage.ts'
import { joinSqn } from '../../sim-provisioning/auth/sqn.ts'
import { akaPrimeVector, umtsVector } from '../../sim-provisioning/auth/vector.ts'

const octets = fc.uint8Array({ maxLength: 300 })

t.test('packets, messages and fragments of any octets', async (t) => {
  fc.assert(
    fc.property(octets, (bytes) => {
      const packet = decodeEap(bytes)
      if (!isEapFault(packet)) decodeSim(packet.data)
      decodeSim(bytes)
      decodeSimAttributes(bytes)
      decodeTlsFragment(bytes)
    }),
    { numRuns: 5000 },
  )
  t.pass('no exception')
})

const value = (form: string, size = 0): fc.Arbitrary<Uint8Array | number | undefined> => {
  if (form === 'flag') return fc.constant(undefined)
  if (form === 'number') return fc.nat(65_535)
  if (form === 'block' || form === 'bare') return fc.uint8Array({ minLength: size, maxLength: size })
  if (form === 'blocks')
    return fc.nat(3).chain((n) => fc.uint8Array({ minLength: 16 * n + 16, maxLength: 16 * n + 16 }))
  if (form === 'data') return fc.nat(12).chain((n) => fc.uint8Array({ minLength: 4 * n, maxLength: 4 * n }))
  if (form === 'padding') return fc.constantFrom(2, 6, 10).map((n) => new Uint8Array(n))
  return fc.uint8Array({ maxLength: 200 })
}
const attribute: fc.Arbitrary<SimAttribute> = fc
  .constantFrom(...SIM_ATTRIBUTES)
  .chain((row) => value(row.form, 'size' in row ? row.size : 0).map((made) => [row.name, made] as SimAttribute))

t.test('what is written is read again', async (t) => {
  const distinct = fc.uniqueArray(attribute, { selector: ([name]) => name, maxLength: 8 })
  fc.assert(
    fc.property(distinct, fc.nat(255), (attributes, identifier) => {
      const packet = decodeEap(
        encodeSim(EAP_CODE.request, identifier, EAP_TYPE.akaPrime, SUBTYPE.challenge, attributes),
      )
      const message = isEapFault(packet) ? undefined : decodeSim(packet.data)
      if (message === undefined || isSimFault(message)) return false
      return attributes.every(([name, made]) => {
        const read = message.values.get(name)
        if (read === undefined) return false
        return made === undefined || typeof made === 'number' || Buffer.compare(read, made) === 0
      })
    }),
    { numRuns: 2000 },
  )
  fc.assert(
    fc.property(
      fc.boolean(),
      fc.boolean(),
      fc.option(fc.nat(), { nil: undefined }),
      octets,
      (start, more, total, data) => {
        const read = decodeTlsFragment(encodeTlsFragment({ start, more, total, data }))
        return (
          read?.start === start && read.more === more && read.total === total && Buffer.compare(read.data, data) === 0
        )
      },
    ),
  )
  t.pass('round trips')
})

const functions = milenage(Buffer.alloc(16, 1), Buffer.alloc(16, 2))
const RAND = Buffer.alloc(16, 3)
const AMF = Uint8Array.of(0, 0)
const vectors: AuthVectorPort = {
  async vectors({ kind, count, network, resync }) {
    if (resync !== undefined) return { result: 'resync-refused' }
    const made = Array.from({ length: count }, (_, n) => {
      const sqn = joinSqn(BigInt(n + 1), 0)
      return kind === 'aka-prime'
        ? ({ kind, ...akaPrimeVector(functions, RAND, sqn, AMF, network) } as const)
        : ({ kind: 'umts', ...umtsVector(functions, RAND, sqn, AMF) } as const)
    })
    return { result: 'vectors', vectors: made }
  },
}
const sealer = createSealer(new Uint8Array(32))
const identities = createIdentities(sealer, { pseudonymDays: 1, reauthenticationDays: 1 })
const options = { networkName: 'WLAN', reauthentications: 2, confirm: true, offersAkaPrime: true }
const deps = { vectors, identities }
const server = createEapServer(
  new Map([
    [EAP_TYPE.akaPrime, createAka(EAP_TYPE.akaPrime, deps, options)],
    [EAP_TYPE.aka, createAka(EAP_TYPE.aka, deps, options)],
    [EAP_TYPE.sim, createGsm(deps, options)],
  ]),
  createStates(sealer),
)
const NOW = 1_763_600_000_000n
const REALM = '@wlan.mnc001.mcc001.3gppnetwork.org'
const packetOf = (bytes: Uint8Array): EapPacket => {
  const packet = decodeEap(bytes)
  if (isEapFault(packet)) throw new Error(packet.fault)
  return packet
}

/** A permanent identity, a pseudonym, a re-authentication identity, and names that say nothing. */
const name = fc.constantFrom(
  ...['0', '1', '6'].map((letter) => `${letter}001010000000001${REALM}`),
  ...['anonymous', '', '@', '7tooshort', `6${'9'.repeat(200)}`],
  ...[EAP_TYPE.sim, EAP_TYPE.aka, EAP_TYPE.akaPrime].flatMap((type) => [
    `${identities.pseudonym(type, '001010000000001' as never, NOW)}${REALM}`,
    identities.reauthentication(
      { type, imsi: '001010000000001' as never, counter: 1, encr: RAND, aut: Buffer.alloc(32), re: Buffer.alloc(20) },
      REALM,
      NOW,
    ) ?? '',
  ]),
)
const subtype = fc.constantFrom(...Object.values(SUBTYPE))
const reply = fc.record({
  subtype,
  attributes: fc.array(attribute, { maxLength: 5 }),
  type: fc.option(fc.constantFrom(EAP_TYPE.nak, EAP_TYPE.sim, EAP_TYPE.aka, EAP_TYPE.akaPrime, 13), { nil: undefined }),
  raw: fc.option(octets, { nil: undefined }),
})

t.test('a peer without the key gets in by no sequence of messages', async (t) => {
  let challenges = 0
  await fc.assert(
    fc.asyncProperty(name, fc.array(reply, { minLength: 1, maxLength: 6 }), async (identity, replies) => {
      const userName = Buffer.from(identity)
      const first = encodeEap(EAP_CODE.response, 1, EAP_TYPE.identity, userName)
      let step: Step = await server.answer({
        packet: packetOf(first),
        state: undefined,
        userName,
        client: 'ap',
        now: NOW,
      })
      for (const { subtype, attributes, type, raw } of replies) {
        if (step.step !== 'challenge') break
        challenges++
        const request = packetOf(step.eap)
        const method = type ?? request.type
        const bytes =
          raw === undefined
            ? encodeSim(EAP_CODE.response, request.identifier, method, subtype, attributes)
            : encodeEap(EAP_CODE.response, request.identifier, method, raw)
        step = await server.answer({ packet: packetOf(bytes), state: step.state, userName, client: 'ap', now: NOW })
      }
      return step.step !== 'proved' && step.step !== 'granted'
    }),
    { numRuns: 1500 },
  )
  t.ok(challenges > 1500, 'conversations went on')
})

t.test('no octets are a State but those that were given', async (t) => {
  const userName = Buffer.from(`6001010000000001${REALM}`)
  const first = encodeEap(EAP_CODE.response, 1, EAP_TYPE.identity, userName)
  const step = await server.answer({ packet: packetOf(first), state: undefined, userName, client: 'ap', now: NOW })
  if (step.step !== 'challenge') throw new Error('no challenge')
  const states = createStates(sealer)
  t.ok(states.open(step.state, 'ap', NOW + 59_000n))
  t.equal(states.open(step.state, 'ap', NOW + 61_000n), undefined, 'too late')
  t.equal(states.open(step.state, 'another', NOW), undefined, 'given to another client')
  fc.assert(
    fc.property(fc.nat(step.state.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
      const forged = Uint8Array.from(step.state)
      forged[at] = (forged[at] as number) ^ change
      return states.open(forged, 'ap', NOW) === undefined
    }),
  )
  fc.assert(fc.property(octets, (bytes) => states.open(bytes, 'ap', NOW) === undefined))
})
