// Debian's eapol_test as phone and access point: EAP and RADIUS with code that is not ours. It is built without a SIM and asks whoever is
// attached to its control socket; a few lines of Python carry those questions here, because Node.js has no such sockets.
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fail } from '../../core/kernel/errors.ts'
import { findProgram } from './programs.ts'
import type { Attempt } from './wifi-peer.ts'
import type { Usim } from './wifi-usim.ts'

export interface EapolPrograms {
  readonly eapolTest: string
  readonly python: string
}

export interface EapolOptions {
  readonly programs: EapolPrograms
  readonly server: { readonly host: string; readonly port: number; readonly secret: string }
  /** Its files, with the identity in them, are below it while it runs. */
  readonly folder: string
  readonly identity: string
  readonly nasIdentifier: string
  readonly calledStation: string
  /** The phone's address, `02:00:…`. */
  readonly station: string
  readonly usim: Usim
  readonly signal: AbortSignal
}

const BRIDGE = `
import os, select, socket, sys, time
control = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
control.bind("phone")
end = time.time() + 10
while not os.path.exists("control/test") and time.time() < end:
    time.sleep(0.01)
control.connect("control/test")
control.send(b"ATTACH")
while True:
    for ready in select.select([control, sys.stdin], [], [])[0]:
        if ready is control:
            print(control.recv(4096).decode(errors="replace"), flush=True)
        else:
            line = sys.stdin.readline()
            if not line:
                sys.exit()
            control.send(line.strip().encode())
`
const PATIENCE = '15'

/** Undefined unless both are installed. */
export function eapolPrograms(): EapolPrograms | undefined {
  const [eapolTest, python] = [findProgram('eapol_test'), findProgram('python3')]
  return eapolTest === undefined || python === undefined ? undefined : { eapolTest, python }
}

/** One attempt to get in. Throws DEMO_UNANSWERED. */
export async function eapolAttempt(options: EapolOptions): Promise<Attempt> {
  const { programs, server, identity, nasIdentifier, calledStation, station, usim, signal } = options
  const folder = mkdtempSync(join(options.folder, 'eapol-'))
  mkdirSync(join(folder, 'control'), { mode: 0o700 })
  const network = ['key_mgmt=IEEE8021X', 'eapol_flags=0', "eap=AKA'", `identity="${identity}"`]
  const lines = ['ctrl_interface=control', 'external_sim=1', 'network={', ...network, '}', '']
  writeFileSync(join(folder, 'conf'), lines.join('\n'), { mode: 0o600 })
  const names = [`-N32:s:${nasIdentifier}`, `-N30:s:${calledStation}`, '-M', station]
  const way = ['-a', server.host, '-p', String(server.port), '-s', server.secret, '-t', PATIENCE]
  // The names of sockets are short; the folder's may be long.
  const at = { cwd: folder, signal } as const
  const phone = spawn(programs.eapolTest, ['-W', '-c', 'conf', ...way, ...names], {
    ...at,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const card = spawn(programs.python, ['-c', BRIDGE], { ...at, stdio: ['pipe', 'pipe', 'ignore'] })
  const cardEnded = ending(card)
  card.stdin.on('error', () => {})
  createInterface({ input: card.stdout }).on('line', (line) => {
    const reply = simReply(line, usim)
    if (reply !== undefined) card.stdin.write(`${reply}\n`)
  })
  let output = ''
  for (const stream of [phone.stdout, phone.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text
    })
  try {
    const exit = await ending(phone)
    signal.throwIfAborted()
    return verdict(exit, output)
  } finally {
    card.kill()
    await cardEnded
    rmSync(folder, { recursive: true, force: true })
  }
}

/** The exit code, null where it did not start or was killed. */
const ending = (child: ChildProcess): Promise<number | null> =>
  new Promise((resolve) => void child.once('close', resolve).once('error', () => resolve(null)))

/** `CTRL-REQ-SIM-<network>:UMTS-AUTH:<RAND>:<AUTN> needed for …` → what the SIM says; undefined for all other events. */
function simReply(line: string, usim: Usim): string | undefined {
  const asked = /CTRL-REQ-SIM-(\d+):UMTS-AUTH:([0-9a-f]{32}):([0-9a-f]{32})/.exec(line)
  if (!asked) return undefined
  const [, network, rand = '', autn = ''] = asked
  const answer = usim.authenticate(Buffer.from(rand, 'hex'), Buffer.from(autn, 'hex'))
  const hex = (octets: Uint8Array): string => Buffer.from(octets).toString('hex')
  const words = answer ? `UMTS-AUTH:${hex(answer.ik)}:${hex(answer.ck)}:${hex(answer.res)}` : 'UMTS-FAIL'
  return `CTRL-RSP-SIM-${network}:${words}`
}

/** Exit 0: it got its keys, and they are those that the access point was given. */
function verdict(exit: number | null, output: string): Attempt {
  const given = /Attribute 25 \(Class\) length=\d+\s+Value: ([0-9a-f]+)/.exec(output)?.[1]
  if (exit === 0 && given !== undefined) return { accepted: true, class: Buffer.from(given, 'hex') }
  if (/code=3 \(Access-Reject\)/.test(output)) return { accepted: false }
  return fail('DEMO_UNANSWERED', { reason: `eapol_test ended with ${exit}, without an answer` })
}
