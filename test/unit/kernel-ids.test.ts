import fc from 'fast-check'
import t from 'tap'
import { imsi, payerId, radioId, subscriberId, wallet } from '../../core/kernel/ids.ts'

t.test('names: 1 to 64 of the allowed characters', async (t) => {
  for (const parse of [radioId, subscriberId, payerId]) {
    for (const good of ['a', '0', 'ap-1', 'cafe.west_2', 'a'.repeat(64)]) t.equal(parse(good), good)
    for (const bad of ['', 'a'.repeat(65), '-a', '.a', '_a', 'A', 'é', 'a b', 'a/b', 'a\n', 'a\u0000'])
      t.throws(() => parse(bad), { code: 'ID_INVALID' }, JSON.stringify(bad))
  }
})

t.test('IMSI: 6 to 15 digits (TS 23.003), and the digits are never repeated in the error', async (t) => {
  for (const good of ['001010', '001010123456789']) t.equal(imsi(good), good)
  for (const bad of ['', '00101', '0010101234567890', '00101012345678a', ' 001010123456789', '٠٠١٠١٠'])
    t.throws(() => imsi(bad), { code: 'ID_INVALID' }, bad)
  try {
    imsi('0010101234567890')
  } catch (error) {
    t.notMatch(String(error), /1234567/)
  }
})

t.test('wallet: base58 of exactly 32 octets', async (t) => {
  // Addresses of programs that every Solana chain has; the first is 32 zero octets.
  for (const good of [
    '11111111111111111111111111111111',
    'TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA',
    'MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr',
    'ComputeBudget111111111111111111111111111111',
    'SysvarRent111111111111111111111111111111111',
  ])
    t.equal(wallet(good), good)
  for (const bad of [
    '',
    '1'.repeat(31),
    '1'.repeat(33),
    'TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5D',
    'TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DAA',
    'TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5D0',
    'TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DI',
    'z'.repeat(44),
  ])
    t.throws(() => wallet(bad), { code: 'ID_INVALID' }, bad)
})

const ALPHABET = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz'

function base58(octets: Uint8Array): string {
  let text = ''
  for (let value = BigInt(`0x${Buffer.from(octets).toString('hex') || '0'}`); value > 0n; value /= 58n)
    text = ALPHABET[Number(value % 58n)] + text
  const zeros = octets.findIndex((octet) => octet !== 0)
  return '1'.repeat(zeros < 0 ? octets.length : zeros) + text
}

t.test('wallet: every 32 octets are taken, every other length is refused', async () => {
  const accepts = (octets: Uint8Array): boolean => {
    try {
      wallet(base58(octets))
      return true
    } catch {
      return false
    }
  }
  fc.assert(fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), accepts))
  fc.assert(
    fc.property(
      fc.nat(6),
      fc.uint8Array({ minLength: 26, maxLength: 26 }),
      (zeros, rest) => accepts(new Uint8Array([...new Uint8Array(zeros), ...rest])) === (zeros === 6),
    ),
  )
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 40 }), (octets) => octets.length === 32 || !accepts(octets)),
  )
})
