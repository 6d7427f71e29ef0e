// The input/output thread of the RADIUS server: it owns the UDP sockets, so datagrams are read, checked and answered while the main thread
// waits for the disk.
import { createSocket, type Socket } from 'node:dgram'
import { parentPort, workerData } from 'node:worker_threads'
import { familyOf } from './clients.ts'
import { createIntake } from './intake.ts'
import { createCounters } from './outcome.ts'
import type { Endpoint, StopOrder, ThreadReport, ThreadSettings } from './thread-messages.ts'

const SWEEP_INTERVAL = 500

const settings = workerData as ThreadSettings
const counters = createCounters(settings.counters)
const sockets: Socket[] = []

const report = (message: ThreadReport): void => parentPort?.postMessage(message)
const sent = (error: Error | null): void => {
  if (error !== null) counters.count('send-failed')
}

const intake = createIntake(
  {
    counters,
    send: (socket, reply, port, address) => sockets[socket]?.send(reply, port, address, sent),
    deliver: (batch) => parentPort?.postMessage(batch, [batch]),
    report,
    soon: setImmediate,
    now: Date.now,
  },
  settings,
)

/** Opens socket number `number`; rejects with node's error. */
function open({ host, port }: Endpoint, number: number): Promise<Socket> {
  const type = familyOf(host)
  if (type === undefined) return Promise.reject(new Error('not an IP address'))
  const socket = createSocket({
    type,
    recvBufferSize: settings.receiveBuffer,
    // Addresses only, so nothing is to be looked up; node's own look-up would take a turn of the loop for every answer.
    lookup: (address, _options, callback) => callback(null, address, type === 'udp4' ? 4 : 6),
  })
  return new Promise((resolve, reject) => {
    socket.once('error', reject)
    socket.bind({ port, address: host, exclusive: true }, () => {
      socket.off('error', reject)
      socket.on('message', (datagram, from) => {
        intake.datagram(datagram, { socket: number, address: from.address, port: from.port })
      })
      resolve(socket)
    })
  })
}

async function listen(): Promise<void> {
  for (const [number, endpoint] of settings.listen.entries()) {
    try {
      sockets.push(await open(endpoint, number))
    } catch (error) {
      const { code = '', message } = error as NodeJS.ErrnoException
      for (const socket of sockets) socket.close()
      report({ type: 'refused', endpoint, code, reason: message })
      parentPort?.close()
      return
    }
  }
  const sweep = setInterval(intake.sweep, SWEEP_INTERVAL)

  const close = (): void => {
    clearTimeout(deadline)
    clearInterval(sweep)
    // Emptied, because the deadline may meet the last answer.
    for (const socket of sockets.splice(0)) socket.close()
    report({ type: 'stopped', abandoned: counters.outstanding.get() })
    parentPort?.close()
  }
  let deadline: NodeJS.Timeout | undefined
  parentPort?.on('message', (message: ArrayBuffer | StopOrder) => {
    if (message instanceof ArrayBuffer) {
      intake.verdicts(message)
      return
    }
    deadline = setTimeout(close, settings.drainTimeout)
    // Answers leave in the next turn of the loop at the latest.
    intake.drain(() => setImmediate(close))
  })
  report({
    type: 'listening',
    endpoints: sockets.map((socket) => {
      const { address, port } = socket.address()
      return { host: address, port }
    }),
  })
}

await listen()
