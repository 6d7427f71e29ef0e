// What belongs to the network and partners may read: their ranges, and the public halves of the home network keys.
import { Type } from 'typebox'
import type { PartnerRoutes } from '../../core/http/partner/contract.ts'
import { listRanges, type NumberRange, RANGE_KINDS } from '../profiles/ranges/store.ts'
import { readNetworkKeys } from '../vault/network-keys/store.ts'

const RANGE = Type.Object({
  kind: Type.Enum([...RANGE_KINDS]),
  first: Type.String({ description: 'of an ICCID without its check digit' }),
  last: Type.String(),
  mncDigits: Type.Union([Type.Integer(), Type.Null()], { description: 'of IMSI ranges: length of the network code' }),
  left: Type.String({ description: 'how many were never given out' }),
})

const rangeBody = ({ kind, first, last, next, mncDigits }: NumberRange) => ({
  ...{ kind, first, last },
  mncDigits: mncDigits ?? null,
  left: String(BigInt(last) - BigInt(next) + 1n),
})

const HOME_KEY = Type.Object({
  id: Type.Integer({ description: 'home network public key identifier, 0 to 255 (TS 23.003 §2.2B)' }),
  profile: Type.Enum(['A', 'B'], { description: 'of ECIES (TS 33.501 Annex C.3.4)' }),
  state: Type.Enum(['active', 'retiring', 'retired']),
  publicKey: Type.String({ description: 'hex, as it is written on a SIM' }),
  fingerprint: Type.String(),
})

export const networkRoutes = (): PartnerRoutes => (api) => {
  api.list({
    url: '/ranges',
    tag: 'ranges',
    scope: 'ranges:read',
    summary: 'Your ranges of identifiers; the operator of the network gives them out',
    query: Type.Object({ kind: Type.Optional(Type.Enum([...RANGE_KINDS])) }),
    item: RANGE,
    async handler({ sql, tenant, query, page }) {
      const positionOf = (range: NumberRange): string => `${range.kind} ${range.first}`
      const own = (await listRanges(sql)).filter(
        (range) =>
          range.tenant === tenant &&
          (query.kind === undefined || range.kind === query.kind) &&
          (page.after === undefined || positionOf(range) > page.after),
      )
      const shown = own.slice(0, page.limit)
      const last = shown.at(-1)
      return { items: shown.map(rangeBody), next: own.length > shown.length && last ? positionOf(last) : undefined }
    },
  })
  api.route({
    method: 'GET',
    url: '/home-network-keys',
    tag: 'home-network-keys',
    scope: 'home-network-keys:read',
    summary: 'The keys that SIMs conceal their identity with: public halves',
    answers: { 200: Type.Object({ keys: Type.Array(HOME_KEY) }) },
    async handler({ sql }) {
      const keys = (await readNetworkKeys(sql, 'home')).map((row) => ({
        id: Number(row.key_id),
        profile: row.profile,
        state: row.state,
        publicKey: Buffer.from(row.public_key ?? []).toString('hex'),
        fingerprint: row.fingerprint,
      }))
      return { body: { keys } }
    },
  })
}
