import t from 'tap'
import { createDuplicates, endpointKey } from '../../core/transport/radius/duplicates.ts'
import { encode } from '../../core/wire/radius/encode.ts'
import { isFault } from '../../core/wire/radius/fault.ts'
import { decode, type Packet } from '../../core/wire/radius/packet.ts'

const request = (identifier: number, sign: number): Packet => {
  const packet = decode(encode({ code: 4, identifier, authenticator: new Uint8Array(16).fill(sign), attributes: [] }))
  if (isFault(packet)) throw new Error(packet.fault)
  return packet
}
const reply = Uint8Array.of(5)
const HOST = '192.0.2.1'
const port = endpointKey(0, 1024)

t.test('known by source, port, socket, Identifier and authenticator', async (t) => {
  const duplicates = createDuplicates({ lifetime: 1000, capacity: 10 })
  const known = duplicates.begin(HOST, port, request(1, 1))
  t.equal(duplicates.find(HOST, port, request(1, 1)), known)
  t.equal(known.reply, undefined, 'in progress')
  t.equal(duplicates.find('192.0.2.2', port, request(1, 1)), undefined, 'another address')
  t.equal(duplicates.find(HOST, endpointKey(0, 1025), request(1, 1)), undefined, 'another port')
  t.equal(duplicates.find(HOST, endpointKey(1, 1024), request(1, 1)), undefined, 'another socket')
  t.equal(duplicates.find(HOST, port, request(2, 1)), undefined, 'another Identifier')
  for (const at of [4, 7, 8, 12, 16, 19]) {
    const other = request(1, 1)
    other.bytes[at] = 2
    t.equal(duplicates.find(HOST, port, other), undefined, `another authenticator at ${at}`)
  }
  t.ok(duplicates.answer(known, reply, 0))
  t.equal(duplicates.find(HOST, port, request(1, 1))?.reply, reply, 'answered')
})

t.test('highest socket, port and Identifier stay apart', async (t) => {
  const keys = new Set<number>()
  for (const socket of [0, 1, 100])
    for (const number of [0, 1, 65_535]) for (const id of [0, 255]) keys.add(endpointKey(socket, number) + id)
  t.equal(keys.size, 18)
})

t.test('a new authenticator takes the place of the old one', async (t) => {
  const duplicates = createDuplicates({ lifetime: 1000, capacity: 10 })
  const first = duplicates.begin(HOST, port, request(1, 1))
  const second = duplicates.begin(HOST, port, request(1, 2))
  t.equal(duplicates.size(), 1)
  t.equal(duplicates.find(HOST, port, request(1, 1)), undefined)
  t.notOk(duplicates.answer(first, reply, 0), 'nobody waits for the first')
  duplicates.forget(first)
  t.equal(duplicates.find(HOST, port, request(1, 2)), second, 'forgetting the first does not touch the second')
  t.ok(duplicates.answer(second, reply, 0))
  const third = duplicates.begin(HOST, port, request(1, 3))
  t.equal(duplicates.find(HOST, port, request(1, 2)), undefined, 'answered ones give way too')
  duplicates.sweep(5000)
  t.equal(duplicates.find(HOST, port, request(1, 3)), third, 'what is in progress does not age')
})

t.test('what is forgotten counts as new', async (t) => {
  const duplicates = createDuplicates({ lifetime: 1000, capacity: 10 })
  duplicates.forget(duplicates.begin(HOST, port, request(1, 1)))
  t.equal(duplicates.find(HOST, port, request(1, 1)), undefined)
  t.equal(duplicates.size(), 0)
})

t.test('answers age, oldest first', async (t) => {
  const duplicates = createDuplicates({ lifetime: 1000, capacity: 10 })
  for (const id of [1, 2, 3]) duplicates.answer(duplicates.begin(HOST, port, request(id, 1)), reply, id * 100)
  duplicates.begin(HOST, port, request(2, 9))
  duplicates.sweep(1099)
  t.equal(duplicates.size(), 3)
  duplicates.sweep(1100)
  t.equal(duplicates.find(HOST, port, request(1, 1)), undefined)
  t.ok(duplicates.find(HOST, port, request(3, 1)))
  duplicates.sweep(1300)
  t.equal(duplicates.find(HOST, port, request(3, 1)), undefined)
  t.equal(duplicates.size(), 1, 'the one in progress')
})

t.test('memory is bounded', async (t) => {
  const duplicates = createDuplicates({ lifetime: 1000, capacity: 100 })
  for (let number = 0; number < 1000; number++) {
    const known = duplicates.begin(`192.0.2.${number % 250}`, endpointKey(0, number), request(number & 255, 1))
    duplicates.answer(known, reply, number)
    if (duplicates.size() > 100) t.fail(`${duplicates.size()} kept`)
  }
  t.equal(duplicates.size(), 100)
  t.equal(
    duplicates.find('192.0.2.249', endpointKey(0, 999), request(999 & 255, 1))?.reply,
    reply,
    'the newest are kept',
  )
  duplicates.sweep(10_000)
  t.equal(duplicates.size(), 0)
})
