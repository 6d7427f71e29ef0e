// QR codes (ISO/IEC 18004) as pictures for pages, letters and terminals.
import { crc32, deflateSync } from 'node:zlib'
import { encodeQR } from 'qr'

/** Modules around the code that stay light (ISO/IEC 18004 §6.3.8). */
const QUIET = 4
/** Pixels to a module: what a phone's camera reads from a screen at arm's length. */
const SCALE = 8

/** True where a module is dark, row by row, with the quiet zone. */
const modules = (text: string): boolean[][] => encodeQR(text, 'raw', { ecc: 'medium', border: QUIET })

/** Runs of dark modules of a row: first and length. */
function runs(row: readonly boolean[]): { readonly first: number; readonly length: number }[] {
  const found: { first: number; length: number }[] = []
  for (const [index, dark] of row.entries()) {
    const last = found.at(-1)
    if (!dark) continue
    if (last && last.first + last.length === index) last.length++
    else found.push({ first: index, length: 1 })
  }
  return found
}

/** One path, scaled by whoever shows it. */
export function qrSvg(text: string): string {
  const rows = modules(text)
  const path = rows.flatMap((row, y) => runs(row).map(({ first, length }) => `M${first} ${y}h${length}v1h-${length}z`))
  const size = rows.length
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${size} ${size}" width="${size * SCALE}" height="${size * SCALE}" shape-rendering="crispEdges">`,
    `<path fill="#fff" d="M0 0h${size}v${size}h-${size}z"/>`,
    `<path fill="#000" d="${path.join('')}"/>`,
    '</svg>\n',
  ].join('')
}

const SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])
const CRC_OCTETS = 4
const BITS = 8

function chunk(type: string, data: Uint8Array): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data])
  const framed = Buffer.alloc(CRC_OCTETS + body.length + CRC_OCTETS)
  framed.writeUInt32BE(data.length, 0)
  body.copy(framed, CRC_OCTETS)
  framed.writeUInt32BE(crc32(body), CRC_OCTETS + body.length)
  return framed
}

/** A line of pixels, one bit each, 1 is white; behind the octet that says it is not filtered (PNG §9). */
function pixelLine(row: readonly boolean[]): Buffer {
  const width = row.length * SCALE
  const line = Buffer.alloc(1 + Math.ceil(width / BITS))
  for (let x = 0; x < width; x++)
    if (!row[Math.floor(x / SCALE)]) line[1 + (x >> 3)] = (line[1 + (x >> 3)] ?? 0) | (0x80 >> (x & 7))
  return line
}

/** Black and white (PNG, ISO/IEC 15948). */
export function qrPng(text: string): Buffer {
  const rows = modules(text)
  const header = Buffer.alloc(13)
  header.writeUInt32BE(rows.length * SCALE, 0)
  header.writeUInt32BE(rows.length * SCALE, 4)
  // Bit depth 1, greyscale; the other three are the only ones there are.
  header.set([1, 0, 0, 0, 0], 8)
  const pixels = Buffer.concat(
    rows.flatMap((row) => {
      const line = pixelLine(row)
      return Array.from({ length: SCALE }, () => line)
    }),
  )
  return Buffer.concat([
    SIGNATURE,
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(pixels)),
    chunk('IEND', Buffer.alloc(0)),
  ])
}

/** For a terminal: two rows to a line, light modules drawn, as terminals are dark; readers take it either way. */
export function qrText(text: string): string {
  const rows = modules(text)
  const lines: string[] = []
  for (let y = 0; y < rows.length; y += 2) {
    const [upper = [], lower] = [rows[y], rows[y + 1]]
    const drawn = upper.map((dark, x) => {
      const below = lower === undefined ? true : (lower[x] ?? true)
      if (dark) return below ? ' ' : '▄'
      return below ? '▀' : '█'
    })
    lines.push(drawn.join(''))
  }
  return lines.join('\n')
}
