import fc from 'fast-check'
import t from 'tap'
import { formatAddress, parseAddress } from '../../core/config/address.ts'
import { variableName } from '../../core/config/environment.ts'
import { didYouMean, nearest } from '../../core/config/nearest.ts'

t.test('the nearest name: typing mistakes, not guesses', async (t) => {
  const names = ['listen', 'clients', 'port', 'secretFile', 'dataDir']
  const rows: [string, string | undefined][] = [
    ['lisen', 'listen'],
    ['lsiten', 'listen'],
    ['Listen', 'listen'],
    ['cleints', 'clients'],
    ['prot', 'port'],
    ['secret-file', 'secretFile'],
    ['datadir', 'dataDir'],
    ['banana', undefined],
    ['', undefined],
    ['x'.repeat(10_000), undefined],
  ]
  for (const [came, found] of rows) t.equal(nearest(came, names), found, came.slice(0, 20))
  t.equal(didYouMean('prot', names), "; did you mean 'port'?")
  t.equal(didYouMean('banana', names), '')
})

t.test('one swap, loss, gain or change is always found', async () => {
  const word = fc.string({ minLength: 4, maxLength: 12, unit: fc.constantFrom(...'abcdefghij') })
  fc.assert(
    fc.property(word, fc.nat(), (name, where) => {
      const at = where % (name.length - 1)
      const mistakes = [
        name.slice(0, at) + name.slice(at + 1),
        `${name.slice(0, at)}z${name.slice(at)}`,
        `${name.slice(0, at)}z${name.slice(at + 1)}`,
        name.slice(0, at) + (name[at + 1] ?? '') + (name[at] ?? '') + name.slice(at + 2),
      ]
      return mistakes.every((mistake) => nearest(mistake, [name]) === name)
    }),
  )
})

t.test('names of variables', async (t) => {
  t.equal(variableName(['dataDir']), 'TALLYCELL_DATA_DIR')
  t.equal(variableName(['http', 'listen']), 'TALLYCELL_HTTP_LISTEN')
  t.equal(variableName(['sim-provisioning', 'hlrURL2']), 'TALLYCELL_SIM_PROVISIONING_HLR_URL2')
})

t.test('addresses', async (t) => {
  t.same(parseAddress('127.0.0.1:8080'), { host: '127.0.0.1', port: 8080 })
  t.same(parseAddress('[::1]:0'), { host: '::1', port: 0 })
  t.same(parseAddress('[fe80::1%eth0]:65535'), { host: 'fe80::1%eth0', port: 65535 })
  t.same(parseAddress('node.example:1'), { host: 'node.example', port: 1 })
  for (const bad of [
    '',
    ':80',
    '80',
    'a',
    'a:',
    'a:b',
    'a:65536',
    'a:-1',
    '::1:80',
    '[::1]',
    '[a]:1',
    '[1.2.3.4]:1',
    'a b:1',
    'a:1 ',
    'a:1\n',
  ])
    t.equal(parseAddress(bad), undefined, JSON.stringify(bad))
  fc.assert(
    fc.property(fc.oneof(fc.ipV4(), fc.ipV6(), fc.domain()), fc.nat(65_535), (host, port) => {
      const address = parseAddress(formatAddress({ host, port }))
      return address?.host === host && address.port === port
    }),
  )
})
