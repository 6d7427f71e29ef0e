// A command of the program as data: parsing, help and output are made from it in one place.
import type { Config } from '../config/section.ts'
import type { Clock } from '../kernel/clock.ts'
import type { Logger } from '../log/logger.ts'
import type { KeyStore } from '../runtime/keys.ts'
import type { Store } from '../store/store.ts'

export interface OptionSpec {
  /** Name of the value in help (`FILE`, `N`); absent for a switch. */
  readonly value?: string
  readonly summary: string
  readonly default?: string
  readonly required?: boolean
}

export interface PositionalSpec {
  readonly name: string
  readonly summary: string
  readonly required?: boolean
}

export interface Input {
  /** Given positionals by name. */
  readonly args: Readonly<Record<string, string | undefined>>
  /** Given or default option values by name; a switch is 'true' or undefined. */
  readonly options: Readonly<Record<string, string | undefined>>
}

/** What a command found: `text` for people, `json` (bigint allowed) for programs. `exit` other than 0 when the answer is "no". */
export interface Output {
  readonly text: string
  readonly json: unknown
  readonly exit?: number
}

export interface Progress {
  /** `done` of `total` units; draws nothing where stderr is not a terminal or with --json. */
  update(done: number, total: number): void
  end(): void
}

/** What a command may use. Each is opened on first use and closed when the command ends. */
export interface CommandContext {
  config(): Promise<Config>
  store(): Promise<Store>
  keys(): Promise<KeyStore>
  readonly log: Logger
  readonly clock: Clock
  /** Aborts on SIGINT and SIGTERM. */
  readonly signal: AbortSignal
  /** True with --json. */
  readonly json: boolean
  progress(label: string): Progress
  /** A line for people while the command runs; nothing with --json. */
  say(line: string): void
}

export interface Command {
  /** Words after `tallycell`: `['radio', 'add']`. */
  readonly path: readonly string[]
  readonly summary: string
  readonly positionals?: readonly PositionalSpec[]
  readonly options?: Readonly<Record<string, OptionSpec>>
  /** Complete command lines shown in help. */
  readonly examples?: readonly string[]
  run(input: Input, context: CommandContext): Promise<Output>
}
