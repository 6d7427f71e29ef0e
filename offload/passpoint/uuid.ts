// Names turned into UUIDs: the same profile made twice replaces itself on the phone instead of standing there twice.
import { createHash } from 'node:crypto'

/** Of this program; any constant does. */
const NAMESPACE = Buffer.from('5bd1a5c1f03c4d0f9a4dcb0b8a4e7c55', 'hex')

/** Version 5 of RFC 9562 §5.5, in capitals as Apple writes them. */
export function nameUuid(name: string): string {
  const octets = createHash('sha1').update(NAMESPACE).update(name).digest().subarray(0, 16)
  octets.writeUInt8((octets.readUInt8(6) & 0x0f) | 0x50, 6)
  octets.writeUInt8((octets.readUInt8(8) & 0x3f) | 0x80, 8)
  return octets
    .toString('hex')
    .replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
    .toUpperCase()
}
