// A Solana chain inside this process, for development: the real runtime with SPL Token, Associated Token Account and Memo. Its
// state lives and dies with the process. The native module is loaded only when a chain is started.
import { createServer, request, type Server } from 'node:http'
import { createRequire } from 'node:module'
import { fail } from '../../core/kernel/errors.ts'

const MODULE = '@solana/surfpool-linux-x64-gnu'

/** The module keeps about 1,000 events, at least one for each block, and when nobody takes them the chain stands still. */
const DRAIN_MILLIS = 500

/** What is used of the native module's class. */
interface Surfnet {
  readonly rpcUrl: string
  /** A UUID of its own for every start. */
  readonly instanceId: string
  fundSol(address: string, lamports: number): void
  drainEvents(): unknown
  stop(): void
}

interface SurfnetModule {
  readonly Surfnet: {
    startWithConfig(config: {
      readonly offline: boolean
      readonly blockProductionMode: 'clock'
      readonly slotTimeMs: number
    }): Surfnet
  }
}

export interface EmbeddedChainOptions {
  /** TCP port on 127.0.0.1 by which other processes reach the chain; 0 for any free one. */
  readonly port: number
  /** Time between blocks, milliseconds. A transaction is final after about 32 blocks; a blockhash dies after 150. */
  readonly slotMillis: number
}

export interface EmbeddedChain {
  /** Tells this chain from all that ran before: its genesis hash does not, several starts in a row may have the same. */
  readonly instance: string
  /** `http://127.0.0.1:port` */
  readonly url: string
  /** Sets an account's balance, lamports. */
  fund(address: string, lamports: number): void
  stop(): Promise<void>
}

/** Throws CHAIN_NOT_INSTALLED where the native module is missing, CHAIN_PORT_TAKEN where another program has the port. */
export async function startEmbeddedChain({ port, slotMillis }: EmbeddedChainOptions): Promise<EmbeddedChain> {
  const { Surfnet } = load()
  const surfnet = Surfnet.startWithConfig({ offline: true, blockProductionMode: 'clock', slotTimeMs: slotMillis })
  try {
    // The module listens on a port of its own choosing; other processes need one that they can know.
    const gate = await openGate(surfnet.rpcUrl, port)
    const drain = setInterval(() => surfnet.drainEvents(), DRAIN_MILLIS)
    const address = gate.address()
    const open = typeof address === 'object' && address ? address.port : port
    return {
      instance: surfnet.instanceId,
      url: `http://127.0.0.1:${open}`,
      fund: (to, lamports) => surfnet.fundSol(to, lamports),
      async stop() {
        clearInterval(drain)
        gate.closeAllConnections()
        await new Promise<void>((resolve) => gate.close(() => resolve()))
        surfnet.stop()
      },
    }
  } catch (error) {
    surfnet.stop()
    throw error
  }
}

function load(): SurfnetModule {
  try {
    return createRequire(import.meta.url)(MODULE) as SurfnetModule
  } catch (error) {
    return fail(
      'CHAIN_NOT_INSTALLED',
      { module: MODULE, reason: error instanceof Error ? (error.message.split('\n')[0] ?? '') : '' },
      error,
    )
  }
}

/** Passes requests on to `target`. */
function openGate(target: string, port: number): Promise<Server> {
  const gate = createServer((incoming, outgoing) => {
    const onward = request(
      target,
      { method: incoming.method, headers: incoming.headers, path: incoming.url },
      (answer) => {
        outgoing.writeHead(answer.statusCode ?? 502, answer.headers)
        answer.pipe(outgoing)
      },
    )
    onward.on('error', () => {
      if (!outgoing.headersSent) outgoing.writeHead(502)
      outgoing.end()
    })
    incoming.pipe(onward)
  })
  return new Promise((resolve, reject) => {
    gate.once('error', (error) => {
      const taken = 'code' in error && error.code === 'EADDRINUSE'
      try {
        if (taken) fail('CHAIN_PORT_TAKEN', { port }, error)
        reject(error)
      } catch (translated) {
        reject(translated)
      }
    })
    gate.listen(port, '127.0.0.1', () => resolve(gate))
  })
}
