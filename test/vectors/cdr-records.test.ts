// CDRs that a foreign compiler of ASN.1 agrees with; their file says how that was found.
import { readFileSync } from 'node:fs'
import t from 'tap'
import { decodeCdr, encodeCdr } from '../../billing/charging/cdr/ber.ts'
import type { CdrNode } from '../../billing/charging/cdr/contents.ts'
import { formatJsonLine } from '../../billing/charging/cdr/json-lines.ts'
import { isBerFault } from '../../core/wire/ber/fault.ts'

interface Vectors {
  readonly node: CdrNode
  readonly cdrs: readonly { readonly name: string; readonly record: object; readonly octets: readonly string[] }[]
}

const { node, cdrs } = JSON.parse(readFileSync(new URL('cdr-records.json', import.meta.url), 'utf8')) as Vectors

for (const { name, record, octets } of cdrs)
  t.test(name, async (t) => {
    const bytes = Buffer.from(octets.join(''), 'hex')
    const decoded = decodeCdr(bytes)
    if (isBerFault(decoded)) throw new Error(`${decoded.fault} at ${decoded.offset}`)
    t.same(JSON.parse(formatJsonLine(decoded)), record)
    t.equal(Buffer.from(encodeCdr(decoded, node)).toString('hex'), bytes.toString('hex'))
  })
