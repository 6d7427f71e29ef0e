// The TM Forum facade: TMF622 orders, TMF637 and TMF638 inventories, over the same subscriptions as the partner API.
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { checkPlan, suspendCharging } from '../../billing/module.ts'
import { byHand } from '../../sim-provisioning/profiles/porting/porting.ts'
import { provisioningRoutes } from '../../sim-provisioning/routes/routes.ts'
import { onEachEngine } from './engines.ts'
import { partnerWorld } from './partner-world.ts'
import { csvOf, NOW, testSim, testSims, testVault, testWorld } from './sim-world.ts'

const ORDERS = '/tmf-api/productOrderingManagement/v4/productOrder'
const PRODUCTS = '/tmf-api/productInventory/v4/product'
const SERVICES = '/tmf-api/serviceInventory/v4/service'

onEachEngine('opened, changed and ended by product orders', async (t, database) => {
  const store = await database.open()
  const folder = join(t.testdirName, 'vault')
  mkdirSync(folder, { recursive: true })
  const vault = testVault(t, store, folder)
  await testWorld(t, store, vault).load(csvOf(testSims(6)))
  const orders = () => {
    throw new Error('no eSIM here')
  }
  const routes = provisioningRoutes({
    store,
    vault,
    clock: () => NOW,
    adapter: byHand,
    suspendCharging,
    checkPlan,
    orders,
  })
  const w = await partnerWorld(t, store, [routes])
  const [acme, rival] = [await w.token(await w.client('acme')), await w.token(await w.client('rival'))]
  const order = (token: string, ...items: object[]) =>
    w.call(token, 'POST', ORDERS, {
      body: {
        externalId: 'po-1',
        note: [{ text: 'hello' }],
        productOrderItem: items.map((item, n) => ({ id: String(n + 1), ...item })),
      },
    })
  const characteristics = (values: Record<string, string>) =>
    Object.entries(values).map(([name, value]) => ({ name, value }))
  const opening = (id: string, n: number, more: Record<string, string> = {}) => ({
    action: 'add',
    productOffering: { id: 'flat' },
    product: { id, productCharacteristic: characteristics({ iccid: testSim(n).iccid, ...more }) },
  })

  const first = await order(
    acme,
    opening('alice', 0, { msisdn: '+14155552671' }),
    opening('bob', 1),
    opening('carol', 2),
  )
  t.match(first, { status: 201, body: { state: 'completed', externalId: 'po-1', productOrderItem: { length: 3 } } })
  t.match(first.body.productOrderItem[0], { state: 'completed', product: { id: 'alice', status: 'active' } })
  t.equal(first.headers.location, first.body.href)
  t.match((await w.call(acme, 'GET', `${ORDERS}/${first.body.id}`)).body, {
    id: first.body.id,
    note: [{ text: 'hello' }],
  })
  t.equal((await w.call(rival, 'GET', `${ORDERS}/${first.body.id}`)).status, 404)
  const anonymous = await order(acme, {
    action: 'add',
    productOffering: { id: 'flat' },
    product: { productSerialNumber: testSim(3).iccid },
  })
  t.match(anonymous.body.productOrderItem[0].product, { id: /^[0-9a-f-]{36}$/, productSerialNumber: testSim(3).iccid })

  // All or nothing.
  const broken = await order(acme, opening('dave', 4), opening('eve', 1))
  t.match(broken, { status: 409, body: { code: 'SIM_STEP' } })
  t.equal((await w.call(acme, 'GET', `${PRODUCTS}/dave`)).status, 404)
  for (const item of [{ action: 'add' }, { action: 'modify' }, { action: 'add', productOffering: { id: 'flat' } }])
    t.equal((await order(acme, item)).status, 400)
  t.equal((await order(acme, { ...opening('dave', 4), productOffering: { id: 'gold' } })).status, 404)
  t.equal((await order(rival, { action: 'delete', product: { id: 'alice' } })).status, 404)
  t.equal((await order(rival, opening('mine', 5))).status, 404)

  // Pages, counts and fields (TMF630).
  const page = await w.call(acme, 'GET', `${PRODUCTS}?limit=2&offset=1&fields=status`)
  t.match(page, { status: 206, headers: { 'x-total-count': '4', 'x-result-count': '2' } })
  t.same(Object.keys(page.body[0]).sort(), ['@type', 'href', 'id', 'status'])
  const all = await w.call(acme, 'GET', PRODUCTS)
  t.match(all, { status: 200, headers: { 'x-total-count': '4' } })
  t.match(
    all.body.find((one: { id: string }) => one.id === 'alice'),
    {
      productOffering: { id: 'flat' },
      productCharacteristic: [
        { name: 'iccid', value: testSim(0).iccid },
        { name: 'msisdn', value: '14155552671' },
      ],
    },
  )
  t.match(await w.call(rival, 'GET', PRODUCTS), { status: 200, body: [], headers: { 'x-total-count': '0' } })
  t.equal((await w.call(acme, 'GET', `${PRODUCTS}?limit=101`)).status, 400)
  t.match(await w.call(acme, 'GET', `${ORDERS}?limit=1&fields=state`), {
    status: 206,
    headers: { 'x-total-count': '2' },
    body: { length: 1, 0: { state: 'completed' } },
  })

  // Changed: another SIM and number, suspended, ended.
  const changed = await order(
    acme,
    {
      action: 'modify',
      product: {
        id: 'alice',
        productCharacteristic: characteristics({ iccid: testSim(4).iccid, msisdn: '+14155552672' }),
      },
    },
    { action: 'modify', product: { id: 'bob', status: 'suspended' } },
    { action: 'delete', product: { id: 'carol' } },
  )
  t.match(changed.body.productOrderItem, [
    { product: { productSerialNumber: testSim(4).iccid, status: 'active' } },
    { product: { status: 'suspended' } },
    { product: { status: 'terminated', terminationDate: /Z$/ } },
  ])
  t.match((await w.call(acme, 'GET', `${PRODUCTS}?status=suspended`)).body, [{ id: 'bob' }])
  t.same((await w.call(acme, 'GET', `${PRODUCTS}?status=nonsense`)).body, [])
  t.match((await w.call(acme, 'GET', `${SERVICES}/alice`)).body, {
    state: 'active',
    isServiceEnabled: true,
    supportingResource: [{ id: testSim(4).iccid }],
  })
  t.match((await w.call(acme, 'GET', `${SERVICES}?state=inactive`)).body, [{ id: 'bob', isServiceEnabled: false }])
  t.equal((await w.call(rival, 'GET', `${SERVICES}/alice`)).status, 404)

  // A lock stands: nothing is done, and the subscriber is told.
  await w.call(acme, 'PATCH', '/subscriptions/alice', { body: { portLock: true } })
  const refused = await order(
    acme,
    { action: 'modify', product: { id: 'bob', status: 'active' } },
    { action: 'modify', product: { id: 'alice', productCharacteristic: characteristics({ msisdn: '+14155552673' }) } },
  )
  t.match(refused, { status: 409, body: { code: 'SUBSCRIPTION_LOCKED' } })
  t.match((await w.call(acme, 'GET', `${PRODUCTS}/bob`)).body, { status: 'suspended' })
  const kinds = await store.batch((sql) => sql.rows<{ kind: string }>('select kind from subscriber_notice'))
  t.ok(kinds.some(({ kind }) => kind === 'number-change-refused'))
})
