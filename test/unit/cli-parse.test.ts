import fc from 'fast-check'
import t from 'tap'
import type { Command } from '../../core/cli/command.ts'
import { parseCommandLine, wantsJson } from '../../core/cli/parse.ts'
import { isTallycellError } from '../../core/kernel/errors.ts'

const command = (path: string[], rest: Partial<Command> = {}): Command => ({
  path,
  summary: path.join(' '),
  run: async () => ({ text: '', json: null }),
  ...rest,
})

const commands = [
  command(['up']),
  command(['radio', 'add'], {
    positionals: [
      { name: 'ID', summary: 'name of the radio', required: true },
      { name: 'NOTE', summary: 'a note' },
    ],
    options: {
      owner: { value: 'WALLET', summary: 'the owner', required: true },
      access: { value: 'KIND', summary: 'wifi or lte', default: 'wifi' },
      dry: { summary: 'change nothing' },
    },
  }),
  command(['radio', 'list']),
  command(['epoch'], { positionals: [{ name: 'N', summary: 'number' }] }),
  command(['epoch', 'show']),
]

const words = (line: string): string[] => line.split(' ').filter(Boolean)
const parse = (line: string) => parseCommandLine(commands, words(line))

/** What an error says: code, message and hint. */
function refusal(line: string): string {
  try {
    parse(line)
  } catch (error) {
    if (isTallycellError(error)) return `${error.code} | ${error.message} | ${error.hint}`
    throw error
  }
  throw new Error(`accepted: ${line}`)
}

t.test('a command with its arguments, options and defaults', async (t) => {
  t.match(parse('radio add ap-1 --owner W --dry'), {
    kind: 'run',
    command: { path: ['radio', 'add'] },
    input: { args: { ID: 'ap-1', NOTE: undefined }, options: { owner: 'W', access: 'wifi', dry: 'true' } },
    globals: { json: false, verbose: false, config: undefined },
  })
  t.match(parse('radio add --owner=--W ap-1 note --access lte'), {
    input: { args: { ID: 'ap-1', NOTE: 'note' }, options: { owner: '--W', access: 'lte', dry: undefined } },
  })
  t.match(parse('radio add --owner W -- --ap'), { input: { args: { ID: '--ap' } } })
  t.match(parse('epoch 7'), { command: { path: ['epoch'] }, input: { args: { N: '7' } } })
  t.match(parse('epoch show'), { command: { path: ['epoch', 'show'] } })
})

t.test('options for everything stand anywhere', async (t) => {
  const wanted = {
    kind: 'run',
    command: { path: ['radio', 'list'] },
    globals: { json: true, verbose: true, config: 'f' },
  }
  for (const line of [
    '--json --verbose --config f radio list',
    'radio --config=f --json list --verbose',
    'radio list --json --verbose --config f',
  ])
    t.match(parse(line), { ...wanted, input: { options: { config: 'f' } } }, line)
})

t.test('help at every level, and the version', async (t) => {
  const rows: [string, string[]][] = [
    ['', []],
    ['--help', []],
    ['-h', []],
    ['help', []],
    ['radio --help', ['radio']],
    ['help radio', ['radio']],
    ['radio add --help', ['radio', 'add']],
    ['radio add --wrong --help', ['radio', 'add']],
    ['help radio add', ['radio', 'add']],
    ['--json --help radio', ['radio']],
  ]
  for (const [line, path] of rows) t.same(parse(line), { kind: 'help', path }, line)
  for (const line of ['--version', '--version --json', 'up --version', 'radio --version'])
    t.same(parse(line), { kind: 'version' }, line)
  t.match(parse('radio add --owner W -- --help'), { kind: 'run', input: { args: { ID: '--help' } } })
})

