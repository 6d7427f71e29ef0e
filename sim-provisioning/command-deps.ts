// What the commands about SIMs have in common: the vault, and who is at the command line.
import { readFile } from 'node:fs/promises'
import { userInfo } from 'node:os'
import type { CommandContext, OptionSpec } from '../core/cli/command.ts'
import { fail } from '../core/kernel/errors.ts'
import { configuredKeyStore, type SealedKeyStore } from '../core/runtime/keys.ts'
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

/** An operator's token, alone in a file. Throws FILE_UNREADABLE; a missing file is a wrong token. */
export const readToken = async (path: string | undefined): Promise<string> =>
  path === undefined ? '' : (await readText(path)).trim()

export const instant = (at: bigint): string => new Date(Number(at)).toISOString().replace('.000', '')
