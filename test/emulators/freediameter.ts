// Debian's freeDiameterd: the Diameter stack that Open5GS is built on, as a process of its own with its files in a folder.
import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { type AddressInfo, connect, createServer } from 'node:net'
import { join } from 'node:path'
import { findProgram, launch, type Running } from './program.ts'

export interface FreeDiameterOptions {
  readonly folder: string
  readonly identity: string
  readonly realm: string
  /** Hosts that may connect to it. */
  readonly admits: readonly string[]
  /** Hosts that it connects to. */
  readonly connects?: readonly { readonly identity: string; readonly port: number; readonly tls: boolean }[]
  /** Where it listens; a free port unless given. */
  readonly port?: number
  /** A certificate for TLS; required by freeDiameterd even where it is not used. */
  readonly certificate: Certificate
}

export interface Certificate {
  readonly ca: string
  readonly cert: string
  readonly key: string
}

export interface FreeDiameter extends Running {
  readonly port: number
  readonly securePort: number
}

/** Files of an authority and of certificates for the names, made with openssl. */
export function createCertificates(folder: string, names: readonly string[]): Record<string, Certificate> {
  const openssl = (...args: string[]): void => void execFileSync('openssl', args, { cwd: folder, stdio: 'pipe' })
  const ca = join(folder, 'ca.pem')
  openssl(
    'req',
    '-x509',
    '-newkey',
    'rsa:2048',
    '-nodes',
    '-days',
    '2',
    '-subj',
    '/CN=authority',
    '-keyout',
    'ca.key',
    '-out',
    ca,
  )
  return Object.fromEntries(
    names.map((name) => {
      const [key, cert, extensions] = ['key', 'pem', 'ext'].map((end) => join(folder, `${name}.${end}`)) as [
        string,
        string,
        string,
      ]
      writeFileSync(extensions, `subjectAltName=DNS:${name}\n`)
      openssl('req', '-newkey', 'rsa:2048', '-nodes', '-subj', `/CN=${name}`, '-keyout', key, '-out', `${name}.csr`)
      openssl(
        'x509',
        '-req',
        '-in',
        `${name}.csr`,
        '-CA',
        ca,
        '-CAkey',
        'ca.key',
        '-CAcreateserial',
        '-days',
        '2',
        '-extfile',
        extensions,
        '-out',
        cert,
      )
      return [name, { ca, cert, key }]
    }),
  )
}

/** A port of the loopback interface that nobody has. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

/** Starts it on free ports of the loopback interface, with the dictionaries that Open5GS loads; resolves when it listens. */
export async function startFreeDiameter(options: FreeDiameterOptions): Promise<FreeDiameter> {
  const program = findProgram('freeDiameterd', ['/usr/sbin'])
  if (program === undefined)
    throw new Error('freeDiameterd is missing: install the Debian packages freediameter, freediameter-extensions')
  const { folder, identity, realm, certificate } = options
  const [port, securePort] = [options.port ?? (await freePort()), await freePort()]
  const acl = join(folder, `${identity}.acl`)
  writeFileSync(acl, `${options.admits.map((host) => `ALLOW_IPSEC ${host}`).join('\n')}\n`)
  const extensions = [
    'dict_rfc5777',
    'dict_mip6i',
    'dict_nasreq',
    'dict_nas_mipv6',
    'dict_dcca',
    'dict_dcca_3gpp',
    'dbg_msg_dumps',
  ]
  const file = join(folder, `${identity}.conf`)
  writeFileSync(
    file,
    [
      `Identity = "${identity}";`,
      `Realm = "${realm}";`,
      `Port = ${port};`,
      `SecPort = ${securePort};`,
      'ListenOn = "127.0.0.1";',
      'No_SCTP;',
      'No_IPv6;',
      'TcTimer = 1;',
      'TwTimer = 6;',
      `TLS_Cred = "${certificate.cert}", "${certificate.key}";`,
      `TLS_CA = "${certificate.ca}";`,
      'TLS_DH_Bits = 1024;',
      ...extensions.map((name) => `LoadExtension = "${name}.fdx"${name === 'dbg_msg_dumps' ? ' : "0x0088"' : ''};`),
      `LoadExtension = "acl_wl.fdx" : "${acl}";`,
      ...(options.connects ?? []).map(
        (peer) =>
          `ConnectPeer = "${peer.identity}" { ConnectTo = "127.0.0.1"; Port = ${peer.port}; ${peer.tls ? '' : 'No_TLS; '}};`,
      ),
      '',
    ].join('\n'),
  )
  const running = await launch(program, ['-c', file, '-d'], {
    cwd: folder,
    patience: 20_000,
    // It says so a moment before it listens.
    ready: async (output) => output.includes('freeDiameterd daemon initialized') && (await listens(port)),
  })
  return { ...running, port, securePort }
}

/** Whether somebody takes connections there. */
export function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('error', () => resolve(false))
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
  })
}