t.test('what is wrong, what was expected, where to read on', async (t) => {
  const rows: [string, string][] = [
    [
      'radoi list',
      "CLI_COMMAND_UNKNOWN | there is no command 'radoi'; did you mean 'radio'? | 'tallycell --help' lists the commands",
    ],
    [
      'radio lst',
      "CLI_COMMAND_UNKNOWN | there is no command 'radio lst'; did you mean 'list'? | 'tallycell radio --help' lists the commands",
    ],
    ['banana', "CLI_COMMAND_UNKNOWN | there is no command 'banana' | 'tallycell --help' lists the commands"],
    [
      'radio',
      "CLI_COMMAND_INCOMPLETE | 'radio' is not a whole command: expected one of add, list after it | 'tallycell radio --help' explains them",
    ],
    [
      'radio add --owner W',
      "CLI_ARGUMENT_MISSING | ID is missing: expected name of the radio | the form is 'tallycell radio add ID [NOTE] --owner WALLET [--access KIND] [--dry]'",
    ],
    [
      'radio add a b c --owner W',
      "CLI_ARGUMENT_EXTRA | 'c' is one argument too many | the form is 'tallycell radio add ID [NOTE] --owner WALLET [--access KIND] [--dry]'",
    ],
    [
      'radio add a',
      "CLI_OPTION_INVALID | option '--owner' is required: --owner WALLET (the owner) | 'tallycell radio add --help' shows how it is used",
    ],
    [
      'radio add a --owner',
      "CLI_OPTION_INVALID | option '--owner' needs a value: --owner=WALLET (the owner) | 'tallycell radio add --help' shows how it is used",
    ],
    [
      'radio add a --owner --dry',
      "CLI_OPTION_INVALID | option '--owner' needs a value: --owner=WALLET (the owner) | 'tallycell radio add --help' shows how it is used",
    ],
    [
      'radio add a --owner W --owner V',
      "CLI_OPTION_INVALID | option '--owner' was given twice | 'tallycell radio add --help' shows how it is used",
    ],
    [
      'radio add a --owner W --dry=yes',
      "CLI_OPTION_INVALID | option '--dry' is a switch and takes no value | 'tallycell radio add --help' shows how it is used",
    ],
    [
      'radio add a --onwer W',
      "CLI_OPTION_UNKNOWN | there is no option '--onwer' here; did you mean '--owner'? | 'tallycell radio add --help' lists the options",
    ],
    [
      'up --jsn',
      "CLI_OPTION_UNKNOWN | there is no option '--jsn' here; did you mean '--json'? | 'tallycell up --help' lists the options",
    ],
    ['up -x', "CLI_OPTION_UNKNOWN | there is no option '-x' here | 'tallycell up --help' lists the options"],
    [
      'up --no-json',
      "CLI_OPTION_UNKNOWN | there is no option '--no-json' here | 'tallycell up --help' lists the options",
    ],
    ['--wrong', "CLI_OPTION_UNKNOWN | there is no option '--wrong' here | 'tallycell --help' lists the options"],
  ]
  for (const [line, said] of rows) t.equal(refusal(line), said, line)
})

t.test('names of the language itself are only names', async (t) => {
  for (const line of ['up --constructor', 'up --__proto__', 'constructor', '__proto__ x', 'up --toString=1'])
    t.match(refusal(line), /CLI_(OPTION|COMMAND)_UNKNOWN/, line)
})

t.test('--json counts also where the line cannot be understood, but not behind --', async (t) => {
  t.ok(wantsJson(['banana', '--json']))
  t.notOk(wantsJson(['up', '--', '--json']))
})

t.test('any words at all: understood or refused', async () => {
  const word = fc.oneof(
    fc.constantFrom(
      'radio',
      'add',
      'list',
      'up',
      'epoch',
      'show',
      '--owner',
      '--owner=',
      '--json',
      '--config',
      '--',
      '-',
      '-h',
      '--help',
      '-abc',
      '--=',
      '--=x',
    ),
    fc.string(),
  )
  fc.assert(
    fc.property(fc.array(word, { maxLength: 8 }), (argv) => {
      try {
        return ['run', 'help', 'version'].includes(parseCommandLine(commands, argv).kind)
      } catch (error) {
        return isTallycellError(error) && error.code.startsWith('CLI_')
      }
    }),
    { numRuns: 1000 },
  )
})
