import t, { type Test } from 'tap'
import type { AuthVector, VectorRequest } from '../../core/events/auth-vectors.ts'
import { iccid } from '../../core/kernel/iccid.ts'
import { type Imsi, planId, subscriberId } from '../../core/kernel/ids.ts'
import type { Store } from '../../core/store/store.ts'
import { milenage } from '../../sim-provisioning/auth/milenage.ts'
import { readSqn, seqOf, sqn } from '../../sim-provisioning/auth/sqn.ts'
import { answer, newUsim, type UsimState } from '../../sim-provisioning/auth/usim.ts'
import { changePlan } from '../../sim-provisioning/profiles/store.ts'
import { activate, moveCard, setLock } from '../../sim-provisioning/profiles/subscriptions/life.ts'
import { readSequence } from '../../sim-provisioning/vault/sequence/store.ts'
import { createVectors, type VectorService } from '../../sim-provisioning/vault/vectors.ts'
import { onEachEngine } from './engines.ts'
import {
  ACME,
  act,
  clock,
  csvOf,
  lifeDeps,
  type TestSim,
  testSim,
  testSims,
  testVault,
  testWorld,
  type World,
} from './sim-world.ts'

const SNN = '5G:mnc001.mcc001.3gppnetwork.org'

const request = (imsi: Imsi, over: Partial<VectorRequest> = {}): VectorRequest => ({
  imsi,
  kind: 'umts',
  network: '',
  servingEntity: 'mme.example',
  count: 1,
  ...over,
})

/** `count` active SIMs, s0, s1, …. */
async function activeSims(world: World, count: number): Promise<TestSim[]> {
  const sims = testSims(count)
  await world.load(csvOf(sims))
  for (const [n, sim] of sims.entries())
    await activate(
      world.store,
      { subscriber: subscriberId(`s${n}`), tenant: ACME, plan: planId('flat'), iccid: iccid(sim.iccid) },
      act,
    )
  return sims
}

const service = (t: Test, { store, vault }: World): VectorService => {
  const made = createVectors({ store, vault, clock })
  t.teardown(() => made.drain())
  return made
}

async function vectors(from: VectorService, wanted: VectorRequest): Promise<readonly AuthVector[]> {
  const found = await from.vectors(wanted)
  return found.result === 'vectors' ? found.vectors : []
}

const functionsOf = ({ ki, opc }: TestSim) => milenage(Buffer.from(ki, 'hex'), Buffer.from(opc, 'hex'))

/** What the phone makes of a vector: its new state, or the AUTS. */
function phone(sim: TestSim, state: UsimState, { rand, autn }: AuthVector): UsimState | Uint8Array {
  const result = answer(functionsOf(sim), state, rand, autn)
  if (result.verdict === 'accept') return result.state
  if (result.verdict === 'mac-failure') throw new Error('the AUTN is not of this network')
  return result.auts
}

const sequenceOf = async (store: Store, sim: TestSim): Promise<bigint | undefined> =>
  store.batch(async (sql) => {
    const row = await sql.row<{ sim_no: bigint }>('select sim_no from sim where iccid = ?', sim.iccid)
    return readSequence(sql, row?.sim_no ?? -1n)
  })

onEachEngine(
  'a phone accepts every kind of vector, and who asked is written down without the key',
  async (t, database) => {
    const world = testWorld(t, await database.open())
    const [sim = testSim(0)] = await activeSims(world, 1)
    const from = service(t, world)
    let state = newUsim()
    const kinds = [
      { kind: 'umts', network: '' },
      { kind: 'eps', network: '00101' },
      { kind: 'aka-prime', network: 'WLAN' },
      { kind: '5g', network: SNN },
    ] as const
    for (const wanted of kinds) {
      const found = await vectors(
        from,
        request(sim.imsi, { ...wanted, count: 3, servingEntity: `${wanted.kind}.example` }),
      )
      t.equal(found.length, 3)
      for (const one of found) {
        t.equal(one.kind, wanted.kind)
        const next = phone(sim, state, one)
        if (next instanceof Uint8Array) t.fail('out of order')
        else state = next
      }
    }
    t.equal(seqOf(sqn((await sequenceOf(world.store, sim)) ?? 0n)), 12n)
    const uses = await world.store.batch((sql) =>
      sql.rows('select actor, purpose, count from key_use where subject = ? order by use_id', `iccid:${sim.iccid}`),
    )
    t.same(
      uses,
      kinds.map(({ kind }) => ({ actor: `${kind}.example`, purpose: 'vector', count: 3n })),
    )
  },
)

