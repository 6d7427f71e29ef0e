// An access point's accounting session of twenty minutes, told in a second: Start, three Interim-Updates, Stop.
import { spawn } from 'node:child_process'
import { fail } from '../../core/kernel/errors.ts'
import { millis } from '../../core/kernel/units.ts'
import { createNas } from './nas.ts'

export interface Scene {
  readonly server: { readonly host: string; readonly port: number }
  readonly secret: string
  readonly secretFile: string
  readonly nasIdentifier: string
  readonly calledStation: string
  readonly sessionId: string
  readonly userName: string
  /** When the session ends, milliseconds. */
  readonly now: bigint
  readonly signal: AbortSignal
}

/** Who played the access point. */
export type Player = 'radclient' | 'nas'

interface Report {
  readonly status: 'Start' | 'Interim-Update' | 'Stop'
  /** Seconds since the Start. */
  readonly seconds: number
  readonly uplink: number
  readonly downlink: number
}

const REPORTS: readonly Report[] = [
  { status: 'Start', seconds: 0, uplink: 0, downlink: 0 },
  { status: 'Interim-Update', seconds: 300, uplink: 812_340, downlink: 9_871_220 },
  { status: 'Interim-Update', seconds: 600, uplink: 1_904_118, downlink: 22_415_902 },
  { status: 'Interim-Update', seconds: 900, uplink: 2_977_640, downlink: 37_020_480 },
  { status: 'Stop', seconds: 1200, uplink: 3_655_021, downlink: 46_790_336 },
]
const LENGTH = 1200

/** Plays the session with FreeRADIUS's radclient, or with our own access point where radclient is not installed. */
export async function playSession(scene: Scene): Promise<Player> {
  if (await playWithRadclient(scene)) return 'radclient'
  await playWithNas(scene)
  return 'nas'
}

const at = ({ now }: Scene, { seconds }: Report): bigint => now - BigInt(LENGTH - seconds) * 1000n

/** False when there is no radclient. Throws DEMO_UNANSWERED. */
async function playWithRadclient(scene: Scene): Promise<boolean> {
  const { server, secretFile, signal } = scene
  const target = `${server.host}:${server.port}`
  const child = spawn('radclient', ['-p', '1', '-r', '5', '-t', '2', '-S', secretFile, target, 'acct'], {
    signal,
    stdio: ['pipe', 'ignore', 'pipe'],
  })
  let complaints = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaints += text
  })
  const exit = await new Promise<number | undefined>((resolve, reject) => {
    child.once('error', (error) => ('code' in error && error.code === 'ENOENT' ? resolve(undefined) : reject(error)))
    child.once('close', (code) => resolve(code ?? 1))
    // Where radclient is missing, there is nobody to read.
    child.stdin.on('error', () => {})
    child.stdin.end(REPORTS.map((report) => radclientText(scene, report)).join('\n\n'))
  })
  if (exit === undefined) return false
  if (exit !== 0) fail('DEMO_UNANSWERED', { reason: complaints.trim().split('\n').at(-1) ?? `it ended with ${exit}` })
  return true
}

function radclientText(scene: Scene, report: Report): string {
  const { nasIdentifier, calledStation, sessionId, userName } = scene
  return [
    `User-Name = "${userName}"`,
    `NAS-Identifier = "${nasIdentifier}"`,
    `Called-Station-Id = "${calledStation}"`,
    `Acct-Session-Id = "${sessionId}"`,
    `Acct-Status-Type = ${report.status}`,
    `Event-Timestamp = ${at(scene, report) / 1000n}`,
    `Acct-Session-Time = ${report.seconds}`,
    `Acct-Input-Octets = ${report.uplink}`,
    'Acct-Input-Gigawords = 0',
    `Acct-Output-Octets = ${report.downlink}`,
    'Acct-Output-Gigawords = 0',
  ].join('\n')
}

async function playWithNas(scene: Scene): Promise<void> {
  const { server, secret, nasIdentifier, calledStation } = scene
  const nas = await createNas({ server, secret: Buffer.from(secret), identifier: nasIdentifier, calledStation })
  try {
    const session = nas.session({ id: scene.sessionId, user: scene.userName })
    for (const report of REPORTS) {
      scene.signal.throwIfAborted()
      const time = millis(at(scene, report))
      const { seconds } = report
      const traffic = { uplink: BigInt(report.uplink), downlink: BigInt(report.downlink), seconds, at: time }
      if (report.status === 'Start') await session.start(time)
      else if (report.status === 'Stop') await session.stop(traffic)
      else await session.interim(traffic)
    }
  } finally {
    await nas.close()
  }
}
