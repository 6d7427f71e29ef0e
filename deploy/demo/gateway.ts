// The demonstration's packet gateway: asks for an LTE bearer over Gy as the SMF of Open5GS does, by way of Debian's freeDiameterd where that is
// installed.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fail } from '../../core/kernel/errors.ts'
import { type Connection, takeSocket } from '../../core/transport/diameter/connection.ts'
import type { AvpInput, Avps } from '../../core/wire/diameter/dictionary.ts'
import { encode } from '../../core/wire/diameter/encode.ts'
import { isFault } from '../../core/wire/diameter/fault.ts'
import { decode, FLAG, get, type Message } from '../../core/wire/diameter/message.ts'
import { findProgram } from './programs.ts'

/** Names below one realm; the node's configuration knows them as peers. */
const REALM = 'demo.invalid'
export const OCS = `ocs.${REALM}`
export const SMF = `smf.${REALM}`
export const RELAY = `relay.${REALM}`
/** The cell that the phone is in, and how its owner registers it. */
export const CELL = '00101-0000101'
const LOCATION = Uint8Array.of(129, 0x00, 0xf1, 0x10, 0x00, 0x00, 0x01, 0x01)
const PATIENCE = 10_000

export type RequestType = 'INITIAL_REQUEST' | 'UPDATE_REQUEST' | 'TERMINATION_REQUEST'

export interface Gateway {
  /** Whether freeDiameterd passes the questions on. */
  readonly relayed: boolean
  /** Octets granted, 0 for none. */
  ask(type: RequestType, used: bigint): Promise<bigint>
  close(): Promise<void>
}

export interface GatewayOptions {
  /** Where the node listens for Diameter peers. */
  readonly server: { readonly host: string; readonly port: number }
  /** For freeDiameterd's files. */
  readonly folder: string
  readonly sessionId: string
  readonly imsi: string
  readonly signal: AbortSignal
}

export async function openGateway(options: GatewayOptions): Promise<Gateway> {
  const { server, signal } = options
  const relay = await startRelay(options)
  const link = await call(relay?.port ?? server.port, server.host, signal)
  let number = 0
  return {
    relayed: relay !== undefined,
    async ask(type, used) {
      const avps = ccr(options, type, number++, used)
      // The relay may still be about to connect to the node.
      for (const until = Date.now() + PATIENCE; ; await sleep(100)) {
        signal.throwIfAborted()
        const answer = await link.request(272, 4, avps)
        const result = get(answer, 'Result-Code')
        if (result === 3002 && Date.now() < until) continue
        if (result !== 2001) fail('DEMO_UNANSWERED', { reason: `Gy answered with Result-Code ${String(result)}` })
        const service = get(answer, 'Multiple-Services-Credit-Control') as Avps | undefined
        const grant = service && (get(service, 'Granted-Service-Unit') as Avps | undefined)
        return (grant && (get(grant, 'CC-Total-Octets') as bigint | undefined)) ?? 0n
      }
    },
    async close() {
      link.close()
      await relay?.stop()
    },
  }
}

function ccr({ sessionId, imsi }: GatewayOptions, type: RequestType, number: number, used: bigint): AvpInput[] {
  const uplink = used / 10n
  const wanted: AvpInput[] = type === 'TERMINATION_REQUEST' ? [] : [['Requested-Service-Unit', []]]
  const units: AvpInput[] =
    used === 0n
      ? []
      : [
          [
            'Used-Service-Unit',
            [
              ['CC-Input-Octets', uplink],
              ['CC-Output-Octets', used - uplink],
            ],
          ],
        ]
  return [
    ['Session-Id', sessionId],
    ['Origin-Host', SMF],
    ['Origin-Realm', REALM],
    ['Destination-Realm', REALM],
    ['Auth-Application-Id', 4],
    ['Service-Context-Id', '32251@3gpp.org'],
    ['CC-Request-Type', type],
    ['CC-Request-Number', number],
    [
      'Subscription-Id',
      [
        ['Subscription-Id-Type', 'END_USER_IMSI'],
        ['Subscription-Id-Data', imsi],
      ],
    ],
    ['Multiple-Services-Credit-Control', [...wanted, ...units]],
    [
      'Service-Information',
      [
        [
          'PS-Information',
          [
            ['Called-Station-Id', 'internet'],
            ['3GPP-User-Location-Info', LOCATION],
            ['3GPP-RAT-Type', Uint8Array.of(6)],
          ],
        ],
      ],
    ],
  ]
}

