import { createHash, randomBytes } from 'node:crypto'
import t from 'tap'
import { createMd5 } from '../../core/wire/bytes/md5.ts'

const md5 = createMd5(4400)
const digest = (message: Uint8Array): string => {
  md5.input.set(message)
  return Buffer.from(md5.digest(message.length)).toString('hex')
}

t.test('RFC 1321 §A.5 test suite', async (t) => {
  const suite: [string, string][] = [
    ['', 'd41d8cd98f00b204e9800998ecf8427e'],
    ['a', '0cc175b9c0f1b6a831c399e269772661'],
    ['abc', '900150983cd24fb0d6963f7d28e17f72'],
    ['message digest', 'f96b697d7cb7938d525a2f31aaf161d0'],
    ['abcdefghijklmnopqrstuvwxyz', 'c3fcd3d76192e4007dfb496cca67e13b'],
    ['ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789', 'd174ab98d277d9f5a5611c2c9f419d9f'],
    [
      '12345678901234567890123456789012345678901234567890123456789012345678901234567890',
      '57edf4a22be3c955ac49da2e2107b67a',
    ],
  ]
  for (const [message, expected] of suite) t.equal(digest(Buffer.from(message)), expected, JSON.stringify(message))
})

t.test('agrees with node:crypto at every length', async (t) => {
  for (let length = 0; length <= 4200; length++) {
    const message = randomBytes(length)
    const expected = createHash('md5').update(message).digest('hex')
    if (digest(message) !== expected) t.fail(`length ${length}: ${message.toString('hex')}`)
  }
  t.pass('0 to 4200 octets')
})

t.test('holds the longest message that it was made for', async (t) => {
  for (const capacity of [0, 1, 55, 56, 63, 64, 119, 120]) {
    const small = createMd5(capacity)
    small.input.fill(7)
    const expected = createHash('md5').update(Buffer.alloc(capacity, 7)).digest('hex')
    t.equal(Buffer.from(small.digest(capacity)).toString('hex'), expected, String(capacity))
  }
})
