import t from 'tap'
import { createBatchWriter, readBatch, readVerdicts, writeVerdicts } from '../../core/transport/radius/batch.ts'

t.test('requests come out as they went in', async (t) => {
  const writer = createBatchWriter(512)
  const longest = 'fe80:1111:2222:3333:4444:5555:6666:7777%enp0s31f6'
  writer.add(Uint8Array.of(1, 2, 3), 0, '192.0.2.1', 1, 1_767_225_600_123)
  writer.add(new Uint8Array(4096).fill(9), 65_535, longest, 65_535, 1_767_225_600_124)
  writer.add(new Uint8Array(20), 1, '::1', 1813, 1_767_225_600_124)
  t.equal(writer.count(), 3)
  const { number, items } = readBatch(writer.take(0xffffffff))
  t.equal(number, 0xffffffff)
  t.same(
    items.map(({ datagram, ...rest }) => ({ ...rest, length: datagram.length, first: datagram[0] })),
    [
      { client: 0, address: '192.0.2.1', port: 1, received: 1_767_225_600_123n, length: 3, first: 1 },
      { client: 65_535, address: longest, port: 65_535, received: 1_767_225_600_124n, length: 4096, first: 9 },
      { client: 1, address: '::1', port: 1813, received: 1_767_225_600_124n, length: 20, first: 0 },
    ],
  )
  t.equal(writer.count(), 0, 'taken')
  t.same(readBatch(writer.take(1)), { number: 1, items: [] })
})

t.test('full by number and by octets', async (t) => {
  const few = createBatchWriter(2)
  few.add(new Uint8Array(20), 0, '::1', 1, 0)
  t.notOk(few.full())
  few.add(new Uint8Array(20), 0, '::1', 1, 0)
  t.ok(few.full())
  const large = createBatchWriter(100_000)
  let count = 0
  for (; !large.full(); count++) large.add(new Uint8Array(4096).fill(count), 0, '192.0.2.1', 1, 0)
  t.ok(count > 50)
  t.equal(readBatch(large.take(7)).items.at(-1)?.datagram[4095], count - 1)
})

t.test('verdicts', async (t) => {
  const { number, verdicts } = readVerdicts(writeVerdicts(4_000_000_000, [1, 0, 2]))
  t.equal(number, 4_000_000_000)
  t.same([...verdicts], [1, 0, 2])
})
