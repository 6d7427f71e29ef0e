// The reader that the recordings were made with: TCP streams out of a capture, whatever the segments.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { tcpStreams } from '../emulators/pcap.ts'

const [SYN, ACK] = [2, 16]

/** An Ethernet frame from 127.0.0.1:40000 to 127.0.0.2:3868, in a pcap record. */
function frame(sequence: number, flags: number, payload: string): Buffer {
  const data = Buffer.from(payload)
  const packet = Buffer.alloc(54 + data.length)
  packet.writeUInt16BE(0x0800, 12)
  packet[14] = 0x45
  packet.writeUInt16BE(40 + data.length, 16)
  packet[23] = 6
  packet.set([127, 0, 0, 1, 127, 0, 0, 2], 26)
  packet.writeUInt16BE(40_000, 34)
  packet.writeUInt16BE(3868, 36)
  packet.writeUInt32BE(sequence >>> 0, 38)
  packet[46] = 0x50
  packet[47] = flags
  packet.set(data, 54)
  const record = Buffer.alloc(16)
  record.writeUInt32LE(packet.length, 8)
  record.writeUInt32LE(packet.length, 12)
  return Buffer.concat([record, packet])
}

function capture(folder: string, frames: readonly Buffer[]): string {
  const header = Buffer.alloc(24)
  header.writeUInt32LE(0xa1b2c3d4, 0)
  header.writeUInt32LE(1, 20)
  const file = join(folder, 'capture.pcap')
  writeFileSync(file, Buffer.concat([header, ...frames]))
  return file
}

t.test('segments in order, repeated, overlapping, across the end of the sequence numbers', async (t) => {
  const first = 0xffff_fffb
  const file = capture(t.testdir(), [
    frame(first, SYN, ''),
    frame(first + 1, ACK, 'abcd'),
    frame(first + 1, ACK, 'abcd'),
    frame(first + 3, ACK, 'cdef'),
    frame(7000, SYN, ''),
    frame(7001, ACK, 'next'),
  ])
  const streams = tcpStreams(file, 3868)
  t.same(
    streams.map(({ from, to, octets }) => [from, to, Buffer.from(octets).toString()]),
    [
      ['127.0.0.1:40000', '127.0.0.2:3868', 'abcdef'],
      ['127.0.0.1:40000', '127.0.0.2:3868', 'next'],
    ],
  )
  t.same(
    [0, 3, 4].map((offset) => streams[0]?.frameAt(offset)),
    [2, 2, 4],
  )
  t.same(tcpStreams(file, 80), [])
})

t.test('what is missing is an error', async (t) => {
  const file = capture(t.testdir(), [frame(1, ACK, 'ab'), frame(5, ACK, 'ef')])
  t.throws(() => tcpStreams(file, 3868), /frame 2 leaves a gap of 2 octets/)
})
