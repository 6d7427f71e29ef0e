import { join } from 'node:path'
import { Writable } from 'node:stream'
import { pino } from 'pino'
import { Registry } from 'prom-client'
import { iccid } from '../../core/kernel/iccid.ts'
import { planId, subscriberId } from '../../core/kernel/ids.ts'
import { metricProblems } from '../../core/metrics/metrics.ts'
import { createKeyStore } from '../../core/runtime/keys.ts'
import { createProvisioning } from '../../sim-provisioning/node.ts'
import { activate } from '../../sim-provisioning/profiles/subscriptions/life.ts'
import { addHomeKey, retireHomeKey } from '../../sim-provisioning/vault/network-keys/network-keys.ts'
import { onEachEngine } from './engines.ts'
import { ACME, act, clock, csvOf, testSim, testSims, testWorld } from './sim-world.ts'

// TS 33.501 Annex C.4.3: the private key of the home network, in PKCS #8.
const DER = '302e020100300506032b656e04220420c53c22208b61860b06c62e5406a7b330c2b577aa5558981510d128247d38bd1d'
const PEM = `-----BEGIN PRIVATE KEY-----\n${Buffer.from(DER, 'hex').toString('base64')}\n-----END PRIVATE KEY-----\n`

onEachEngine('a node answers with vectors, and says when a home network key is published', async (t, database) => {
  const store = await database.open()
  const directory = join(t.testdir(), 'keys')
  const lines: string[] = []
  const log = pino(
    { level: 'info' },
    new Writable({
      write(line, _encoding, done) {
        lines.push(String(line))
        done()
      },
    }),
  )
  const build = (folder: string) => {
    const metrics = new Registry()
    return {
      metrics,
      node: createProvisioning({ store, kek: createKeyStore({ directory: folder }).kek, clock, metrics, log }),
    }
  }
  const { node, metrics } = build(directory)
  await node.start()
  t.equal(node.warning?.(), undefined)
  await testWorld(t, store, node.vault).load(csvOf(testSims(1)))
  const { imsi, iccid: card } = testSim(0)
  const request = { imsi, kind: 'umts', network: '', servingEntity: 'aaa.example', count: 2 } as const
  t.same(await node.vectors(request), { result: 'barred' })
  const wanted = { subscriber: subscriberId('alice'), tenant: ACME, plan: planId('flat'), iccid: iccid(card) }
  await activate(store, wanted, act)
  const answer = await node.vectors(request)
  t.match(answer, { result: 'vectors', vectors: [{ kind: 'umts' }, { kind: 'umts' }] })
  await addHomeKey({ store, vault: node.vault }, { id: 7, profile: 'A', pem: PEM, force: true }, act)
  await node.stop()

  const again = build(directory)
  await again.node.start()
  t.match(again.node.warning?.(), /home network key 7 \(TS 33\.501 Annex C\.4\.3 \(profile A\)\) is published/)
  t.match(lines.join(''), /home network key 7 is published/)
  t.match(await again.metrics.metrics(), /tallycell_sim_published_home_keys 1\n/)
  await again.node.stop()
  await retireHomeKey({ store, vault: node.vault }, 7, true, act)
  const third = build(directory)
  await third.node.start()
  t.equal(third.node.warning?.(), undefined)
  await third.node.stop()

  t.match(await metrics.metrics(), /tallycell_sim_vector_requests_total\{kind="umts",result="vectors"\} 1/)
  t.same(await metricProblems(metrics), [])
  await t.rejects(build(join(t.testdirName, 'other')).node.start(), { code: 'KEY_KEK_WRONG' })
})
