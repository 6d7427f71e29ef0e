// The map of the program, made from the table of commands.
import type { Command, OptionSpec } from './command.ts'
import { displayWidth, type Paint } from './terminal.ts'

/** The command line that explains what stands at `path`. */
export const helpFor = (path: readonly string[]): string => ['tallycell', ...path, '--help'].join(' ')

/** The form of a command: `tallycell radio add ID --owner WALLET [--access KIND]`. */
export function usage({ path, positionals = [], options = {} }: Command): string {
  const words = positionals.map(({ name, required }) => (required ? name : `[${name}]`))
  const flags = Object.entries(options).map(([name, spec]) =>
    spec.required ? flag(name, spec) : `[${flag(name, spec)}]`,
  )
  return ['tallycell', ...path, ...words, ...flags].join(' ')
}

const flag = (name: string, { value }: OptionSpec): string => (value === undefined ? `--${name}` : `--${name} ${value}`)

export interface HelpPage {
  /** What stands above the list of all commands. */
  readonly summary: string
  readonly version: string
  readonly path: readonly string[]
  /** Those whose words begin with `path`. */
  readonly commands: readonly Command[]
  readonly globals: Readonly<Record<string, OptionSpec>>
}

export function helpText(page: HelpPage, paint: Paint): string {
  const [only, ...others] = page.commands
  const body =
    only && others.length === 0 && only.path.length === page.path.length
      ? commandHelp(only, paint)
      : mapHelp(page, paint)
  return `${body}\n${section('Options everywhere', optionRows(page.globals), paint)}`
}

function mapHelp({ summary, version, path, commands }: HelpPage, paint: Paint): string {
  const head = path.length === 0 ? `Tallycell ${version}. ${summary}\n\n` : ''
  const form = ['tallycell', ...path, 'COMMAND', '[options]'].join(' ')
  const rows = commands.map((command): Row => {
    const words = (command.positionals ?? []).map(({ name, required }) => (required ? name : `[${name}]`))
    return [
      [...command.path, ...words].join(' '),
      command.summary,
      command.path.length > 1 ? (command.path[0] ?? '') : '',
    ]
  })
  const example = commands.flatMap((command) => command.examples?.slice(0, 1) ?? []).slice(0, 6)
  const more = `'tallycell COMMAND --help' explains one command.`
  return `${head}${paint('bold', 'Usage')}: ${form}\n\n${section('Commands', rows, paint)}\n${examples(example, paint)}${more}\n`
}

function commandHelp(command: Command, paint: Paint): string {
  const { positionals = [], options = {} } = command
  const parts = [
    `${command.summary}\n`,
    `${paint('bold', 'Usage')}: ${usage(command)}\n`,
    section(
      'Arguments',
      positionals.map(
        ({ name, summary, required }): Row => [name, summary + (required ? '' : ' (may be left out)'), ''],
      ),
      paint,
    ),
    section('Options', optionRows(options), paint),
    examples(command.examples ?? [], paint).trimEnd(),
  ]
  return `${parts.filter(Boolean).join('\n').trimEnd()}\n`
}

/** Left, right, and a group: a blank line parts one group from the next. */
type Row = readonly [left: string, right: string, group: string]

function optionRows(options: Readonly<Record<string, OptionSpec>>): Row[] {
  return Object.entries(options).map(([name, spec]) => {
    const note = spec.required ? ' (required)' : spec.default === undefined ? '' : ` (default ${spec.default})`
    return [flag(name, spec), spec.summary + note, '']
  })
}

function section(title: string, rows: readonly Row[], paint: Paint): string {
  if (rows.length === 0) return ''
  const width = Math.max(...rows.map(([left]) => displayWidth(left)))
  const lines = rows.map(([left, right, group], index) => {
    const gap = index > 0 && rows[index - 1]?.[2] !== group ? '\n' : ''
    return `${gap}  ${left}${' '.repeat(width - displayWidth(left))}  ${right}\n`
  })
  return `${paint('bold', title)}\n${lines.join('')}`
}

const examples = (lines: readonly string[], paint: Paint): string =>
  lines.length === 0 ? '' : `${paint('bold', 'Examples')}\n${lines.map((line) => `  ${line}\n`).join('')}\n`

/** The same map for programs. */
export function helpJson({ version, path, commands, globals }: HelpPage): unknown {
  return {
    program: 'tallycell',
    version,
    path,
    commands: commands.map((command) => ({
      command: command.path.join(' '),
      usage: usage(command),
      summary: command.summary,
      positionals: command.positionals ?? [],
      options: command.options ?? {},
      examples: command.examples ?? [],
    })),
    globalOptions: globals,
  }
}
