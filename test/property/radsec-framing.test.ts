// However a stream is cut, the packets in it are the same; whatever it holds, the framer neither throws nor keeps more than a packet.
import fc from 'fast-check'
import t from 'tap'
import { createFramer } from '../../core/transport/radius/radsec-framing.ts'

/** A packet of `length` octets whose Length says so. */
const packetOf = (length: number, fill: number): Buffer => {
  const packet = Buffer.alloc(length, fill)
  packet.writeUInt16BE(length, 2)
  return packet
}

function cut(stream: Buffer, cuts: readonly number[]): Buffer[] {
  const places = [...new Set(cuts.map((place) => place % (stream.length + 1)))].sort((a, b) => a - b)
  return [...places, stream.length].map((end, index) => stream.subarray(places[index - 1] ?? 0, end))
}

t.test('packets do not depend on how the stream is cut', async () => {
  const packets = fc.array(fc.tuple(fc.integer({ min: 20, max: 4096 }), fc.integer({ min: 0, max: 255 })), {
    maxLength: 8,
  })
  fc.assert(
    fc.property(packets, fc.array(fc.nat(), { maxLength: 30 }), (lengths, cuts) => {
      const sent = lengths.map(([length, fill]) => packetOf(length, fill))
      const framer = createFramer()
      const got: Buffer[] = []
      for (const chunk of cut(Buffer.concat(sent), cuts)) {
        framer.push(chunk)
        for (let next = framer.next(); next !== undefined; next = framer.next())
          got.push(Buffer.from(next as Uint8Array))
        if (framer.size() > 4096) return false
      }
      return framer.size() === 0 && Buffer.concat(got).equals(Buffer.concat(sent)) && got.length === sent.length
    }),
    { numRuns: 300 },
  )
})

t.test('any octets: a packet, more to come, or nonsense', async () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 20 }), (chunks) => {
      const framer = createFramer()
      for (const chunk of chunks) {
        framer.push(chunk)
        for (let next = framer.next(); next !== undefined; next = framer.next()) {
          if (next === 'bad-length') return true
          if (next.length < 20 || next.length > 4096) return false
        }
      }
      return true
    }),
    { numRuns: 500 },
  )
})
