// Phones that authenticate by EAP-AKA', many at once, in a process of their own. Usage: eap-load.ts PORT SECRET SIMS CONVERSATIONS SECONDS
// Prints one line of JSON: full authentications, the requests that had no answer, and the seconds until the last authentication.
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { isFault } from '../../core/wire/radius/fault.ts'
import { CODE, decode, octetsOf } from '../../core/wire/radius/packet.ts'
import { testSim } from '../compliance/sim-world.ts'
import { accessRequest, eapOf, identityResponse, type Phone, phone } from '../emulators/eap-peer.ts'

const [port = 0, , sims = 1, conversations = 1, seconds = 1] = process.argv.slice(2).map(Number)
const secret = Buffer.from(process.argv[3] ?? '')
const phones: Phone[] = Array.from({ length: sims }, (_, n) => phone(testSim(n)))
/** Identifiers are an octet, so a socket has so many conversations at most. */
const PER_SOCKET = 128
const PATIENCE = 1000

let next = 0
let granted = 0
let refused = 0
let lost = 0
const begun = Date.now()
let last = begun
const end = Date.now() + seconds * 1000

/** One conversation after another under one identifier. */
function lane(send: (octets: Uint8Array) => void, identifier: number): (datagram: Uint8Array) => void {
  let current = phones[0] as Phone
  let timer: NodeJS.Timeout
  const ask = (eap: Uint8Array, state?: Uint8Array): void => {
    clearTimeout(timer)
    timer = setTimeout(() => {
      lost++
      begin()
    }, PATIENCE)
    send(accessRequest({ userName: current.identity, eap, state }, secret, identifier))
  }
  const begin = (): void => {
    if (Date.now() >= end) {
      clearTimeout(timer)
      return
    }
    current = phones[next++ % phones.length] as Phone
    ask(identityResponse(current.identity))
  }
  begin()
  return (datagram) => {
    const packet = decode(datagram)
    if (isFault(packet)) return
    if (packet.code === CODE['Access-Challenge']) {
      ask(current.respond(eapOf(packet)), octetsOf(packet, 'State'))
      return
    }
    if (packet.code === CODE['Access-Accept']) {
      granted++
      last = Date.now()
    } else refused++
    begin()
  }
}

const sockets = []
for (let left = conversations; left > 0; left -= PER_SOCKET) {
  const socket = createSocket({ type: 'udp4', recvBufferSize: 4 * 1024 * 1024 })
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  socket.connect(port, '127.0.0.1')
  await once(socket, 'connect')
  const lanes = Array.from({ length: Math.min(left, PER_SOCKET) }, (_, id) => lane((octets) => socket.send(octets), id))
  socket.on('message', (datagram) => lanes[datagram[1] as number]?.(datagram))
  socket.on('error', () => {})
  sockets.push(socket)
}
setTimeout(
  () => {
    console.log(JSON.stringify({ granted, refused, lost, seconds: (last - begun) / 1000 }))
    process.exit(0)
  },
  seconds * 1000 + 100,
)
