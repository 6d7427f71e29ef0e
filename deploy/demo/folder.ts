// The demonstration's folder: made anew at each run, and never somebody else's.
import { createSocket } from 'node:dgram'
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { fail } from '../../core/kernel/errors.ts'
import { OCS, RELAY, SMF } from './gateway.ts'

const MARK = '.tallycell-demo'

/** Shared secret between the demonstration's access point and its node; both live on this machine for a few seconds. */
export const SECRET = 'tallycell-demo'

/** Makes `folder` with configuration and secret; answers the configuration file. Throws DEMO_FOLDER_FOREIGN. */
export async function prepareFolder(folder: string): Promise<string> {
  if (existsSync(folder) && !existsSync(join(folder, MARK))) fail('DEMO_FOLDER_FOREIGN', { folder })
  removeFolder(folder)
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  writeFileSync(join(folder, MARK), '')
  writeFileSync(join(folder, 'radius-secret'), `${SECRET}\n`, { mode: 0o600 })
  const [http, chain] = [await freeTcpPort(), await freeTcpPort()]
  const file = join(folder, 'tallycell.yaml')
  writeFileSync(
    file,
    configuration({
      ...{ radius: await freeUdpPort(), access: await freeUdpPort(), radsec: await freeTcpPort() },
      ...{ diameter: await freeTcpPort(), http, chain },
    }),
  )
  return file
}

export function removeFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true })
}

interface Ports {
  readonly radius: number
  readonly access: number
  readonly radsec: number
  readonly diameter: number
  readonly http: number
  readonly chain: number
}

const configuration = ({
  radius,
  access,
  radsec,
  diameter,
  http,
  chain,
}: Ports): string => `# The demonstration's node. Start it again with: tallycell up --config FILE
dataDir: .
radius:
  listen: ['127.0.0.1:${radius}']
  access: { listen: ['127.0.0.1:${access}'] }
  radsec: { listen: ['127.0.0.1:${radsec}'], names: [localhost, 127.0.0.1] }
  clients:
    - { name: demo, address: 127.0.0.1, secretFile: radius-secret }
diameter:
  identity: ${OCS}
  listen: ['127.0.0.1:${diameter}']
  peers:
    - { identity: ${SMF} }
    - { identity: ${RELAY} }
billing:
  # A real operator waits, so that a ban or an appeal can still act.
  holdHours: 0
settlement:
  rpc: embedded
  poll: 50
  embedded: { port: ${chain}, slotMillis: 20 }
http:
  listen: '127.0.0.1:${http}'
`

/** A port that nobody had a moment ago. */
function freeTcpPort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0))
    })
  })
}

export function freeUdpPort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const socket = createSocket('udp4')
    socket.once('error', reject)
    socket.bind(0, '127.0.0.1', () => {
      const { port } = socket.address()
      socket.close(() => resolve(port))
    })
  })
}
