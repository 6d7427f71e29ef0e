// Words of a command line into a command and its input, by the table of commands.
import { parseArgs } from 'node:util'
import { didYouMean } from '../config/nearest.ts'
import { fail } from '../kernel/errors.ts'
import type { Command, Input, OptionSpec } from './command.ts'
import { helpFor, usage } from './help.ts'

/** Accepted by every command, before or after its words. */
export const GLOBAL_OPTIONS = {
  json: { summary: 'answer with one line of JSON on standard output, an error as {"error":…}' },
  config: { value: 'FILE', summary: 'configuration file (else TALLYCELL_CONFIG, else ./tallycell.yaml)' },
  verbose: { summary: 'log more, and show where an unexpected failure happened' },
  help: { summary: 'explain the command, or the group of commands, that stands before it' },
  version: { summary: 'show the version' },
} as const satisfies Record<string, OptionSpec>

export interface Globals {
  readonly json: boolean
  readonly verbose: boolean
  readonly config: string | undefined
}

export type Parsed =
  | { readonly kind: 'version' }
  | { readonly kind: 'help'; readonly path: readonly string[] }
  | { readonly kind: 'run'; readonly command: Command; readonly input: Input; readonly globals: Globals }

/** True when the answer is to be JSON, also where the rest of the line cannot be understood. */
export const wantsJson = (argv: readonly string[]): boolean => untilDashes(argv).includes('--json')

const untilDashes = (argv: readonly string[]): readonly string[] => {
  const end = argv.indexOf('--')
  return end < 0 ? argv : argv.slice(0, end)
}

/** Throws a CLI_… error of the catalogue. */
export function parseCommandLine(commands: readonly Command[], argv: readonly string[]): Parsed {
  const line = argv[0] === 'help' ? [...argv.slice(1), '--help'] : argv
  const { path, rest } = findPath(commands, line)
  const flags = untilDashes(rest)
  if (flags.includes('--help') || flags.includes('-h')) return { kind: 'help', path }
  const command = commands.find((candidate) => candidate.path.join(' ') === path.join(' '))
  if (!command) return withoutCommand(commands, path, rest)
  const options = { ...command.options, ...GLOBAL_OPTIONS }
  const { values, words } = readOptions(path, options, rest)
  if (values.version) return { kind: 'version' }
  const globals = { json: values.json === 'true', verbose: values.verbose === 'true', config: values.config }
  return {
    kind: 'run',
    command,
    globals,
    input: { args: readPositionals(command, words), options: withDefaults(command, values) },
  }
}

/** Takes the words that lead to a command out of the line; options may stand between them. */
function findPath(commands: readonly Command[], argv: readonly string[]): { path: string[]; rest: string[] } {
  const path: string[] = []
  const rest: string[] = []
  let searching = true
  for (let index = 0; index < argv.length; index++) {
    const word = argv[index] ?? ''
    if (searching && !word.startsWith('-')) {
      const longer = [...path, word]
      if (commands.some((command) => longer.every((step, level) => command.path[level] === step))) {
        path.push(word)
        continue
      }
      searching = false
    }
    if (word === '--') searching = false
    rest.push(word)
    if (word === '--config' && searching) rest.push(...argv.slice(++index, index + 1))
  }
  return { path, rest }
}

/** The words name no command: explain, or say what was expected. */
function withoutCommand(commands: readonly Command[], path: readonly string[], rest: readonly string[]): Parsed {
  const { values, words } = readOptions(path, GLOBAL_OPTIONS, rest)
  if (values.version) return { kind: 'version' }
  const next = [
    ...new Set(commands.filter((command) => under(command, path)).map((command) => command.path[path.length] ?? '')),
  ]
  const word = words[0]
  if (word !== undefined)
    fail('CLI_COMMAND_UNKNOWN', {
      came: [...path, word].join(' '),
      suggestion: didYouMean(word, next),
      help: helpFor(path),
    })
  if (path.length > 0)
    fail('CLI_COMMAND_INCOMPLETE', { came: path.join(' '), expected: next.join(', '), help: helpFor(path) })
  return { kind: 'help', path }
}

/** True when the command's words begin with `path`. */
export const under = (command: Command, path: readonly string[]): boolean =>
  path.every((step, level) => command.path[level] === step)

interface Words {
  readonly values: Readonly<Record<string, string | undefined>>
  readonly words: readonly string[]
}

function readOptions(
  path: readonly string[],
  specs: Readonly<Record<string, OptionSpec>>,
  args: readonly string[],
): Words {
  const options = Object.fromEntries(
    Object.entries(specs).map(([name, { value }]) => [
      name,
      { type: value === undefined ? 'boolean' : 'string' } as const,
    ]),
  )
  const { tokens } = parseArgs({ args: [...args], options, strict: false, allowPositionals: true, tokens: true })
  const help = helpFor(path)
  const values: Record<string, string> = {}
  const words: string[] = []
  for (const token of tokens) {
    if (token.kind === 'positional') words.push(token.value)
    if (token.kind !== 'option') continue
    const { name, rawName, value, inlineValue } = token
    const spec = Object.hasOwn(specs, name) && rawName.startsWith('--') ? specs[name] : undefined
    const refuse = (problem: string): never => fail('CLI_OPTION_INVALID', { option: rawName, problem, help })
    if (!spec) {
      const known = Object.keys(specs).map((key) => `--${key}`)
      return fail('CLI_OPTION_UNKNOWN', { came: rawName, suggestion: didYouMean(rawName, known), help })
    }
    if (Object.hasOwn(values, name)) refuse('was given twice')
    if (spec.value === undefined && inlineValue) refuse('is a switch and takes no value')
    if (
      spec.value !== undefined &&
      (value === undefined || (!inlineValue && value.length > 1 && value.startsWith('-')))
    )
      refuse(`needs a value: ${rawName}=${spec.value} (${spec.summary})`)
    values[name] = spec.value === undefined ? 'true' : (value ?? '')
  }
  return { values, words }
}

function readPositionals(command: Command, words: readonly string[]): Record<string, string | undefined> {
  const { positionals = [] } = command
  const form = usage(command)
  const extra = words[positionals.length]
  if (extra !== undefined) fail('CLI_ARGUMENT_EXTRA', { came: extra, usage: form })
  return Object.fromEntries(
    positionals.map(({ name, summary, required }, index) => {
      const word = words[index]
      if (word === undefined && required) fail('CLI_ARGUMENT_MISSING', { name, expected: summary, usage: form })
      return [name, word]
    }),
  )
}

function withDefaults(command: Command, values: Words['values']): Record<string, string | undefined> {
  const all: Record<string, string | undefined> = { ...values }
  for (const [name, spec] of Object.entries(command.options ?? {})) {
    all[name] ??= spec.default
    if (all[name] === undefined && spec.required)
      fail('CLI_OPTION_INVALID', {
        option: `--${name}`,
        problem: `is required: --${name} ${spec.value ?? ''} (${spec.summary})`,
        help: helpFor(command.path),
      })
  }
  return all
}