onEachEngine('resynchronisation, and what is refused', async (t, database) => {
  const world = testWorld(t, await database.open())
  const [sim = testSim(0)] = await activeSims(world, 1)
  const from = service(t, world)
  // A phone that knows higher numbers than we do.
  const ahead = newUsim().with(4, 5000n)
  const [first] = await vectors(from, request(sim.imsi, { servingEntity: 'a' }))
  if (first === undefined) throw new Error('no vector')
  const stale = phone(sim, ahead.with(0, 4000n), first)
  if (!(stale instanceof Uint8Array)) throw new Error('the phone took an old number')
  const resync = { rand: first.rand, auts: stale }
  t.same(await from.vectors(request(sim.imsi, { resync: { ...resync, rand: Buffer.alloc(16) } })), {
    result: 'resync-refused',
  })
  const [next] = await vectors(from, request(sim.imsi, { servingEntity: 'a', resync }))
  if (next === undefined) throw new Error('no vector')
  t.notOk(phone(sim, ahead.with(0, 4000n), next) instanceof Uint8Array)
  t.equal(seqOf(sqn((await sequenceOf(world.store, sim)) ?? 0n)), 5001n)
  await vectors(from, request(sim.imsi, { servingEntity: 'a', resync }))
  t.equal(seqOf(sqn((await sequenceOf(world.store, sim)) ?? 0n)), 5002n, 'an AUTS that comes again turns nothing back')

  t.same(await from.vectors(request('001019999999999' as Imsi)), { result: 'unknown' })
  for (const bad of [
    { count: 0 },
    { count: 33 },
    { kind: 'eps', network: 'x' },
    { kind: '5g', network: 'WLAN' },
    { servingEntity: '' },
  ] as const)
    t.same(await from.vectors(request(sim.imsi, bad)), { result: 'malformed' })
  await moveCard(lifeDeps(world.store), sim.imsi, 'suspend', act)
  t.same(await from.vectors(request(sim.imsi)), { result: 'barred' })
  await moveCard(lifeDeps(world.store), sim.imsi, 'resume', act)
  t.equal((await vectors(from, request(sim.imsi))).length, 1)
  await world.store.batch((sql) => sql.run('update sim_sequence set sqn = ?', 2n ** 48n - 40n))
  t.same(await from.vectors(request(sim.imsi, { count: 2 })), { result: 'exhausted' })
})

onEachEngine('a damaged key stops its own SIM only', async (t, database) => {
  const world = testWorld(t, await database.open())
  const [one = testSim(0), two = testSim(1)] = await activeSims(world, 2)
  const row = await world.store.batch((sql) =>
    sql.row<{ auth: Uint8Array }>('select auth from sim_secret order by sim_no limit 1'),
  )
  // One SIM's key in the place of the other's.
  await world.store.batch((sql) => sql.run('update sim_secret set auth = ?', row?.auth ?? null))
  const from = service(t, world)
  const [mine, theirs] = await Promise.all([from.vectors(request(one.imsi)), from.vectors(request(two.imsi))])
  t.match([mine, theirs], [{ result: 'vectors' }, { result: 'unavailable' }])
})

