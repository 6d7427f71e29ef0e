// Reading captures: classic pcap files (Ethernet, Linux cooked or raw IP) into TCP streams. Enough for captures of a loopback interface, where segments
// come in order or again; a gap is an error, since a test would otherwise silently read less.
import { readFileSync } from 'node:fs'
import { formatIpv4 } from '../../core/wire/bytes/address.ts'
import { u8, u16, u32 } from '../../core/wire/bytes/integers.ts'

/** One direction of a TCP connection. */
export interface TcpStream {
  /** `address:port` */
  readonly from: string
  readonly to: string
  readonly octets: Uint8Array
  /** The capture's frame number (from 1) in which the octet at `offset` came. */
  frameAt(offset: number): number
}

interface Segment {
  readonly from: string
  readonly to: string
  readonly sequence: number
  readonly payload: Uint8Array
  readonly frame: number
  readonly syn: boolean
}

const LINK_HEADER: Readonly<Record<number, number>> = { 1: 14, 101: 0, 113: 16 }

/** All TCP streams of a capture to or from `port`, in the order of their first octets. Throws RangeError for a file that it cannot read. */
export function tcpStreams(file: string, port: number): TcpStream[] {
  const streams: {
    from: string
    to: string
    next: number
    parts: Uint8Array[]
    starts: [number, number][]
    length: number
  }[] = []
  const open = new Map<string, (typeof streams)[number]>()
  for (const segment of segments(readFileSync(file))) {
    const ports = [segment.from, segment.to].map((end) => Number(end.slice(end.lastIndexOf(':') + 1)))
    if (!ports.includes(port)) continue
    const key = `${segment.from} ${segment.to}`
    let stream = open.get(key)
    if (stream === undefined || segment.syn) {
      stream = { from: segment.from, to: segment.to, next: segment.sequence, parts: [], starts: [], length: 0 }
      open.set(key, stream)
      streams.push(stream)
      if (segment.syn) stream.next = (stream.next + 1) >>> 0
    }
    if (segment.payload.length === 0) continue
    // How many octets of the segment came before; negative when some are missing in between.
    const known = (stream.next - segment.sequence) | 0
    if (known < 0) throw new RangeError(`${file}: frame ${segment.frame} leaves a gap of ${-known} octets`)
    if (known >= segment.payload.length) continue
    const fresh = segment.payload.subarray(known)
    stream.starts.push([stream.length, segment.frame])
    stream.parts.push(fresh)
    stream.length += fresh.length
    stream.next = (stream.next + fresh.length) >>> 0
  }
  return streams
    .filter(({ length }) => length > 0)
    .map(({ from, to, parts, starts }) => ({
      from,
      to,
      octets: Buffer.concat(parts),
      frameAt: (offset) => starts.findLast(([start]) => start <= offset)?.[1] ?? 0,
    }))
}

function* segments(capture: Buffer): Generator<Segment> {
  const little = capture.readUInt32LE(0)
  const isLittle = little === 0xa1b2c3d4 || little === 0xa1b23c4d
  if (!isLittle && capture.readUInt32BE(0) !== 0xa1b2c3d4) throw new RangeError('not a classic pcap file')
  const word = (at: number): number => (isLittle ? capture.readUInt32LE(at) : capture.readUInt32BE(at))
  const link = LINK_HEADER[word(20)]
  if (link === undefined) throw new RangeError(`link type ${word(20)} is not known here`)
  let frame = 0
  for (let at = 24; at + 16 <= capture.length; ) {
    const length = word(at + 8)
    const packet = capture.subarray(at + 16 + link, at + 16 + length)
    at += 16 + length
    frame++
    if (packet.length < 40 || u8(packet, 0) >>> 4 !== 4 || u8(packet, 9) !== 6) continue
    const ip = (u8(packet, 0) & 15) * 4
    const end = Math.min(u16(packet, 2), packet.length)
    const header = (u8(packet, ip + 12) >>> 4) * 4
    yield {
      from: `${formatIpv4(packet, 12)}:${u16(packet, ip)}`,
      to: `${formatIpv4(packet, 16)}:${u16(packet, ip + 2)}`,
      sequence: u32(packet, ip + 4),
      payload: packet.subarray(ip + header, end),
      frame,
      syn: (u8(packet, ip + 13) & 2) !== 0,
    }
  }
}
