import { isIP } from 'node:net'
import { promisify } from 'node:util'
import fc from 'fast-check'
import t from 'tap'
import { guardedLookup, isPublic, targetFault } from '../../core/http/partner/webhooks/target.ts'

t.test('addresses of the public Internet, and no other', async (t) => {
  for (const address of ['8.8.8.8', '1.1.1.1', '172.15.255.255', '172.32.0.0', '192.167.255.255', '100.63.255.255'])
    t.ok(isPublic(address), address)
  for (const address of ['2606:4700::1111', '2a00:1450::1', '2620:fe::fe']) t.ok(isPublic(address), address)
  for (const address of [
    ...['0.0.0.0', '10.1.2.3', '100.64.0.1', '127.1.1.1', '169.254.169.254', '172.16.0.1', '172.31.255.255'],
    ...['192.0.0.8', '192.0.2.1', '192.168.255.255', '198.18.0.1', '198.51.100.9', '203.0.113.1', '224.0.0.1'],
    ...['255.255.255.255', '::', '::1', '::ffff:8.8.8.8', '64:ff9b::808:808', '100::1', 'fc00::1', 'fe80::1'],
    ...['ff02::1', '2001::1', '2001:db8::1', '2002:808:808::1', '3fff::1', '4000::1', 'x', ''],
  ])
    t.notOk(isPublic(address), address)
})

t.test('an address of a webhook never names one of this machine, however it is written', async (t) => {
  const octet = fc.integer({ min: 0, max: 255 })
  const written = fc.tuple(fc.constantFrom(10, 127), octet, octet, octet, fc.constantFrom('dotted', 'decimal', 'hex'))
  fc.assert(
    fc.property(written, ([a, b, c, d, form]) => {
      const number = ((a * 256 + b) * 256 + c) * 256 + d
      const host = { dotted: `${a}.${b}.${c}.${d}`, decimal: `${number}`, hex: `0x${number.toString(16)}` }[form]
      return targetFault(`https://${host}/`, 'public') !== undefined
    }),
  )
  t.equal(targetFault('http://127.0.0.1/', 'any'), undefined)
})

t.test('what a name means is judged when it is used', async (t) => {
  const lookup = (name: string, targets: 'public' | 'any'): Promise<unknown> =>
    promisify(guardedLookup(targets) as never as (...a: never[]) => void)(
      name as never,
      { all: true } as never,
    ) as never
  await t.rejects(lookup('localhost', 'public'), /public Internet/)
  const found = (await lookup('localhost', 'any')) as { address: string }[]
  t.ok(found.every(({ address }) => isIP(address) !== 0))
})
