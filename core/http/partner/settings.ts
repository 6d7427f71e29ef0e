// What an operator sets of the partner API.
import { Type } from 'typebox'
import type { Section, Settings } from '../../config/section.ts'

export const partnerSection = {
  key: 'partner',
  schema: Type.Object({
    url: Type.String({
      pattern: '^https?://[^\\s/?#]+$',
      default: 'http://localhost:8080',
      description:
        'Public address of the partner API, without a path, the same on every node: access tokens name it as their issuer, so tokens of before a change are good no longer.',
    }),
    tokenLifetime: Type.Integer({
      minimum: 60,
      maximum: 86_400,
      default: 900,
      description: 'How long an access token is good, seconds.',
    }),
    requestsPerSecond: Type.Integer({
      minimum: 1,
      maximum: 1_000_000,
      default: 200,
      description:
        'Requests per second that a tenant may make to each node; twice as many at once. `tallycell partner limit` sets another for one tenant.',
    }),
    requestsPerDay: Type.Integer({
      minimum: 1,
      maximum: 1_000_000_000_000,
      default: 5_000_000,
      description: 'Requests that a tenant may make in a UTC day, to all nodes together.',
    }),
    webhookTargets: Type.Union([Type.Literal('public'), Type.Literal('any')], {
      default: 'public',
      description:
        'Where webhooks may lead: public (https, to addresses of the public Internet only), or any, which also lets partners reach plain http and private addresses from this machine.',
    }),
  }),
} satisfies Section

export type PartnerSettings = Settings<typeof partnerSection>
