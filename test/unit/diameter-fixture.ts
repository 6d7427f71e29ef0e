// A Diameter node on a free port of the loopback interface, with a credit-control application that answers as told.
import { pino } from 'pino'
import { Registry } from 'prom-client'
import type { Test } from 'tap'
import { systemClock } from '../../core/kernel/clock.ts'
import type { Answer } from '../../core/transport/diameter/answers.ts'
import type { DiameterApplication, DiameterRequest } from '../../core/transport/diameter/application.ts'
import {
  createDiameterNode,
  type DiameterNode,
  type DiameterNodeDeps,
  type DiameterNodeOptions,
} from '../../core/transport/diameter/node.ts'
import { get } from '../../core/wire/diameter/message.ts'

export interface NodeFixture {
  readonly node: DiameterNode
  readonly port: number
  readonly handled: DiameterRequest[]
  readonly log: Record<string, unknown>[]
  /** The value of a metric with the labels given as Prometheus writes them. */
  metric(name: string, labels?: string): Promise<number>
}

/** Grants what Open5GS understands. */
export async function grant({ message }: DiameterRequest): Promise<Answer> {
  const number = get(message, 'CC-Request-Number')
  const type = get(message, 'CC-Request-Type')
  return {
    result: 2001,
    avps: [
      ['Auth-Application-Id', 4],
      ['CC-Request-Type', typeof type === 'string' ? type : 0],
      ['CC-Request-Number', typeof number === 'number' ? number : 0],
      [
        'Multiple-Services-Credit-Control',
        [
          ['Granted-Service-Unit', [['CC-Total-Octets', 1_000_000n]]],
          ['Result-Code', 2001],
          ['Validity-Time', 12],
        ],
      ],
    ],
  }
}

export interface FixtureOptions extends Partial<DiameterNodeOptions> {
  readonly application?: Partial<DiameterApplication>
  readonly deps?: Partial<DiameterNodeDeps>
}

/** Starts `ocs.localdomain`, which stops when the test ends. */
export async function startNode(t: Test, { application, deps, ...options }: FixtureOptions = {}): Promise<NodeFixture> {
  const handled: DiameterRequest[] = []
  const log: Record<string, unknown>[] = []
  const metrics = new Registry()
  const handle = application?.handle ?? grant
  const node = createDiameterNode(
    {
      log: pino({ level: 'debug' }, { write: (line) => void log.push(JSON.parse(line)) }),
      metrics,
      clock: systemClock,
      ...deps,
    },
    {
      identity: 'ocs.localdomain',
      realm: 'localdomain',
      listen: [{ host: '127.0.0.1', port: 0 }],
      peers: [{ identity: 'smf.localdomain' }],
      handshake: 2000,
      applications: [
        {
          id: 4,
          commands: [272],
          ...application,
          handle: (request, peer) => {
            handled.push(request)
            return handle(request, peer)
          },
        },
      ],
      ...options,
    },
  )
  await node.start()
  t.teardown(() => node.stop())
  return {
    node,
    port: node.addresses()[0]?.port ?? 0,
    handled,
    log,
    async metric(name, labels = '') {
      const text = await metrics.metrics()
      const line = text.split('\n').find((each) => each.startsWith(`${name}${labels === '' ? ' ' : `{${labels}}`}`))
      return Number(line?.split(' ').at(-1) ?? Number.NaN)
    },
  }
}

/** Resolves once `condition` holds. The test's own time limit ends what never does. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 2))
}
