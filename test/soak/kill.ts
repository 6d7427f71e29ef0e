// Kill -9 at random instants under load, again and again on one data folder, and look at what is left each time.
import { setTimeout as sleep } from 'node:timers/promises'
import { createTestNode } from '../emulators/node.ts'
import type { Running } from '../emulators/program.ts'
import { waitForStages } from '../emulators/stages.ts'
import { startLoad } from './load.ts'
import { type Findings, type VerifyOptions, verify } from './verify.ts'

export interface KillOptions {
  /** Empty, for the node's data. */
  readonly folder: string
  readonly rounds: number
  /** Repeats the same choices, as far as time allows. */
  readonly seed: number
  readonly onRound: (round: Round) => void
  /** Between a session's reports, milliseconds; as fast as answers come unless given. */
  readonly pause?: number
}

export interface Round extends Findings {
  readonly number: number
  /** Killed while it started, killed while it served, or stopped in order at the very end. */
  readonly end: 'killed-starting' | 'killed-serving' | 'stopped'
  /** From the start of the process, milliseconds. */
  readonly after: number
  readonly answered: number
}

const RADIOS = 8
const SESSIONS = 25
const SECRET = 'soak-secret'
/** A node that serves is killed within so many milliseconds. */
const SERVING = 1500
/** One node in so many is killed before it serves. */
const EARLY = 5

/** Runs all rounds, whatever they find, then stops the node in order and looks once more. Resolves with what `verify` looked at last. */
export async function killRounds({ folder, rounds, seed, onRound, pause = 0 }: KillOptions): Promise<VerifyOptions> {
  const random = generator(seed)
  const node = await createTestNode({ folder, secret: SECRET })
  await node.provision(RADIOS, RADIOS * SESSIONS)
  const load = await startLoad({
    server: node.radius,
    secret: SECRET,
    radios: RADIOS,
    sessions: SESSIONS,
    random,
    pause,
  })
  let startUp = 1000
  const look = async (number: number, end: Round['end'], after: number): Promise<VerifyOptions> => {
    const { database, logDirectory } = node
    const options = { database, logDirectory, tallies: load.tallies(), drained: end === 'stopped' }
    const findings = await verify(options)
    onRound({ ...findings, number, end, after: Math.round(after), answered: load.answered() })
    return options
  }
  let running: Running | undefined
  try {
    for (let number = 1; number <= rounds; number++) {
      const begin = performance.now()
      const early = number > 1 && random() * EARLY < 1
      if (early) {
        const at = begin + random() * startUp
        running = await node.launch(() => performance.now() >= at)
      } else {
        running = await node.start()
        startUp = performance.now() - begin
        await sleep(random() * SERVING)
      }
      await running.stop('SIGKILL')
      await look(number, early ? 'killed-starting' : 'killed-serving', performance.now() - begin)
    }
    const begin = performance.now()
    running = await node.start()
    await load.finish()
    await waitForStages(node.database)
    await running.stop('SIGTERM')
    return await look(rounds + 1, 'stopped', performance.now() - begin)
  } finally {
    await running?.stop('SIGKILL')
    await load.abandon()
  }
}

/** Park and Miller's minimal standard generator: 0 inclusive to 1 exclusive. */
function generator(seed: number): () => number {
  let state = (Math.trunc(Math.abs(seed)) % 2_147_483_646) + 1
  return () => {
    state = (state * 48_271) % 2_147_483_647
    return (state - 1) / 2_147_483_646
  }
}
