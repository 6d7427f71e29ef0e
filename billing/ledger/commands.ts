// `tallycell ledger`: whether the books are whole, what was booked, and all of it for an auditor.
import { resolve } from 'node:path'
import type { Command, Output } from '../../core/cli/command.ts'
import { moreLine, PAGE_OPTIONS, readPage } from '../../core/cli/page.ts'
import { type Column, table } from '../../core/cli/table.ts'
import { fail } from '../../core/kernel/errors.ts'
import { subscriberId } from '../../core/kernel/ids.ts'
import { decimal, type Millis } from '../../core/kernel/units.ts'
import type { Sql } from '../../core/store/sql.ts'
import { formatAmount } from './amount.ts'
import { exportTransfers } from './audit/export.ts'
import { checkLedger, type Finding, type Reserved, type TransferRow } from './audit/store.ts'
import { listAccounts, readStatement } from './statement/store.ts'

export interface LedgerCommandDeps {
  /** What open charging sessions hold of each account. */
  readonly reserved: (sql: Sql) => Promise<Reserved>
  /** Reads a time of the command line; throws ID_INVALID. */
  readonly readInstant: (text: string) => Millis
}

export function ledgerCommands({ reserved, readInstant }: LedgerCommandDeps): Command[] {
  const check: Command = {
    path: ['ledger', 'check'],
    summary:
      'prove that the books are whole; ends with 1 when they are not. Reads all transfers, and nobody waits meanwhile',
    examples: ['tallycell ledger check'],
    async run(_input, context) {
      const store = await context.store()
      return checked(await store.read(async (sql) => checkLedger(sql, await reserved(sql))))
    },
  }
  const statement: Command = {
    path: ['ledger', 'statement'],
    summary: 'show what was booked on an account, or on all accounts of a subscriber, pool, payer or radio',
    positionals: [
      {
        name: 'OF',
        summary: "a subscriber's id, an owner (pool:family-1) or an account (payer:default:revenue)",
        required: true,
      },
    ],
    options: {
      from: { value: 'TIME', summary: 'from this date or UTC time on' },
      to: { value: 'TIME', summary: 'before this date or UTC time' },
      limit: { value: 'N', summary: 'at most this many transfers, the newest; 1 to 10000', default: '100' },
    },
    examples: [
      'tallycell ledger statement alice',
      'tallycell ledger statement alice --from 2027-01-01 --to 2027-02-01',
      'tallycell ledger statement payer:default:income:n1:EUR',
    ],
    async run(input, context) {
      const { limit } = readPage(input)
      const { from, to } = input.options
      const of = readOwner(input.args.OF ?? '')
      const filter = {
        of,
        from: from === undefined ? undefined : readInstant(from),
        to: to === undefined ? undefined : readInstant(to),
      }
      const store = await context.store()
      const { found, accounts } = await store.read(async (sql) => ({
        found: await readStatement(sql, { ...filter, limit: limit + 1 }),
        accounts: await listAccounts(sql, { of, unit: undefined, after: undefined, limit: limit + 1 }),
      }))
      const transfers = found.slice(-limit)
      const more = found.length > limit
      return statementOutput({ of, transfers, more, accounts })
    },
  }
  return [check, statement, exportCommand, accounts]
}

function checked(findings: readonly Finding[]): Output {
  const lines = findings.map(({ account, problem }) => `  ${account}: ${problem}`)
  return {
    text:
      findings.length === 0
        ? 'The books are whole: debits equal credits in every unit, no balance is below zero, every balance is the sum of its transfers, and what is reserved is what open sessions hold.'
        : `The books are not whole:\n${lines.join('\n')}\nStop the node, keep the database as it is for whoever looks into it, and restore the newest backup that is sound.`,
    json: { whole: findings.length === 0, findings },
    exit: findings.length === 0 ? 0 : 1,
  }
}

const OWNER = /^(subscriber|payer|radio|pool):[a-z0-9][a-z0-9._-]{0,63}(:[^\s]{1,200})?$/

/** A word alone is a subscriber. */
function readOwner(text: string): string {
  if (!text.includes(':')) return `subscriber:${subscriberId(text)}`
  if (OWNER.test(text)) return text
  const expected = "a subscriber's id, an owner such as pool:family-1, or an account such as payer:default:revenue"
  return fail('ID_INVALID', { what: 'account', expected, came: text.slice(0, 64) })
}

interface Statement {
  readonly of: string
  readonly transfers: readonly TransferRow[]
  readonly more: boolean
  readonly accounts: Awaited<ReturnType<typeof listAccounts>>
}

