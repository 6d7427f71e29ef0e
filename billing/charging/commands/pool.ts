// `tallycell pool`: families and companies that share balances.
import type { Command } from '../../../core/cli/command.ts'
import { PAGE_OPTIONS, readPage } from '../../../core/cli/page.ts'
import { table } from '../../../core/cli/table.ts'
import { fail } from '../../../core/kernel/errors.ts'
import { joinPool, leavePool } from '../balances/store.ts'
import { lockWallets, poolsOf } from '../wallet/store.ts'
import { listMembers, needProfile, poolTenant } from './store.ts'

export function poolCommands(): Command[] {
  return [add, remove, list]
}

const POOL = {
  name: 'POOL',
  summary: "the pool: a-z, 0-9, '.', '_', '-'; made with its first member",
  required: true,
} as const
const SUBSCRIBER = { name: 'SUBSCRIBER', summary: 'the subscriber', required: true } as const

function readPool(text: string): string {
  if (/^[a-z0-9][a-z0-9._-]{0,63}$/.test(text)) return text
  const expected = "1 to 64 of a-z, 0-9, '.', '_', '-', starting with a letter or digit"
  return fail('ID_INVALID', { what: 'pool id', expected, came: text.slice(0, 64) })
}

const LATER = 'Open sessions stay with what they were opened with.'

const add: Command = {
  path: ['pool', 'add'],
  summary: 'make a subscriber a member of a pool, whose balances it can use from its next session on',
  positionals: [POOL, SUBSCRIBER],
  examples: ['tallycell pool add family-1 alice'],
  async run({ args }, context) {
    const pool = readPool(args.POOL ?? '')
    const store = await context.store()
    return store.batch(async (sql) => {
      const { subscriber, tenant } = await needProfile(sql, args.SUBSCRIBER ?? '')
      // Who joins the same pool at the same time waits here.
      await lockWallets(sql, [`pool:${pool}`])
      const owner = await poolTenant(sql, pool)
      if (owner !== undefined && owner !== tenant) fail('POOL_TENANT', { pool, owner, subscriber, came: tenant })
      const before = (await poolsOf(sql, [subscriber])).get(subscriber)
      await joinPool(sql, subscriber, pool)
      const left = before === undefined || before === pool ? '' : ` It left the pool ${before}.`
      return {
        text:
          before === pool
            ? `${subscriber} is a member of ${pool} already.`
            : `${subscriber} is a member of ${pool}.${left} ${LATER}`,
        json: { pool, subscriber, left: left === '' ? null : before },
      }
    })
  },
}

const remove: Command = {
  path: ['pool', 'remove'],
  summary: 'end the membership of a subscriber in a pool; what the pool has stays with it',
  positionals: [POOL, SUBSCRIBER],
  examples: ['tallycell pool remove family-1 alice'],
  async run({ args }, context) {
    const pool = readPool(args.POOL ?? '')
    const store = await context.store()
    return store.batch(async (sql) => {
      const { subscriber } = await needProfile(sql, args.SUBSCRIBER ?? '')
      if ((await poolsOf(sql, [subscriber])).get(subscriber) !== pool) fail('POOL_NOT_MEMBER', { pool, subscriber })
      await leavePool(sql, subscriber)
      return { text: `${subscriber} is no member of ${pool} any more. ${LATER}`, json: { pool, subscriber } }
    })
  },
}

const list: Command = {
  path: ['pool', 'list'],
  summary: 'list pools and their members, or the members of one pool',
  positionals: [{ name: 'POOL', summary: 'only this pool' }],
  options: { limit: PAGE_OPTIONS.limit },
  examples: ['tallycell pool list', 'tallycell pool list family-1'],
  async run(input, context) {
    const { limit } = readPage(input)
    const pool = input.args.POOL === undefined ? undefined : readPool(input.args.POOL)
    const store = await context.store()
    const found = await store.batch((sql) => listMembers(sql, pool, limit + 1))
    const members = found.slice(0, limit)
    const more = found.length > limit
    const rows = members.map(({ pool_id, subscriber_id, tenant_id }) => ({
      pool: pool_id,
      subscriber: subscriber_id,
      tenant: tenant_id,
    }))
    const json = { members: rows, more }
    if (rows.length === 0)
      return {
        text:
          pool === undefined
            ? 'No pools yet. Make one: tallycell pool add POOL SUBSCRIBER'
            : `The pool ${pool} has no members.`,
        json,
      }
    return {
      text: table(rows, ['pool', 'subscriber', 'tenant']) + (more ? '\nThere are more: raise --limit' : ''),
      json,
    }
  },
}
