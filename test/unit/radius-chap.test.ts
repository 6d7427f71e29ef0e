// CHAP and MS-CHAPv2 against the examples of RFC 1320, RFC 2759 and RFC 3079.
import t from 'tap'
import { md4 } from '../../core/wire/bytes/md4.ts'
import {
  authenticatorResponse,
  challengeHash,
  mppeKeys,
  ntPasswordHash,
  ntResponse,
  readMsChap2Response,
} from '../../core/wire/radius/chap.ts'

const hex = (octets: Uint8Array): string => Buffer.from(octets).toString('hex')
const octets = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex')

t.test('MD4 (RFC 1320 §A.5)', async (t) => {
  const digests: readonly (readonly [string, string])[] = [
    ['', '31d6cfe0d16ae931b73c59d7e0c089c0'],
    ['a', 'bde52cb31de33e46245e05fbdbd6fb24'],
    ['abc', 'a448017aaf21d8525fc10ae87aa6729d'],
    ['message digest', 'd9130a8164549fe818874806e1c7014b'],
    ['abcdefghijklmnopqrstuvwxyz', 'd79e1c308aa5bbcdeea8ed63df412da9'],
    ['ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789', '043f8582f241db351ce627e153e7f0e4'],
    ['1234567890'.repeat(8), 'e33b4ddc9c38f2199c3e7b164fcc0536'],
  ]
  for (const [message, digest] of digests) t.equal(hex(md4(Buffer.from(message))), digest)
})

// RFC 2759 §9.2, and RFC 3079 §3.5.3 for the keys.
const exchange = {
  authenticatorChallenge: octets('5B 5D 7C 7D 7B 3F 2F 3E 3C 2C 60 21 32 26 26 28'),
  peerChallenge: octets('21 40 23 24 25 5E 26 2A 28 29 5F 2B 3A 33 7C 7E'),
  userName: Buffer.from('User'),
}
const PASSWORD_HASH = '44ebba8d5312b8d611474411f56989ae'
const NT_RESPONSE = '82309ecd8d708b5ea08faa3981cd83544233114a3d85d6df'

t.test('MS-CHAPv2 (RFC 2759 §9.2)', async (t) => {
  const hash = ntPasswordHash('clientPass')
  t.equal(hex(hash), PASSWORD_HASH)
  t.equal(hex(challengeHash(exchange)), 'd02e4386bce91226')
  t.equal(hex(challengeHash({ ...exchange, userName: Buffer.from('BIGCO\\User') })), 'd02e4386bce91226')
  t.equal(hex(ntResponse(exchange, hash)), NT_RESPONSE)
  t.equal(authenticatorResponse(exchange, hash, octets(NT_RESPONSE)), 'S=407A5589115FD0D6209F510FE9C04566932CDA56')
})

t.test('its keys (RFC 3079 §3.5.3)', async (t) => {
  const { master, send } = mppeKeys(octets(PASSWORD_HASH), octets(NT_RESPONSE))
  t.equal(hex(master), 'fdece3717a8c838cb388e527ae3cdd31')
  t.equal(hex(send), '8b7cdc149b993a1ba118cb153f56dccb')
})

t.test('the fields of MS-CHAP2-Response', async (t) => {
  const peer = '11'.repeat(16)
  const nt = '22'.repeat(24)
  const read = readMsChap2Response(octets(`0700${peer}${'00'.repeat(8)}${nt}`))
  t.equal(read?.identifier, 7)
  t.equal(hex(read?.peerChallenge ?? octets('')), peer)
  t.equal(hex(read?.ntResponse ?? octets('')), nt)
  t.equal(readMsChap2Response(octets('00'.repeat(49))), undefined)
})
