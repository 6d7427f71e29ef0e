// A capture file of UDP datagrams, for tshark to read: classic pcap, link type RAW (IPv4 without a link layer).
import { putU16, putU32 } from '../../core/wire/bytes/integers.ts'

export interface CapturedDatagram {
  readonly octets: Uint8Array
  readonly sourcePort: number
  readonly destinationPort: number
}

const MAGIC = 0xa1b2c3d4
const LINKTYPE_RAW = 101
const SNAPLEN = 65_535
const IP_HEADER = 20
const UDP_HEADER = 8
const LOOPBACK = 0x7f000001

/** The file; datagrams a second apart. */
export function pcap(datagrams: readonly CapturedDatagram[]): Uint8Array {
  const header = new Uint8Array(24)
  putU32(header, 0, MAGIC)
  putU16(header, 4, 2)
  putU16(header, 6, 4)
  putU32(header, 16, SNAPLEN)
  putU32(header, 20, LINKTYPE_RAW)
  const records = datagrams.map((datagram, index) => {
    const packet = ipv4(datagram)
    const record = new Uint8Array(16)
    putU32(record, 0, 1_767_225_600 + index)
    putU32(record, 8, packet.length)
    putU32(record, 12, packet.length)
    return Buffer.concat([record, packet])
  })
  return Buffer.concat([header, ...records])
}

/** IPv4 (RFC 791 §3.1) and UDP (RFC 768) around the octets. A UDP checksum of zero says that there is none. */
function ipv4({ octets, sourcePort, destinationPort }: CapturedDatagram): Uint8Array {
  const packet = new Uint8Array(IP_HEADER + UDP_HEADER + octets.length)
  packet[0] = 0x45
  putU16(packet, 2, packet.length)
  packet[8] = 64
  packet[9] = 17
  putU32(packet, 12, LOOPBACK)
  putU32(packet, 16, LOOPBACK)
  let sum = 0
  for (let at = 0; at < IP_HEADER; at += 2) sum += ((packet[at] ?? 0) << 8) + (packet[at + 1] ?? 0)
  while (sum > 0xffff) sum = (sum >>> 16) + (sum & 0xffff)
  putU16(packet, 10, ~sum & 0xffff)
  putU16(packet, 20, sourcePort)
  putU16(packet, 22, destinationPort)
  putU16(packet, 24, UDP_HEADER + octets.length)
  packet.set(octets, IP_HEADER + UDP_HEADER)
  return packet
}
