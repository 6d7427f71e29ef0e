// The server of EAP-TLS 1.2 and 1.3 (RFC 5216, RFC 9190): node's TLS over a duplex in memory, flights cut into fragments. Unlike the other
// methods it cannot put its state into a packet: a handshake stays on the node where it began, in a table of bounded size.
import { constants, randomBytes } from 'node:crypto'
import { Duplex } from 'node:stream'
import { createSecureContext, createServer, type TLSSocket } from 'node:tls'
import { fail } from '../../core/kernel/errors.ts'
import { EAP_CODE, EAP_TYPE, encodeEap } from '../../core/wire/eap/packet.ts'
import { decodeTlsFragment, encodeTlsFragment } from '../../core/wire/eap/tls.ts'
import type { Method } from './aka.ts'
import { STAGE } from './conversation.ts'
import { type Exchange, rejected, type Turn } from './method.ts'

/** PEM. */
export interface TlsMaterial {
  readonly certificate: string
  readonly key: string
  readonly clientCa: string
}

export interface TlsMethod extends Method {
  /** Ends all handshakes. */
  close(): void
}

/** Octets of a flight in one EAP packet: with all else within 1,500 of the access point's medium. */
const FRAGMENT = 1000
/** RFC 5216 §2.1.5: more is no handshake. */
const MAX_FLIGHT = 65_536
/** Handshakes under way; beyond, the oldest goes. Each takes some 60 kB. */
const MAX_HANDSHAKES = 1000
const LIFETIME = 60_000
/** RFC 9190 §2.1.1: application data of one octet says that the handshake is all. */
const COMMITMENT = Uint8Array.of(0)
const MSK_OCTETS = 64
const KEY_OCTETS = 128
const NOTHING = new Uint8Array(0)
const ACKNOWLEDGEMENT = { start: false, more: false, total: undefined, data: NOTHING } as const

interface Handshake {
  readonly wire: Wire
  /** Undefined until the handshake is complete. */
  socket: TLSSocket | undefined
  /** What the peer has sent of its flight. */
  incoming: Uint8Array[]
  incomingOctets: number
  /** What is still to be sent of ours. */
  outgoing: Uint8Array
  failed: boolean
  readonly expires: number
}

/** Our end of the cable: what TLS writes gathers here, what the peer sends is pushed in. */
class Wire extends Duplex {
  written: Uint8Array[] = []
  override _read(): void {}
  override _write(chunk: Uint8Array, _encoding: BufferEncoding, callback: () => void): void {
    this.written.push(chunk)
    callback()
  }
  /** All that was written since. */
  drainWritten(): Uint8Array {
    const taken = Buffer.concat(this.written)
    this.written = []
    return taken
  }
}

/** Throws `RADIUS_TLS_INVALID` for certificates and keys that do not fit. */
export function createTls(material: TlsMaterial): TlsMethod {
  const handshakes = new Map<string, Handshake>()
  try {
    createSecureContext({ cert: material.certificate, key: material.key, ca: material.clientCa })
  } catch (error) {
    fail('RADIUS_TLS_INVALID', { reason: error instanceof Error ? error.message : '' }, error)
  }

  const drop = (name: string): void => {
    handshakes.get(name)?.wire.destroy()
    handshakes.delete(name)
  }
  const sweep = (): void => {
    for (const [name, { expires }] of handshakes) {
      if (expires > Date.now() && handshakes.size < MAX_HANDSHAKES) return
      drop(name)
    }
  }
  const end = (name: string, turn: Turn): Turn => {
    drop(name)
    return turn
  }

  const send = (handshake: Handshake, { identifier }: Exchange, name: string, total?: number): Turn => {
    const data = handshake.outgoing.subarray(0, FRAGMENT)
    const more = data.length < handshake.outgoing.length
    handshake.outgoing = handshake.outgoing.subarray(data.length)
    return request(identifier, encodeTlsFragment({ start: false, more, total: more ? total : undefined, data }), name)
  }

  /** The peer's flight is complete: our next one, or the end. */
  const turn = async (handshake: Handshake, exchange: Exchange, name: string): Promise<Turn> => {
    const flight = Buffer.concat(handshake.incoming)
    handshake.incoming = []
    handshake.incomingOctets = 0
    if (flight.length > 0) await feed(handshake, flight)
    handshake.outgoing = handshake.wire.drainWritten()
    // An alert of ours still goes out; its acknowledgement ends the conversation (RFC 5216 §2.1.3).
    if (handshake.outgoing.length > 0) return send(handshake, exchange, name, handshake.outgoing.length)
    const { socket, failed } = handshake
    if (failed || socket === undefined) return end(name, rejected('tls-failed'))
    return end(name, socket.authorized ? prove(socket) : rejected('certificate'))
  }

  return {
    async start({ identifier }) {
      sweep()
      const name = randomBytes(8).toString('hex')
      handshakes.set(name, begin(material))
      return request(identifier, encodeTlsFragment({ ...ACKNOWLEDGEMENT, start: true }), name)
    },
    async next({ fields }, exchange) {
      const name = Buffer.from(fields[0] ?? NOTHING).toString()
      const handshake = handshakes.get(name)
      const fragment = decodeTlsFragment(exchange.packet.data)
      if (handshake === undefined) return rejected('state-invalid')
      if (fragment === undefined || fragment.start) return end(name, rejected('malformed'))
      // Anything but an acknowledgement while fragments are left is out of turn (RFC 5216 §2.1.5).
      if (handshake.outgoing.length > 0)
        return fragment.data.length === 0 ? send(handshake, exchange, name) : end(name, rejected('unexpected'))
      handshake.incomingOctets += fragment.data.length
      if (handshake.incomingOctets > MAX_FLIGHT) return end(name, rejected('malformed'))
      if (fragment.data.length > 0) handshake.incoming.push(Uint8Array.from(fragment.data))
      if (fragment.more) return request(exchange.identifier, encodeTlsFragment(ACKNOWLEDGEMENT), name)
      return turn(handshake, exchange, name)
    },
    close() {
      for (const name of [...handshakes.keys()]) drop(name)
    },
  }
}

