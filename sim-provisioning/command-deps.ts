// What the commands about SIMs have in common: the vault, and who is at the command line.
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { userInfo } from 'node:os'
import type { CommandContext, Input, OptionSpec } from '../core/cli/command.ts'
import { appendAudit } from '../core/http/partner/audit/store.ts'
import { fail, isTallycellError, TallycellError } from '../core/kernel/errors.ts'
import type { PayerId } from '../core/kernel/ids.ts'
import { toJson } from '../core/kernel/units.ts'
import { configuredKeyStore, type SealedKeyStore } from '../core/runtime/keys.ts'
import type { Sql } from '../core/store/sql.ts'
import type { Store } from '../core/store/store.ts'
import { createVault, type Vault } from './vault/vault.ts'

export interface Opened {
  readonly store: Store
  readonly vault: Vault
  readonly keys: SealedKeyStore
}

export async function openVault(context: CommandContext): Promise<Opened> {
  const keys = configuredKeyStore(await context.config())
  const store = await context.store()
  return { store, keys, vault: createVault(store, keys.kek) }
}

export const AS_OPTION = {
  as: { value: 'NAME', summary: 'who does this, for the record; the user of the operating system unless given' },
} as const satisfies Record<string, OptionSpec>

/** Who is written down. */
export const actorOf = (name: string | undefined): string => name ?? userInfo().username

/** Throws FILE_UNREADABLE. */
export async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    return fail('FILE_UNREADABLE', { path, reason: error instanceof Error ? error.message : String(error) }, error)
  }
}

export interface Audited {
  /** The words of the command. */
  readonly action: string
  readonly input: Input
  /** Whose trail gets the entry: who has the object. Read before the work is done. */
  readonly tenant: (sql: Sql) => Promise<PayerId>
}

/**
 * What a command changes, in one transaction with the entry in the tenant's audit trail. A refusal because of a lock is kept as well: the
 * subscriber is told of it.
 */
export async function audited<Result>(
  context: CommandContext,
  { action, input, tenant }: Audited,
  work: (joined: Pick<Store, 'batch'>) => Promise<Result>,
): Promise<Result> {
  const store = await context.store()
  const done = await store.batch(async (sql) => {
    const whose = await tenant(sql)
    const result = await unlessLocked(() => work({ batch: (inner) => inner(sql) }))
    const { args, options } = input
    await appendAudit(sql, {
      tenant: whose,
      at: context.clock(),
      actor: `cli:${actorOf(options.as)}`,
      action,
      // What is named first; a number that follows is nobody else's business.
      target: Object.values(args)[0] ?? '',
      status: result instanceof TallycellError ? 409 : 200,
      bodyHash: createHash('sha256').update(toJson({ args, options })).digest(),
    })
    return result
  })
  if (done instanceof TallycellError) throw done
  return done
}

async function unlessLocked<Result>(work: () => Promise<Result>): Promise<Result | TallycellError> {
  try {
    return await work()
  } catch (error) {
    if (isTallycellError(error) && error.code === 'SUBSCRIPTION_LOCKED') return error
    throw error
  }
}

/** An operator's token, alone in a file. Throws FILE_UNREADABLE; a missing file is a wrong token. */
export const readToken = async (path: string | undefined): Promise<string> =>
  path === undefined ? '' : (await readText(path)).trim()

export const instant = (at: bigint): string => new Date(Number(at)).toISOString().replace('.000', '')
