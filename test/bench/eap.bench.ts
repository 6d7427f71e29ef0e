// Full EAP-AKA' authentications in a second, each durable: sequence numbers and grant. Beside it hostapd's RADIUS server, which stores nothing
// and has its vectors from a register in a process of its own. The phones have a process of their own, too.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { openStore } from '../../core/store/store.ts'
import { CODE } from '../../core/wire/radius/packet.ts'
import { testSim } from '../compliance/sim-world.ts'
import { accessRequest, ap, identityResponse, phone } from '../emulators/eap-peer.ts'
import { SECRET, startAccess } from '../emulators/eap-world.ts'
import { findProgram, launch, type Running, run } from '../emulators/program.ts'
import { atMost, type BenchRow, median } from './row.ts'

const SIMS = 500
const CONVERSATIONS = 96
const SECONDS = 3
const ROUNDS = 3
const TARGET = 1500
const HOSTAPD_PORT = 18_912

interface Load {
  readonly granted: number
  readonly refused: number
  readonly lost: number
  /** Until the last was granted: hostapd stops at 1,000 sessions, each of which it keeps for a while. */
  readonly seconds: number
}

const LOADER = '--import=tsx'
const load = async (port: number, conversations = CONVERSATIONS): Promise<Load> => {
  const words = [LOADER, join(import.meta.dirname, 'eap-load.ts'), port, SECRET, SIMS, conversations, SECONDS].map(
    String,
  )
  return JSON.parse(await run(process.execPath, words)) as Load
}

/** Our server as a process: the folder of its database and keys is its argument. */
async function serve(folder: string): Promise<void> {
  const store = await openStore({ path: join(folder, 'aaa.db') })
  const { port } = await startAccess(store, { folder, sims: SIMS })
  console.log(`listening ${port} end`)
}

async function ours(folder: string): Promise<{ readonly server: Running; readonly port: number }> {
  const words = [LOADER, '--max-semi-space-size=8', import.meta.filename, folder]
  const ready = (output: string): boolean => / end$/m.test(output)
  const server = await launch(process.execPath, words, { patience: 60_000, ready })
  return { server, port: Number(/listening ([0-9]+)/.exec(server.output())?.[1]) }
}

/** hostapd as a RADIUS server without a radio, and its register; undefined where it is not installed. */
async function peer(
  folder: string,
): Promise<{ readonly stop: () => Promise<void>; readonly port: number } | undefined> {
  const hostapd = findProgram('hostapd', ['/usr/sbin', '/sbin'])
  const python = findProgram('python3')
  if (hostapd === undefined || python === undefined) return undefined
  const socket = join(folder, 'hlr')
  const file = (name: string, ...lines: string[]): string => {
    const path = join(folder, name)
    writeFileSync(path, [...lines, ''].join('\n'))
    return path
  }
  const users = file('users', '"0"* AKA', '"6"* AKA\'', '"7"* AKA\'', '"8"* AKA\'')
  const clients = file('clients', `127.0.0.1 ${SECRET}`)
  const settings = file(
    'hostapd.conf',
    ...['driver=none', 'interface=bench', 'eap_server=1', `eap_user_file=${users}`, `eap_sim_db=unix:${socket}`],
    ...[`radius_server_clients=${clients}`, `radius_server_auth_port=${HOSTAPD_PORT}`],
  )
  const register = await launch(python, [join(import.meta.dirname, 'eap-hlr.py'), socket], {
    patience: 10_000,
    ready: (output) => output.includes('ready'),
  })
  const server = await launch(hostapd, [settings], { patience: 10_000, ready: (output) => output.includes('ENABLED') })
  const stop = async (): Promise<void> => {
    await server.stop()
    await register.stop()
  }
  return { stop, port: HOSTAPD_PORT }
}

const NONE = { name: 'none: 10,000 conversations that wait', value: null } as const
const WAITING = 10_000
/** Megabytes. */
const MOST_MEMORY = 400

/** Memory of a server, megabytes, while phones have their challenges and have not answered yet. */
async function memory(server: Running, port: number): Promise<number> {
  const secret = Buffer.from(SECRET)
  const perSocket = 50
  for (let begun = 0; begun < WAITING; begun += perSocket) {
    const point = await ap(port, SECRET)
    const asked = Array.from({ length: perSocket }, (_, n) => {
      const { identity } = phone(testSim((begun + n) % SIMS))
      const request = accessRequest({ userName: identity, eap: identityResponse(identity) }, secret, n)
      return point.ask(request, 10_000)
    })
    const answers = await Promise.all(asked)
    if (answers.some((answer) => answer?.code !== CODE['Access-Challenge'])) throw new Error('a phone got no challenge')
    point.close()
  }
  const status = readFileSync(`/proc/${server.child.pid}/status`, 'utf8')
  return Math.round(Number(/VmRSS:\s+([0-9]+)/.exec(status)?.[1]) / 1000)
}

export async function eapRows(note: (line: string) => void): Promise<BenchRow[]> {
  const folder = mkdtempSync(join(tmpdir(), 'eap-bench-'))
  const { server, port } = await ours(folder)
  try {
    const mine: number[] = []
    const theirs: number[] = []
    // Ours is compiled while it runs.
    await load(port)
    for (let round = 0; round < ROUNDS; round++) {
      const { granted, refused, lost, seconds } = await load(port)
      if (refused + lost > 0) note(`radius.eap-aka-prime: ${refused} refused, ${lost} lost`)
      mine.push(granted / seconds)
      const other = await peer(mkdtempSync(join(folder, 'peer-')))
      if (other === undefined) continue
      const { granted: theirGrants, seconds: theirTime } = await load(other.port)
      theirs.push(theirGrants / theirTime)
      await other.stop()
    }
    const waiting = await memory(server, port)
    const value = Math.round(median(mine))
    const peerValue = theirs.length === 0 ? null : Math.round(median(theirs))
    return [
      {
        id: 'radius.eap-aka-prime',
        ...{
          value,
          unit: 'authentications/s',
          peer: theirs.length === 0 ? 'none: hostapd is not installed' : 'hostapd',
          peerValue,
        },
        ratio: peerValue === null ? null : Math.round((value / peerValue) * 100) / 100,
        target: TARGET,
        met: value >= TARGET,
      },
      atMost({ id: 'radius.eap-memory', value: waiting, unit: 'MB' }, NONE, MOST_MEMORY),
    ]
  } finally {
    await server.stop()
    rmSync(folder, { recursive: true, force: true })
  }
}

const [, script = '', folder] = process.argv
if (folder !== undefined && import.meta.url === pathToFileURL(script).href) await serve(folder)
