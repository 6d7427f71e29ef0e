// Authentication put together: identities, methods, grants, and the one function that answers an Access-Request from any transport.
import type { AuthVectorPort } from '../../core/events/auth-vectors.ts'
import type { CaptivePort } from '../../core/events/captive.ts'
import type { Clock } from '../../core/kernel/clock.ts'
import type { KeyStore } from '../../core/runtime/keys.ts'
import type { Part } from '../../core/runtime/module.ts'
import type { Store } from '../../core/store/store.ts'
import type { Answer } from '../../core/transport/radius/answer.ts'
import { EAP_TYPE } from '../../core/wire/eap/packet.ts'
import { type AccessDeps, createAccess } from './access.ts'
import { createAka, type Method } from './aka.ts'
import { createCaptiveLogin } from './captive.ts'
import { type Classes, createClasses } from './class.ts'
import { createStates } from './conversation.ts'
import { createCui } from './cui.ts'
import { createEapServer } from './eap-server.ts'
import type { GrantOptions } from './grant.ts'
import { createGsm } from './gsm.ts'
import { createIdentities } from './identity.ts'
import { createSealer, type Sealer } from './seal.ts'
import type { SimDeps, SimOptions } from './sim-family.ts'
import { createAccessStore } from './store.ts'
import { createTls, type TlsMaterial } from './tls.ts'

export interface AaaDeps extends Pick<AccessDeps, 'subscribers' | 'radios' | 'standing' | 'metrics' | 'log'> {
  readonly store: Store
  readonly vectors: AuthVectorPort
  readonly captive: CaptivePort
  readonly clock: Clock
}

export type MethodName = 'aka-prime' | 'aka' | 'sim' | 'tls'

export interface AaaOptions extends GrantOptions {
  /** The most wanted first. */
  readonly methods: readonly MethodName[]
  readonly networkName: string
  readonly reauthentications: number
  readonly pseudonymDays: number
  readonly confirmSuccess: boolean
  /** For EAP-TLS; without it the method is not offered. */
  readonly tls: TlsMaterial | undefined
}

export interface Aaa extends Part {
  readonly answer: Answer
  readonly classes: Classes
}

/** What all nodes share, from the key store. */
export interface AaaKeys {
  readonly seal: Uint8Array
  readonly cui: Uint8Array
}

const KEY_OCTETS = 32

export async function aaaKeys(keys: KeyStore): Promise<AaaKeys> {
  const [seal, cui] = await Promise.all([keys.secret('aaa', KEY_OCTETS), keys.secret('cui', KEY_OCTETS)])
  return { seal, cui }
}

/** A re-authentication identity is good for a day, and until midnight. */
const REAUTHENTICATION_DAYS = 1
/** Grants stay for a day after their session, then go, some at a time. */
const PRUNE_AFTER = 86_400_000n
const PRUNE_EVERY = 60_000
const PRUNE_ROWS = 1000

export function createAaa(deps: AaaDeps, keys: AaaKeys, options: AaaOptions): Aaa {
  const { store, clock, log } = deps
  const sealer = createSealer(keys.seal)
  const classes = createClasses(sealer)
  const grants = createAccessStore(store)
  const methods = methodsOf(deps, sealer, options)
  const eap = createEapServer(methods.offered, createStates(sealer))
  const cui = createCui(keys.cui)
  const answer = createAccess({ ...deps, captive: createCaptiveLogin(deps), eap, grants, classes, cui }, options)
  let timer: NodeJS.Timeout | undefined
  const prune = async (): Promise<void> => {
    try {
      while ((await grants.prune(clock() - PRUNE_AFTER, PRUNE_ROWS)) === PRUNE_ROWS);
    } catch (error) {
      log.warn({ err: error }, 'old grants of access could not be deleted; tried again in a minute')
    }
  }
  return {
    name: 'aaa',
    answer,
    classes,
    async start() {
      timer = setInterval(() => void prune(), PRUNE_EVERY)
    },
    async stop() {
      clearInterval(timer)
      methods.close()
      await grants.drain()
    },
  }
}

function methodsOf(
  deps: AaaDeps,
  sealer: Sealer,
  { methods, tls, ...options }: AaaOptions,
): { readonly offered: ReadonlyMap<number, Method>; close(): void } {
  const identities = createIdentities(sealer, {
    pseudonymDays: options.pseudonymDays,
    reauthenticationDays: REAUTHENTICATION_DAYS,
  })
  const sim: SimDeps = { vectors: deps.vectors, identities }
  const simOptions: SimOptions = {
    networkName: options.networkName,
    reauthentications: options.reauthentications,
    confirm: options.confirmSuccess,
    offersAkaPrime: methods.includes('aka-prime'),
  }
  const offered = new Map<number, Method>()
  const server = tls && createTls(tls)
  for (const method of methods) {
    if (method === 'aka-prime') offered.set(EAP_TYPE.akaPrime, createAka(EAP_TYPE.akaPrime, sim, simOptions))
    if (method === 'aka') offered.set(EAP_TYPE.aka, createAka(EAP_TYPE.aka, sim, simOptions))
    if (method === 'sim') offered.set(EAP_TYPE.sim, createGsm(sim, simOptions))
    if (method === 'tls' && server !== undefined) offered.set(EAP_TYPE.tls, server)
  }
  return { offered, close: () => server?.close() }
}
