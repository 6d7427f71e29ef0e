// The command line as this process: its streams, its signals, its exit code.
import { TallycellError } from '../kernel/errors.ts'
import { type CliIo, type Program, runCli } from './run.ts'

/** How long the process may linger once its command has ended, milliseconds. */
const LINGER = 2000

/** Runs the command line of this process and sets its exit code. */
export async function runProcess(program: Program): Promise<void> {
  // Without a listener a reader that goes away (`| head`) would end the process with a stack.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', ignoreClosedPipe)
  process.on('uncaughtException', onUncaught)
  const io: CliIo = {
    stdout: process.stdout,
    stderr: process.stderr,
    env: process.env,
    cwd: process.cwd(),
    signals: process,
    force: (exit) => process.exit(exit),
  }
  process.exitCode = await runCli(program, process.argv.slice(2), io)
  // Fires only if something that could not be stopped keeps the process alive.
  setTimeout(() => process.exit(), LINGER).unref()
}

function ignoreClosedPipe(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') process.exitCode = 74
}

function onUncaught(error: unknown): void {
  // A running node listens too (runtime/run.ts) and stops in order.
  if (process.listenerCount('uncaughtException') > 1) return
  const { message, hint } = new TallycellError('INTERNAL', {
    reason: error instanceof Error ? error.message : String(error),
  })
  const stack = process.argv.includes('--verbose') && error instanceof Error ? `${error.stack}\n` : ''
  process.stderr.write(`error: ${message}\nhint: ${hint}\n${stack}`)
  process.exit(70)
}