type Cell = 'id' | 'at' | 'debit' | 'credit' | 'amount' | 'cause'
const COLUMNS: readonly Column<Cell>[] = [
  { name: 'id', align: 'right' },
  { name: 'at' },
  { name: 'debit' },
  { name: 'credit' },
  { name: 'amount', align: 'right' },
  { name: 'cause' },
]

const time = (at: bigint): string => new Date(Number(at)).toISOString().replace(/\.\d+Z$/, 'Z')

function statementOutput({ of, transfers, more, accounts }: Statement): Output {
  const json = {
    of,
    transfers: transfers.map(({ transfer_id, at, cause, debit, credit, unit, amount }) => ({
      id: transfer_id,
      at: time(at),
      cause,
      debit,
      credit,
      unit,
      amount,
    })),
    more,
    accounts,
  }
  if (accounts.length === 0) return { text: `Nothing has been booked on ${of}. See: tallycell ledger accounts`, json }
  const rows = transfers.map(({ transfer_id, at, cause, debit, credit, unit, amount }) => ({
    id: transfer_id.toString(),
    at: time(at),
    debit,
    credit,
    amount: formatAmount(amount, unit),
    cause,
  }))
  const lines = [
    rows.length === 0 ? 'No transfers in this time.' : table(rows, COLUMNS),
    ...(more ? ['There are older ones: raise --limit, or set --to'] : []),
    '',
    table(accounts.map(accountCells), ACCOUNTS),
  ]
  return { text: lines.join('\n'), json }
}

const ACCOUNTS: readonly Column<'account' | 'balance' | 'reserved'>[] = [
  { name: 'account' },
  { name: 'balance', align: 'right' },
  { name: 'reserved', align: 'right' },
]

const accountCells = ({ account, unit, posted, pending }: Statement['accounts'][number]) => ({
  account,
  balance: formatAmount(posted, unit),
  reserved: pending === 0n ? '-' : formatAmount(pending, unit),
})

const accounts: Command = {
  path: ['ledger', 'accounts'],
  summary: 'list accounts with their balances, and what open sessions have reserved of them',
  options: {
    owner: {
      value: 'OWNER',
      summary: 'only those of an owner: subscriber:alice, pool:family-1, payer:default, radio:ap-1',
    },
    unit: { value: 'UNIT', summary: 'only those in octet, second, message, microtoken, or a currency' },
    ...PAGE_OPTIONS,
  },
  examples: [
    'tallycell ledger accounts --owner subscriber:alice',
    'tallycell ledger accounts --unit EUR --limit 1000 --json',
  ],
  async run(input, context) {
    const { limit, after } = readPage(input)
    const { owner, unit } = input.options
    if (owner !== undefined && (!OWNER.test(owner) || owner.split(':').length !== 2)) {
      const expected = 'subscriber:ID, pool:ID, payer:ID or radio:ID'
      fail('ID_INVALID', { what: '--owner', expected, came: owner.slice(0, 64) })
    }
    const store = await context.store()
    const found = await store.read((sql) => listAccounts(sql, { of: owner, unit, after, limit: limit + 1 }))
    const shown = found.slice(0, limit)
    const more = found.length > limit
    const json = { accounts: shown, more }
    if (shown.length === 0) return { text: 'No such accounts: one is opened when something is booked on it.', json }
    return {
      text:
        table(shown.map(accountCells), ACCOUNTS) +
        moreLine('ledger accounts', more ? shown.at(-1)?.account : undefined),
      json,
    }
  },
}

const exportCommand: Command = {
  path: ['ledger', 'export'],
  summary: 'write all transfers to a file of JSON Lines; the same file again goes on behind its last line',
  options: {
    out: { value: 'FILE', summary: 'file to write or to go on with', required: true },
    after: { value: 'ID', summary: 'for a new file: begin behind this transfer' },
  },
  examples: ['tallycell ledger export --out audit.jsonl'],
  async run({ options }, context) {
    const after = options.after === undefined ? undefined : decimal(options.after, '--after')
    const file = resolve(options.out ?? '')
    const store = await context.store()
    const bar = context.progress('exporting')
    const { transfers, last, stopped } = await exportTransfers(store, {
      file,
      after,
      signal: context.signal,
      progress: (done, newest) => bar.update(Number(done), Number(newest)),
    }).finally(() => bar.end())
    const written = `${transfers === 0n ? 'Nothing new for' : `Wrote ${transfers} transfer${transfers === 1n ? '' : 's'} to`} ${file}`
    const next = stopped
      ? 'Broken off: run it again to go on.'
      : `It ends with transfer ${last}; the same command goes on behind it.`
    return { text: `${written}. ${next}`, json: { file, transfers, last, stopped }, exit: stopped ? 130 : 0 }
  },
}
