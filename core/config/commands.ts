// `tallycell config init` and `tallycell config print`.
import { writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Command } from '../cli/command.ts'
import { fail } from '../kernel/errors.ts'
import { withoutPassword } from '../log/redact.ts'
import { CONFIG_VARIABLE } from './environment.ts'
import { exampleConfig, settingsInForce } from './example.ts'
import { DEFAULT_FILE } from './load.ts'
import type { Section } from './section.ts'

export function configCommands(sections: readonly Section[]): Command[] {
  return [initCommand(sections), printCommand]
}

const initCommand = (sections: readonly Section[]): Command => ({
  path: ['config', 'init'],
  summary: `write a commented example configuration to --config FILE or ./${DEFAULT_FILE}`,
  options: { force: { summary: 'overwrite the file if it exists' } },
  examples: ['tallycell config init', 'tallycell --config /etc/tallycell/tallycell.yaml config init --force'],
  async run({ options }) {
    const file = resolve(options.config ?? (process.env[CONFIG_VARIABLE] || DEFAULT_FILE))
    try {
      writeFileSync(file, exampleConfig(sections), { flag: options.force ? 'w' : 'wx', mode: 0o644 })
    } catch (error) {
      if (!(error instanceof Error) || !('code' in error)) throw error
      if (error.code === 'EEXIST') fail('CONFIG_EXISTS', { file })
      fail('CONFIG_UNWRITABLE', { file, reason: error.message }, error)
    }
    return { text: `Wrote ${file}. Nothing in it is set yet: the defaults are in force.`, json: { file } }
  },
})

const printCommand: Command = {
  path: ['config', 'print'],
  summary: 'show every setting in force, and whether it comes from the default, the file or the environment',
  examples: ['tallycell config print', 'TALLYCELL_HTTP_LISTEN=127.0.0.1:9090 tallycell config print --json'],
  async run(_input, context) {
    const { file, dataDir, settings: inForce } = await context.config()
    const settings = inForce.map((setting) =>
      typeof setting.value === 'string' ? { ...setting, value: withoutPassword(setting.value) } : setting,
    )
    const head = file === undefined ? '# no configuration file was read' : `# ${file}`
    return { text: `${head}\n${settingsInForce(settings)}`, json: { file: file ?? null, dataDir, settings } }
  },
}
