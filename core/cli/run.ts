// Runs one command line. Answers go to standard output, everything else to standard error; with --json standard output gets exactly
// one line, the answer or {"error":…}, so that a program has one place to read and the exit code to tell them apart.
import type { EventEmitter } from 'node:events'
import type { Section } from '../config/section.ts'
import { ERRORS, fail, isTallycellError, TallycellError } from '../kernel/errors.ts'
import { toJson } from '../kernel/units.ts'
import { SIGNAL_EXIT, type StopSignal, watchSignals } from '../runtime/signals.ts'
import type { Command, Output } from './command.ts'
import { openContext } from './context.ts'
import { type HelpPage, helpJson, helpText } from './help.ts'
import { GLOBAL_OPTIONS, type Parsed, parseCommandLine, under, wantsJson } from './parse.ts'
import { painter, type TextOutput } from './terminal.ts'

export interface Program {
  readonly version: string
  /** One sentence: what the program is. */
  readonly summary: string
  readonly commands: readonly Command[]
  /** Of every module, those of core included. */
  readonly sections: readonly Section[]
}

/** The process, or what stands for it. */
export interface CliIo {
  readonly stdout: TextOutput
  readonly stderr: TextOutput
  readonly env: Readonly<Record<string, string | undefined>>
  readonly cwd: string
  /** Emits SIGINT and SIGTERM. */
  readonly signals: Pick<EventEmitter, 'on' | 'off'>
  /** Ends the process at once, when a second signal insists. */
  force(exit: number): void
}

/** Runs the command that `argv` (without node and script) names; resolves with the exit code and never rejects. */
export async function runCli(program: Program, argv: readonly string[], io: CliIo): Promise<number> {
  const json = wantsJson(argv)
  try {
    const parsed = parseCommandLine(program.commands, argv)
    const { text, json: value, exit = 0 } = await answer(program, parsed, io, json)
    const line = json ? `${toJson(value) ?? 'null'}\n` : text === '' || text.endsWith('\n') ? text : `${text}\n`
    await writeAnswer(io.stdout, line)
    return exit
  } catch (error) {
    if (error instanceof Interrupted) return endInterrupted(error, json, io)
    if (isClosedPipe(error)) return 0
    return report(error, { json, verbose: argv.includes('--verbose') }, io)
  }
}

/** Thrown where a command ended because a signal told it to. */
class Interrupted extends Error {
  readonly signal: StopSignal

  constructor(signal: StopSignal) {
    super(signal)
    this.signal = signal
  }
}

/** The person who pressed Ctrl-C knows; a program is told. */
async function endInterrupted({ signal }: Interrupted, json: boolean, io: CliIo): Promise<number> {
  if (json) await report(new TallycellError('CLI_INTERRUPTED', { signal }), { json, verbose: false }, io)
  return SIGNAL_EXIT[signal]
}

async function answer(program: Program, parsed: Parsed, io: CliIo, json: boolean): Promise<Output> {
  if (parsed.kind === 'version') return { text: program.version, json: { version: program.version } }
  if (parsed.kind === 'run') return runCommand(program, parsed, io)
  const { path } = parsed
  const page: HelpPage = {
    summary: program.summary,
    version: program.version,
    path,
    commands: program.commands.filter((command) => under(command, path)),
    globals: GLOBAL_OPTIONS,
  }
  return { text: json ? '' : helpText(page, painter(io.stdout, io.env)), json: helpJson(page) }
}

async function runCommand(
  program: Program,
  { command, input, globals }: Parsed & { kind: 'run' },
  io: CliIo,
): Promise<Output> {
  const watch = watchSignals(io.signals, io.force)
  const { stderr, env, cwd } = io
  const { context, close } = openContext({
    sections: program.sections,
    globals,
    signal: watch.signal,
    stderr,
    env,
    cwd,
  })
  try {
    return await command.run(input, context)
  } catch (error) {
    const came = watch.came()
    if (came !== undefined && error instanceof Error && (error.name === 'AbortError' || error === watch.signal.reason))
      throw new Interrupted(came)
    throw error
  } finally {
    await close()
    watch.dispose()
  }
}

/** Tells of an error where it belongs; its exit code. */
async function report(
  error: unknown,
  { json, verbose }: { json: boolean; verbose: boolean },
  io: CliIo,
): Promise<number> {
  const known = isTallycellError(error)
    ? error
    : new TallycellError('INTERNAL', { reason: error instanceof Error ? error.message : String(error) }, error)
  const { code, message, hint, context } = known
  try {
    if (json) await write(io.stdout, `${toJson({ error: { code, message, hint, context } })}\n`)
    else {
      const paint = painter(io.stderr, io.env)
      await write(io.stderr, `${paint('red', 'error')}: ${message}\n${paint('cyan', 'hint')}: ${hint}\n`)
    }
    if (verbose) await write(io.stderr, `${stackOf(error)}\n`)
  } catch (closed) {
    if (!isClosedPipe(closed)) throw closed
  }
  return ERRORS[code].exit
}

function stackOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const cause = error.cause === undefined ? '' : `\ncaused by ${stackOf(error.cause)}`
  return (error.stack ?? error.message) + cause
}

/** Resolves when the text has been handed to the system; rejects when the reader has gone or the disk is full. */
function write(output: TextOutput, text: string): Promise<void> {
  if (text === '') return Promise.resolve()
  return new Promise((resolve, reject) => {
    output.write(text, (error) => (error ? reject(error) : resolve()))
  })
}

async function writeAnswer(output: TextOutput, line: string): Promise<void> {
  try {
    await write(output, line)
  } catch (error) {
    if (isClosedPipe(error) || !(error instanceof Error)) throw error
    fail('CLI_OUTPUT_UNWRITABLE', { reason: error.message }, error)
  }
}

const isClosedPipe = (error: unknown): boolean => error instanceof Error && 'code' in error && error.code === 'EPIPE'
