// One run of the input/output thread, as the main thread sees it.
import { Worker } from 'node:worker_threads'
import { TallycellError } from '../../kernel/errors.ts'
import { threadEntry } from '../../runtime/thread-entry.ts'
import type { Endpoint, StopOrder, ThreadReport, ThreadSettings } from './thread-messages.ts'

export type CreateWorker = (url: URL, options: { workerData: ThreadSettings; execArgv: string[] }) => Worker

export interface ThreadEvents {
  batch(batch: ArrayBuffer, reply: (verdicts: ArrayBuffer) => void): void
  notice(notice: Extract<ThreadReport, { type: 'notice' }>): void
  /** The thread ended without being told to. */
  died(reason: string): void
}

export interface Thread {
  readonly endpoints: readonly Endpoint[]
  /** Resolves with the number of requests that got no verdict in time, when the sockets are closed. */
  stop(): Promise<number>
}

const ENTRY = threadEntry('./io-thread', import.meta.url)
const GRACE = 1000

const spawn: CreateWorker = (url, options) => new Worker(url, options)

/** Starts a thread and resolves when its sockets are open; rejects with a TallycellError otherwise. */
export function startThread(
  settings: ThreadSettings,
  events: ThreadEvents,
  createWorker: CreateWorker = spawn,
): Promise<Thread> {
  const worker = createWorker(ENTRY.url, { workerData: settings, execArgv: ENTRY.execArgv })
  let phase: 'starting' | 'serving' | 'stopping' | 'ended' = 'starting'
  let failure = 'it ended without a word'
  const reply = (verdicts: ArrayBuffer): void => worker.postMessage(verdicts, [verdicts])

  return new Promise((resolve, reject) => {
    let abandoned = 0
    const exited = new Promise<void>((done) => {
      worker.on('exit', () => {
        const before = phase
        phase = 'ended'
        done()
        if (before === 'starting') reject(new TallycellError('RADIUS_THREAD_FAILED', { reason: failure }))
        if (before === 'serving') events.died(failure)
      })
    })
    worker.on('error', (error: Error) => {
      failure = error.message
    })
    worker.on('message', (message: ArrayBuffer | ThreadReport) => {
      if (message instanceof ArrayBuffer) {
        events.batch(message, reply)
        return
      }
      switch (message.type) {
        case 'notice':
          events.notice(message)
          break
        case 'refused':
          phase = 'ended'
          reject(refusal(message))
          break
        case 'stopped':
          abandoned = message.abandoned
          break
        case 'listening':
          phase = 'serving'
          resolve({
            endpoints: message.endpoints,
            async stop() {
              if (phase === 'serving') {
                phase = 'stopping'
                worker.postMessage({ type: 'stop' } satisfies StopOrder)
              }
              // The thread keeps its own deadline; this one is for a thread that no longer listens.
              const giveUp = setTimeout(() => void worker.terminate(), settings.drainTimeout + GRACE)
              await exited
              clearTimeout(giveUp)
              return abandoned
            },
          })
      }
    })
  })
}

/** What an operator is told of a socket that could not be opened; `code` as of node. */
export function refusal({
  endpoint,
  code,
  reason,
}: Pick<Extract<ThreadReport, { type: 'refused' }>, 'endpoint' | 'code' | 'reason'>): TallycellError {
  const { host, port } = endpoint
  if (code === 'EADDRINUSE') return new TallycellError('RADIUS_PORT_IN_USE', { host, port })
  if (code === 'EACCES' || code === 'EPERM') return new TallycellError('RADIUS_PORT_FORBIDDEN', { host, port })
  return new TallycellError('RADIUS_LISTEN_FAILED', { host, port, reason })
}
