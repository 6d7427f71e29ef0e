// OTP's diameter as a Gy client, and as a server that answers a constant: Debian's erlang-diameter, scripted in erlang/.
import { join } from 'node:path'
import { freePort, listens } from './freediameter.ts'
import { findProgram, launch, type Running, run } from './program.ts'

const SCRIPT = join(import.meta.dirname, 'erlang/gy.escript')

function escript(): string {
  const program = findProgram('escript')
  if (program === undefined)
    throw new Error('escript is missing: install the Debian packages erlang-base, erlang-diameter')
  return program
}

export interface ErlangAnswer {
  readonly number: number
  readonly result: number
  /** What its codec did not like in the answer. */
  readonly errors: number
  readonly ratingGroups: string
  readonly granted: string
}

/** Opens, uses and closes a session; resolves with the answers, in order. */
export async function erlangSession(port: number, imsi: string, session: string): Promise<ErlangAnswer[]> {
  const text = await run(escript(), [SCRIPT, 'client', String(port), imsi, session])
  return text
    .trim()
    .split('\n')
    .map((line) => {
      const [number, result, errors, ratingGroups = '', granted = ''] = line.split(' ')
      return { number: Number(number), result: Number(result), errors: Number(errors), ratingGroups, granted }
    })
}

/** Starts the constant server on a free port. */
export async function startErlangServer(): Promise<Running & { readonly port: number }> {
  const port = await freePort()
  const running = await launch(escript(), [SCRIPT, 'server', String(port)], {
    ready: () => listens(port),
    patience: 20_000,
  })
  return { ...running, port }
}
