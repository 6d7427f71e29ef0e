// Foreign programs as children: where they are, as whom they run, when they serve, how they end.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

/** Absolute path of a program on PATH or in one of `folders`, or undefined. */
export function findProgram(name: string, folders: readonly string[] = []): string | undefined {
  for (const folder of [...(process.env.PATH ?? '').split(delimiter), ...folders]) {
    const path = join(folder, name)
    try {
      accessSync(path, constants.X_OK)
      return path
    } catch {}
  }
  return undefined
}

/** User and group to run a server as that refuses to run as root; nothing to change for anybody else. */
export function identity(user: string): { uid?: number; gid?: number } {
  if (process.getuid?.() !== 0) return {}
  const number = (flag: string): number => Number(execFileSync('id', [flag, user], { encoding: 'utf8' }))
  return { uid: number('-u'), gid: number('-g') }
}

export interface Running {
  readonly child: ChildProcess
  /** What it has written so far, both streams. */
  output(): string
  /** Sends `signal` and resolves when the process has ended. */
  stop(signal?: NodeJS.Signals): Promise<void>
}

export interface LaunchOptions {
  readonly cwd?: string
  readonly env?: NodeJS.ProcessEnv
  readonly uid?: number
  readonly gid?: number
  /** Resolves true once it serves; asked again and again. */
  readonly ready: (output: string) => boolean | Promise<boolean>
  /** How long it may take until then, milliseconds. */
  readonly patience: number
}

/** Starts a program and resolves when it serves; rejects with its output when it ends first or takes too long. */
export async function launch(
  path: string,
  args: readonly string[],
  { ready, patience, ...options }: LaunchOptions,
): Promise<Running> {
  const child = spawn(path, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] })
  let text = ''
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      text = (text + chunk).slice(-65_536)
    })
  let ended = false
  const exit = new Promise<void>((resolve) => {
    child.once('close', () => {
      ended = true
      resolve()
    })
    child.once('error', (error) => {
      text += error.message
      ended = true
      resolve()
    })
  })
  const running: Running = {
    child,
    output: () => text,
    async stop(signal = 'SIGTERM') {
      if (!ended) child.kill(signal)
      await exit
    },
  }
  for (const deadline = Date.now() + patience; ; ) {
    if (ended) throw new Error(`${path} ended before it served:\n${text}`)
    if (await ready(text)) return running
    if (Date.now() > deadline) {
      await running.stop('SIGKILL')
      throw new Error(`${path} does not serve after ${patience} ms:\n${text}`)
    }
    await sleep(20)
  }
}

/** Runs a program to its end and resolves with its standard output; rejects when it fails, unless `tolerate`. */
export async function run(
  path: string,
  args: readonly string[],
  options: { readonly cwd?: string; readonly uid?: number; readonly gid?: number; readonly tolerate?: boolean } = {},
): Promise<string> {
  const { tolerate = false, ...rest } = options
  const child = spawn(path, args, { ...rest, stdio: ['ignore', 'pipe', 'pipe'] })
  let out = ''
  let errors = ''
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    out += chunk
  })
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    errors += chunk
  })
  const [code] = (await once(child, 'close')) as [number | null]
  if (code !== 0 && !tolerate) throw new Error(`${path} ${args.join(' ')} ended with ${code}:\n${out}${errors}`)
  return out
}
