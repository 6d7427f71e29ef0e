// What a command may use, opened on first use and closed when it ends.
import { loadConfig } from '../config/load.ts'
import type { Config, Section } from '../config/section.ts'
import { systemClock } from '../kernel/clock.ts'
import { createLogger, type Logger, type LogSettings, logSection } from '../log/logger.ts'
import { configuredKeyStore, type KeyStore } from '../runtime/keys.ts'
import { storeOptions } from '../store/settings.ts'
import { openStore, type Store } from '../store/store.ts'
import type { CommandContext } from './command.ts'
import type { Globals } from './parse.ts'
import { createProgress } from './progress.ts'
import { printable, type TextOutput } from './terminal.ts'

export interface ContextDeps {
  readonly sections: readonly Section[]
  readonly globals: Globals
  readonly signal: AbortSignal
  readonly stderr: TextOutput
  readonly env: Readonly<Record<string, string | undefined>>
  readonly cwd: string
}

export interface OpenContext {
  readonly context: CommandContext
  close(): Promise<void>
}

export function openContext({ sections, globals, signal, stderr, env, cwd }: ContextDeps): OpenContext {
  const config = once(() => loadConfig(sections, { file: globals.config, env, cwd }))
  const log = once((): Logger => {
    const { level, format } = logSettings(config)
    return createLogger({ level: globals.verbose ? 'debug' : level, format, destination: stderr })
  })
  let opening: Promise<Store> | undefined
  let keys: KeyStore | undefined
  const context: CommandContext = {
    config: async () => config(),
    store: async () => (opening ??= openStore(storeOptions(config()))),
    keys: async () => (keys ??= configuredKeyStore(config())),
    get log() {
      return log()
    },
    clock: systemClock,
    signal,
    json: globals.json,
    progress: (label) => createProgress(globals.json ? { write: () => {} } : stderr, label),
    say: (line) => {
      if (!globals.json) stderr.write(`${line.split('\n').map(printable).join('\n')}\n`)
    },
  }
  return {
    context,
    async close() {
      // A store that could not be opened has told so already.
      const store = await opening?.catch(() => undefined)
      await store?.close()
    },
  }
}

/** The log of a command works without a configuration; a command that needs one meets its faults itself. */
function logSettings(config: () => Config): LogSettings {
  try {
    return config().get(logSection)
  } catch {
    return { level: 'info', format: 'auto' }
  }
}

function once<Value>(make: () => Value): () => Value {
  let made: { value: Value } | undefined
  return () => {
    made ??= { value: make() }
    return made.value
  }
}
