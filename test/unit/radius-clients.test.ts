import t from 'tap'
import { isTallycellError } from '../../core/kernel/errors.ts'
import { createClientTable, type RadiusClientSecret } from '../../core/transport/radius/clients.ts'

const client = (name: string, address: string, secret = 's'): RadiusClientSecret => ({
  name,
  address,
  secret: Buffer.from(secret),
})
const codeOf = (...clients: RadiusClientSecret[]): string => {
  try {
    createClientTable(clients)
  } catch (error) {
    return isTallycellError(error) ? error.code : String(error)
  }
  return 'nothing thrown'
}

t.test('the longest prefix wins', async (t) => {
  const clients = [
    client('all', '0.0.0.0/0'),
    client('net', '192.0.2.0/24'),
    client('half', '192.0.2.128/25'),
    client('one', '192.0.2.129'),
    client('six', '2001:db8::/32'),
    client('six-one', '2001:db8::1'),
    client('odd', '2001:db8:8000::/33'),
  ]
  const table = createClientTable(clients)
  const name = (address: string): string | undefined => clients[table(address)]?.name
  const expected: [string, string | undefined][] = [
    ['192.0.2.129', 'one'],
    ['192.0.2.130', 'half'],
    ['192.0.2.127', 'net'],
    ['198.51.100.1', 'all'],
    ['::ffff:192.0.2.129', 'one'],
    ['::ffff:c000:281', 'one'],
    ['2001:db8::1', 'six-one'],
    ['2001:0db8:0:0::1', 'six-one'],
    ['2001:db8::2', 'six'],
    ['2001:db8:7fff::1', 'six'],
    ['2001:db8:8000::1', 'odd'],
    ['2001:db9::1', undefined],
    ['::1', undefined],
    ['fe80::1%eth0', undefined],
    ['not an address', undefined],
  ]
  for (const [address, client] of expected) {
    t.equal(name(address), client, address)
    t.equal(name(address), client, `${address} again`)
  }
})

t.test('a link-local source is known without its interface', async (t) => {
  t.equal(createClientTable([client('link', 'fe80::/10')])('fe80::1%eth0'), 0)
})

t.test('more addresses than are remembered', async (t) => {
  const table = createClientTable([client('net', '10.0.0.0/8')])
  for (let index = 0; index < 10_000; index++) {
    if (table(`10.0.${index >> 8}.${index & 255}`) !== 0) t.fail(String(index))
  }
  t.equal(table('10.0.0.0'), 0)
})

t.test('mistakes in the configuration', async (t) => {
  for (const address of [
    '',
    'ap.example.com',
    '192.0.2.0/33',
    '192.0.2.1/24',
    '192.0.2.0/',
    '192.0.2.0/-1',
    '192.0.2.0/8/8',
    '2001:db8::/129',
    '2001:db8::1/64',
  ]) {
    t.equal(codeOf(client('a', address)), 'RADIUS_CLIENT_INVALID', JSON.stringify(address))
  }
  t.equal(codeOf(client('a', '192.0.2.1'), client('b', '192.0.2.1/32')), 'RADIUS_CLIENT_TWICE')
  t.equal(codeOf(client('a', '192.0.2.1'), client('b', '::ffff:192.0.2.1')), 'RADIUS_CLIENT_TWICE')
  t.equal(codeOf(client('a', '192.0.2.0/24'), client('b', '192.0.2.0/25')), 'nothing thrown')
  t.equal(codeOf(client('a', '192.0.2.1', '')), 'RADIUS_SECRET_INVALID')
  t.equal(codeOf(client('a', '192.0.2.1', 'x'.repeat(257))), 'RADIUS_SECRET_INVALID')
  t.equal(codeOf(client('a', '192.0.2.1', 'x'.repeat(256))), 'nothing thrown')
})
