// Hostile octets: whatever comes, decoding, reading and judging give values or faults, never throw and never run on.
import assert from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import { type Avps, definitionOf, definitions } from '../../core/wire/diameter/dictionary.ts'
import { encode } from '../../core/wire/diameter/encode.ts'
import { isFault } from '../../core/wire/diameter/fault.ts'
import { missing, refusal, unsupported } from '../../core/wire/diameter/judge.ts'
import { all, avpsOf, decode, get, lengthAt, rawAvps } from '../../core/wire/diameter/message.ts'
import { recorded, recordings } from '../emulators/diameter-recording.ts'

const SEED = 20_261_120
const names = definitions().map(({ name }) => name)
const HEADER = { flags: 0xa0, command: 272, application: 4, hopByHop: 1, endToEnd: 2 }

function walk(avps: Avps): void {
  for (const { name, value, offset } of avpsOf(avps)) {
    assert.ok(offset >= avps.from && offset < avps.end)
    if (isFault(value)) encode({ ...HEADER, avps: [['Failed-AVP', refusal(avps.bytes, value).failed]] })
    else if (name !== undefined && definitionOf(name).codec === undefined) walk(value as Avps)
  }
}

/** Does all that can be done with octets; says whether they were a message. */
function exercise(octets: Uint8Array): boolean {
  lengthAt(octets, 0, 65_536)
  const message = decode(octets)
  if (isFault(message)) {
    const { failed, result } = refusal(octets, message)
    assert.ok(result >= 5000 && result < 6000)
    assert.ok(
      !isFault(
        decode(
          encode({
            ...HEADER,
            avps: [
              ['Result-Code', result],
              ['Failed-AVP', failed],
            ],
          }),
        ),
      ) || failed.length > 0,
    )
    return false
  }
  walk(message)
  for (const name of names) {
    get(message, name)
    all(message, name)
  }
  missing(message, ['Session-Id', 'Origin-Host'])
  const refused = unsupported(message)
  if (refused !== undefined) encode({ ...HEADER, avps: [['Failed-AVP', refused.failed]] })
  assert.ok(!isFault(decode(encode({ ...message, avps: rawAvps(message) }))))
  return true
}

/** A length that is right and a version that is 1, so that the octets behind are looked at. */
function honest(octets: Uint8Array): Uint8Array {
  const copy = Uint8Array.from(octets.subarray(0, octets.length & ~3))
  if (copy.length < 4) return copy
  copy.set([1, 0, copy.length >> 8, copy.length])
  return copy
}

const samples = recordings()
  .flatMap(recorded)
  .map(({ octets }) => octets)

t.test('random octets', async () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), fc.boolean(), (octets, mend) => {
      exercise(mend ? honest(octets) : octets)
    }),
    { numRuns: 3000, seed: SEED },
  )
})

t.test('recorded messages cut at every octet', async () => {
  for (const octets of samples.slice(0, 24)) {
    for (let length = 0; length < octets.length; length++) {
      assert.ok(!exercise(octets.subarray(0, length)), 'a part is no message')
      exercise(honest(octets.subarray(0, length)))
    }
  }
})

t.test('recorded messages with octets changed', async (t) => {
  let messages = 0
  fc.assert(
    fc.property(
      fc.constantFrom(...samples),
      fc.array(fc.tuple(fc.nat(2000), fc.constantFrom(0, 1, 7, 8, 12, 64, 127, 128, 192, 255)), {
        minLength: 1,
        maxLength: 6,
      }),
      (octets, changes) => {
        const copy = Uint8Array.from(octets)
        for (const [at, value] of changes) copy[at % copy.length] = value
        if (exercise(honest(copy))) messages++
      },
    ),
    { numRuns: 1500, seed: SEED },
  )
  t.ok(messages > 500, `${messages} were messages still`)
})
