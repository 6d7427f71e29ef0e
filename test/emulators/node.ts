// A whole node in a process of its own, as an operator runs it: configuration file, command line, signals.
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { formatAddress } from '../../core/config/address.ts'
import { launch, type Running, run } from './program.ts'

const ROOT = join(import.meta.dirname, '../..')
/**
 * As the program's first line asks: a young generation of 8 MB, and an old one that is collected when it has doubled, which V8 does for a limit
 * below 2 GB (four times the live objects otherwise): together 120 MB less memory under load, no slower.
 */
const NODE = {
  source: ['--import=tsx', join(ROOT, 'main.ts')],
  compiled: ['--max-semi-space-size=8', '--max-old-space-size=2000', join(ROOT, 'dist/main.js')],
} as const
const OWNER = '7EqQdEULxWcraVx3mXKFjc84LhCkMGZCkRuDpvcMwJeK'
/** Microtokens per 1,000,000 octets. */
export const PRICE = 2000n

export interface NodeOptions {
  /** Everything the node has lies below it. */
  readonly folder: string
  readonly secret: string
  /** Run from source (default) or as compiled into dist/. */
  readonly form?: keyof typeof NODE
  /** Addresses that may send accounting. */
  readonly clients?: readonly string[]
  /** Where the accounting server listens, all on one port. */
  readonly hosts?: readonly string[]
  /** More of the settings `radius.access`. */
  readonly access?: Readonly<Record<string, unknown>>
  /** More settings of `radius`, and of each of its clients. */
  readonly radius?: Readonly<Record<string, unknown>>
  readonly client?: Readonly<Record<string, unknown>>
  /** Settings of `store`: PostgreSQL instead of a file. */
  readonly store?: Readonly<Record<string, unknown>>
  /** Settings of billing beside the price. */
  readonly billing?: Readonly<Record<string, unknown>>
}

export interface TestNode {
  readonly dataDir: string
  readonly database: string
  /** Folder of the log's public files. */
  readonly logDirectory: string
  readonly radius: { readonly host: string; readonly port: number }
  /** The authentication port. */
  readonly access: { readonly host: string; readonly port: number }
  /** `http://127.0.0.1:port` */
  readonly http: string
  /** Resolves when the node is healthy. */
  start(): Promise<Running>
  /** As `start`, without waiting. */
  launch(ready: () => boolean): Promise<Running>
  /** The answer of a command, from --json. */
  command(...words: string[]): Promise<unknown>
  /** Registers ap-000, ap-001, … and a subscriber for each IMSI from 001010000000000 on, from files. */
  provision(radios: number, subscribers: number): Promise<void>
}

/** Number of the client that `address` is in the configuration. */
export const clientName = (index: number): string => `client-${index}`

export async function createTestNode(options: NodeOptions): Promise<TestNode> {
  const { folder, secret, form = 'source', clients = ['127.0.0.1'], hosts = ['127.0.0.1'], billing = {} } = options
  mkdirSync(folder, { recursive: true })
  const [host = ''] = hosts
  const radius = { host, port: await freeUdpPort(host) }
  const access = { host, port: await freeUdpPort(host) }
  const httpPort = await freeTcpPort()
  const dataDir = join(folder, 'data')
  const file = join(folder, 'tallycell.yaml')
  writeFileSync(join(folder, 'secret'), secret, { mode: 0o600 })
  const configuration = {
    dataDir,
    log: { format: 'json' },
    http: { listen: `127.0.0.1:${httpPort}` },
    radius: {
      listen: hosts.map((at) => formatAddress({ host: at, port: radius.port })),
      access: { listen: hosts.map((at) => formatAddress({ host: at, port: access.port })), ...options.access },
      clients: clients.map((address, index) => ({
        ...{ name: clientName(index), address, secretFile: 'secret' },
        ...options.client,
      })),
      ...options.radius,
    },
    ...(options.store && { store: options.store }),
    billing: { price: Number(PRICE), ...billing },
    settlement: { embedded: { port: 0 } },
  }
  // JSON is YAML.
  writeFileSync(file, JSON.stringify(configuration, undefined, 2))
  const http = `http://127.0.0.1:${httpPort}`
  const node = (words: readonly string[]): string[] => [...NODE[form], ...words, '--config', file]
  const start = (ready: () => boolean | Promise<boolean>): Promise<Running> =>
    launch(process.execPath, node(['up']), { cwd: ROOT, patience: 60_000, ready })

  const command = async (...words: string[]): Promise<unknown> =>
    JSON.parse(await run(process.execPath, node([...words, '--json']), { cwd: ROOT }))

  return {
    dataDir,
    database: join(dataDir, 'tallycell.db'),
    logDirectory: join(dataDir, 'log'),
    radius,
    access,
    http,
    start: () => start(() => isHealthy(http)),
    launch: start,
    command,
    async provision(radios, subscribers) {
      const lines = (head: string, count: number, line: (index: number) => string): string =>
        [head, ...Array.from({ length: count }, (_, index) => line(index)), ''].join('\n')
      const file = (name: string, text: string): string => {
        const path = join(folder, name)
        writeFileSync(path, text)
        return path
      }
      const radioLine = (index: number): string => `${radioName(index)},${OWNER},${radioName(index)}`
      const subscriberLine = (index: number): string => `s-${index},${imsiOf(index)}`
      const radioFile = file('radios.csv', lines('radio,owner,nas_identifier', radios, radioLine))
      const subscriberFile = file('subscribers.csv', lines('subscriber,imsi', subscribers, subscriberLine))
      await command('radio', 'add', '--file', radioFile)
      await command('subscriber', 'add', '--file', subscriberFile)
    },
  }
}

export const radioName = (index: number): string => `ap-${index.toString().padStart(3, '0')}`
export const imsiOf = (index: number): string => `00101${index.toString().padStart(10, '0')}`

async function isHealthy(http: string): Promise<boolean> {
  try {
    const answer = await fetch(`${http}/health`)
    await answer.body?.cancel()
    return answer.ok
  } catch {
    return false
  }
}

export async function freeUdpPort(host: string): Promise<number> {
  const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4')
  socket.bind(0, host)
  await once(socket, 'listening')
  const { port } = socket.address()
  socket.close()
  await once(socket, 'close')
  return port
}

export async function freeTcpPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  return typeof address === 'object' && address !== null ? address.port : 0
}
