// Which chain the configuration names: one inside this process, the one inside a node on this machine, or any by its address.
import type { Settings } from '../../core/config/section.ts'
import { fail } from '../../core/kernel/errors.ts'
import type { ChainPort } from './chain.ts'
import { startEmbeddedChain } from './embedded-chain.ts'
import { createRpcChain } from './rpc-chain.ts'
import type { settlementSection } from './settings.ts'

export type SettlementSettings = Settings<typeof settlementSection>

export interface ConnectedChain {
  readonly chain: ChainPort
  /** Without path and query, which may carry an access key: for people. */
  readonly url: string
  /** The chain ends with this process. */
  readonly volatile: boolean
  /** Sets the SOL balance of an account, lamports; undefined where SOL must be bought. */
  readonly fund: ((address: string, lamports: number) => void) | undefined
  stop(): Promise<void>
}

/** For a node: starts the embedded chain where the configuration names it. */
export async function startChain({ rpc, timeout, embedded }: SettlementSettings): Promise<ConnectedChain> {
  if (rpc !== 'embedded') return connect(rpc, timeout)
  const started = await startEmbeddedChain(embedded)
  const { chain } = connect(started.url, timeout)
  return {
    chain: { ...chain, genesis: async () => started.instance },
    url: started.url,
    volatile: true,
    fund: started.fund,
    stop: started.stop,
  }
}

/** For a command beside a running node, whose embedded chain it asks by its port. */
export function connectChain({ rpc, timeout, embedded }: SettlementSettings): ConnectedChain {
  return connect(rpc === 'embedded' ? `http://127.0.0.1:${embedded.port}` : rpc, timeout)
}

function connect(url: string, timeout: number): ConnectedChain {
  const { origin } = new URL(url)
  return {
    chain: createRpcChain({ url, timeout }),
    url: origin,
    volatile: false,
    fund: undefined,
    stop: async () => {},
  }
}

/** The token to pay with. Throws TREASURY_WITHOUT_MINT where none is configured and none can be made. */
export function settlementMint({ mint }: SettlementSettings, { volatile }: ConnectedChain): string {
  return mint ?? (volatile ? 'test' : fail('TREASURY_WITHOUT_MINT', {}))
}