function request(identifier: number, data: Uint8Array, name: string): Turn {
  const packet = encodeEap(EAP_CODE.request, identifier, EAP_TYPE.tls, data)
  return { turn: 'request', request: { packet, stage: STAGE.tls, tries: 1, fields: [Buffer.from(name)] } }
}

/** A server of its own for each handshake, which never listens: so it is plain whose socket becomes secure. */
function begin({ certificate, key, clientCa }: TlsMaterial): Handshake {
  const wire = new Wire()
  const handshake: Handshake = {
    ...{ wire, socket: undefined, incoming: [], incomingOctets: 0, outgoing: NOTHING, failed: false },
    expires: Date.now() + LIFETIME,
  }
  // Sessions are not resumed: each time the certificate is looked at.
  const server = createServer({
    ...{ cert: certificate, key, ca: clientCa, minVersion: 'TLSv1.2' },
    ...{ requestCert: true, rejectUnauthorized: false, secureOptions: constants.SSL_OP_NO_TICKET },
  })
  server.on('secureConnection', (socket) => {
    handshake.socket = socket
    socket.on('error', () => {
      handshake.failed = true
    })
    // After the session tickets, which OpenSSL writes when this event is over: nothing may follow it (RFC 9190 §2.5).
    if (socket.authorized && socket.getProtocol() === 'TLSv1.3') setImmediate(() => socket.write(COMMITMENT))
  })
  server.on('tlsClientError', () => {
    handshake.failed = true
  })
  wire.on('error', () => {
    handshake.failed = true
  })
  server.emit('connection', wire)
  return handshake
}

/** Turns of the event loop that TLS may take over a flight. Each is a fraction of a millisecond; a whole flight always leads to something. */
const MAX_TURNS = 100
/** Turns without anything new after which a flight is taken to be all. */
const QUIET_TURNS = 3

/** Gives TLS a flight and resolves when it has said all that it has to say. */
async function feed(handshake: Handshake, flight: Uint8Array): Promise<void> {
  const { wire } = handshake
  const begun = handshake.socket
  wire.push(flight)
  let quiet = 0
  for (let turn = 0, seen = 0; turn < MAX_TURNS && quiet < QUIET_TURNS; turn++) {
    await new Promise(setImmediate)
    const moved = wire.written.length > 0 || handshake.failed || handshake.socket !== begun
    quiet = moved && wire.written.length === seen ? quiet + 1 : 0
    seen = wire.written.length
  }
}

/** RFC 5216 §2.3, RFC 9190 §2.3. */
function keyMaterial(socket: TLSSocket): Uint8Array {
  if (socket.getProtocol() === 'TLSv1.3')
    return socket.exportKeyingMaterial(KEY_OCTETS, 'EXPORTER_EAP_TLS_Key_Material', Buffer.from([EAP_TYPE.tls]))
  // Without a context, which is another thing than an empty one (RFC 5705 §4).
  const exporter: { exportKeyingMaterial(length: number, label: string, context?: Buffer): Buffer } = socket
  return exporter.exportKeyingMaterial(KEY_OCTETS, 'client EAP encryption')
}

function prove(socket: TLSSocket): Turn {
  const { CN: name } = socket.getPeerCertificate().subject
  if (typeof name !== 'string' || name === '') return rejected('certificate')
  const msk = keyMaterial(socket).subarray(0, MSK_OCTETS)
  const method = socket.getProtocol() === 'TLSv1.3' ? 'tls-1.3' : 'tls-1.2'
  return {
    turn: 'proved',
    proof: { imsi: undefined, subscriber: name, msk, method, notify: undefined, confirmed: false },
  }
}