onEachEngine('a hundred imports and edits at once touch no sequence number', async (t, database) => {
  const world = testWorld(t, await database.open())
  const { store } = world
  const SIMS = 10
  const sims = await activeSims(world, SIMS)
  const from = service(t, world)
  for (const [n, sim] of sims.entries()) await vectors(from, request(sim.imsi, { count: n + 1 }))
  const read = () => Promise.all(sims.map((sim) => sequenceOf(store, sim)))
  const before = await read()
  t.equal(new Set(before).size, SIMS)
  const file = csvOf([...sims, ...testSims(5, 50)])
  const work = Array.from({ length: 100 }, async (_, n): Promise<unknown> => {
    const sim = sims[n % SIMS] ?? testSim(0)
    const subscriber = subscriberId(`s${n % SIMS}`)
    if (n % 4 === 0) return world.load(file, { batch: `again-${n}` })
    if (n % 4 === 1) return setLock(store, subscriber, 'port', n % 8 === 1, act)
    if (n % 4 === 2) return changePlan(store, subscriber, planId(`p${n}`))
    await moveCard(lifeDeps(store), sim.imsi, 'suspend', act).catch(() => {})
    return moveCard(lifeDeps(store), sim.imsi, 'resume', act).catch(() => {})
  })
  await Promise.all(work)
  t.same(await read(), before)
})

onEachEngine(
  'sequence numbers are given once, whoever asks, while SIMs are imported and edited',
  async (t, database) => {
    const directory = t.testdir()
    const stores = [await database.open(), database.engine === 'sqlite' ? undefined : await database.open()].filter(
      (store) => store !== undefined,
    )
    const worlds = stores.map((store) => testWorld(t, store, testVault(t, store, directory)))
    const [world] = worlds as [World, ...World[]]
    const SIMS = 5
    const sims = await activeSims(world, SIMS)
    const services = worlds.map((one) => service(t, one))
    const at = <Item>(items: readonly Item[], n: number): Item => items[n % items.length] as Item

    const given: AuthVector[][] = sims.map(() => [])
    const asking = Array.from({ length: 200 }, async (_, n) => {
      const found = await vectors(
        at(services, n),
        request(at(sims, n).imsi, { count: 1 + (n % 3), servingEntity: `e${n % 4}` }),
      )
      given[n % SIMS]?.push(...found)
    })
    const imports = Array.from({ length: 50 }, (_, n) =>
      at(worlds, n).load(csvOf([...sims, ...testSims(20, 100 + n * 10)]), { batch: `b${n}` }),
    )
    const edits = Array.from({ length: 50 }, (_, n) =>
      setLock(at(stores, n), subscriberId(`s${n % SIMS}`), n % 2 ? 'port' : 'sim-swap', n % 3 === 0, act),
    )
    const reports = await Promise.all(imports)
    await Promise.all([...asking, ...edits])
    t.equal(
      reports.reduce((sum, { added }) => sum + added, 0),
      510,
    )
    t.equal(
      reports.reduce((sum, { refused }) => sum + refused, 0),
      0,
    )
    for (const [n, sim] of sims.entries()) {
      const own = given[n] ?? []
      const numbers = own.map(({ rand, autn }) => {
        const { ak } = functionsOf(sim).f2345(rand)
        return seqOf(readSqn(Uint8Array.from(autn.subarray(0, 6), (octet, index) => octet ^ (ak[index] ?? 0))))
      })
      t.equal(new Set(numbers).size, numbers.length, 'none twice')
      t.equal(seqOf(sqn((await sequenceOf(world.store, sim)) ?? 0n)), BigInt(own.length), 'and none left out')
    }
    const inds = await world.store.batch((sql) => sql.rows<{ ind: bigint }>('select ind from aka_entity order by ind'))
    t.same(inds, [{ ind: 0n }, { ind: 1n }, { ind: 2n }, { ind: 3n }])
  },
)

t.test('more serving entities than there are INDs share them', async (t) => {
  const { openStore } = await import('../../core/store/store.ts')
  const store = await openStore({ path: ':memory:' })
  t.teardown(() => store.close())
  const world = testWorld(t, store)
  const [sim = testSim(0)] = await activeSims(world, 1)
  const from = service(t, world)
  await Promise.all(Array.from({ length: 40 }, (_, n) => vectors(from, request(sim.imsi, { servingEntity: `e${n}` }))))
  t.equal((await store.batch((sql) => sql.rows('select ind from aka_entity'))).length, 32)
  t.equal((await vectors(from, request(sim.imsi, { servingEntity: 'another' }))).length, 1)
})