interface Link {
  request(command: number, application: number, avps: readonly AvpInput[]): Promise<Message>
  close(): void
}

/** Connects and exchanges capabilities. */
async function call(port: number, host: string, signal: AbortSignal): Promise<Link> {
  const socket: Socket = connect({ host, port })
  await new Promise<void>((resolve, reject) => socket.once('connect', resolve).once('error', reject))
  const waiting = new Map<number, (answer: Message | undefined) => void>()
  const failAll = (): void => {
    for (const done of waiting.values()) done(undefined)
  }
  let ids = 0
  const connection: Connection = takeSocket(socket, 65_536, {
    message(octets) {
      const message = decode(octets)
      if (isFault(message)) return
      const done = waiting.get(message.hopByHop)
      waiting.delete(message.hopByHop)
      done?.(message)
    },
    closed: failAll,
  })
  signal.addEventListener('abort', () => connection.drop('stopped'), { once: true })
  const link: Link = {
    async request(command, application, avps) {
      const hopByHop = ++ids
      const flags = FLAG.request | (application === 0 ? 0 : FLAG.proxiable)
      const answer = new Promise<Message | undefined>((resolve) => void waiting.set(hopByHop, resolve))
      connection.send(encode({ flags, command, application, hopByHop, endToEnd: hopByHop, avps }))
      const late = sleep(PATIENCE, undefined, { ref: false })
      return (await Promise.race([answer, late])) ?? fail('DEMO_UNANSWERED', { reason: 'no answer over Gy' })
    },
    close: () => connection.drop('done'),
  }
  await link.request(257, 0, [
    ['Origin-Host', SMF],
    ['Origin-Realm', REALM],
    ['Host-IP-Address', '127.0.0.1'],
    ['Vendor-Id', 0],
    ['Product-Name', 'demonstration'],
    ['Auth-Application-Id', 4],
  ])
  return link
}

/** Starts freeDiameterd as a relay to the node; undefined where it is not installed. */
async function startRelay({ server, folder }: GatewayOptions) {
  const [daemon, openssl] = [findProgram('freeDiameterd'), findProgram('openssl')]
  if (daemon === undefined || openssl === undefined) return undefined
  const [cert, key, acl, file] = ['cert.pem', 'key.pem', 'acl', 'conf'].map((name) => join(folder, `relay-${name}`))
  // It wants a certificate though nothing here is encrypted.
  const subject = ['-subj', `/CN=${RELAY}`]
  const request = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', ...subject]
  execFileSync(openssl, [...request, '-keyout', key ?? '', '-out', cert ?? ''], { stdio: 'ignore' })
  writeFileSync(acl ?? '', `ALLOW_IPSEC ${SMF}\n`)
  const port = server.port + 1
  const extensions = ['rfc5777', 'mip6i', 'nasreq', 'nas_mipv6', 'dcca', 'dcca_3gpp'].map((name) => `dict_${name}`)
  writeFileSync(
    file ?? '',
    [
      `Identity = "${RELAY}";`,
      `Realm = "${REALM}";`,
      `Port = ${port};`,
      `SecPort = 0;`,
      'ListenOn = "127.0.0.1";',
      'No_SCTP;',
      'TcTimer = 1;',
      `TLS_Cred = "${cert}", "${key}";`,
      `TLS_CA = "${cert}";`,
      ...extensions.map((name) => `LoadExtension = "${name}.fdx";`),
      `LoadExtension = "acl_wl.fdx" : "${acl}";`,
      `ConnectPeer = "${OCS}" { ConnectTo = "${server.host}"; Port = ${server.port}; No_TLS; };`,
      '',
    ].join('\n'),
  )
  const child = spawn(daemon, ['-c', file ?? ''], { stdio: 'ignore' })
  const ended = new Promise<void>((resolve) => void child.once('close', () => resolve()).once('error', () => resolve()))
  const stop = async (): Promise<void> => {
    child.kill('SIGKILL')
    await ended
  }
  if (await listens(child, port)) return { port, stop }
  await stop()
  return undefined
}

async function listens(child: ChildProcess, port: number): Promise<boolean> {
  for (const until = Date.now() + PATIENCE; Date.now() < until && child.exitCode === null; await sleep(50)) {
    const socket = connect(port, '127.0.0.1')
    const there = await new Promise<boolean>((resolve) => {
      socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
    })
    socket.destroy()
    if (there) return true
  }
  return false
}
