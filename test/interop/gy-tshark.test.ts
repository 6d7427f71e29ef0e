// Wireshark's dissector on everything that Gy says in a mixed run: recorded requests of Open5GS, a peer that names its services, refusals, events.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import type { AvpInput } from '../../core/wire/diameter/dictionary.ts'
import { encode } from '../../core/wire/diameter/encode.ts'
import { FLAG } from '../../core/wire/diameter/message.ts'
import { testSqlite } from '../compliance/engines.ts'
import { IMSI, preparePhones, startGy } from '../compliance/gy-world.ts'
import { message, recorded, recordings } from '../emulators/diameter-recording.ts'
import { createGySmf } from '../emulators/gy-smf.ts'
import { findProgram, run } from '../emulators/program.ts'
import { pcap } from './pcap.ts'

t.test('nothing is malformed', async (t) => {
  const store = await testSqlite(t).open()
  await preparePhones(store, [IMSI, '999700000000002', '999700364000060'], { octets: 30_000n })
  const { port } = await startGy(t, store)
  const smf = await createGySmf({ host: '127.0.0.1', port })
  const answers: Uint8Array[] = [smf.cea.bytes]
  for (const name of recordings())
    for (const { octets } of recorded(name)) {
      const { command, application, flags } = message(octets)
      if (command === 272 && application === 4 && (flags & FLAG.request) !== 0)
        answers.push((await smf.raw(octets)).bytes)
    }
  let ids = 0x10
  const ask = async (...avps: AvpInput[]): Promise<void> => {
    ids++
    const from: AvpInput[] = [
      ['Session-Id', 'smf.localdomain;9'],
      ['Origin-Host', 'smf.localdomain'],
      ['Origin-Realm', 'localdomain'],
      ['Destination-Realm', 'localdomain'],
      ['Auth-Application-Id', 4],
      ['Service-Context-Id', '32251@3gpp.org'],
      [
        'Subscription-Id',
        [
          ['Subscription-Id-Type', 'END_USER_IMSI'],
          ['Subscription-Id-Data', IMSI],
        ],
      ],
    ]
    const header = { flags: FLAG.request | FLAG.proxiable, command: 272, application: 4, hopByHop: ids, endToEnd: ids }
    answers.push((await smf.raw(encode({ ...header, avps: [...from, ...avps] }))).bytes)
  }
  const services = (used: bigint): AvpInput[] =>
    [10, 20].map(
      (group): AvpInput => [
        'Multiple-Services-Credit-Control',
        [
          ['Requested-Service-Unit', []],
          ['Used-Service-Unit', [['CC-Total-Octets', used]]],
          ['Rating-Group', group],
        ],
      ],
    )
  await ask(['CC-Request-Type', 'INITIAL_REQUEST'], ['CC-Request-Number', 0], ...services(0n))
  for (let number = 1; number < 6; number++)
    await ask(['CC-Request-Type', 'UPDATE_REQUEST'], ['CC-Request-Number', number], ...services(5000n))
  await ask(['CC-Request-Type', 'TERMINATION_REQUEST'], ['CC-Request-Number', 6])
  await ask(['CC-Request-Type', 'UPDATE_REQUEST'])
  for (const action of ['PRICE_ENQUIRY', 'CHECK_BALANCE', 'DIRECT_DEBITING'] as const)
    await ask(
      ['CC-Request-Type', 'EVENT_REQUEST'],
      ['CC-Request-Number', 10 + ids],
      ['Requested-Action', action],
      ['Requested-Service-Unit', [['CC-Total-Octets', 10n]]],
    )
  smf.close()
  const file = join(t.testdir(), 'gy.pcap')
  writeFileSync(file, pcap(answers.map((octets) => ({ octets, sourcePort: 3868, destinationPort: 3868 }))))
  const options = ['-r', file, '-d', 'udp.port==3868,diameter', '-o', 'udp.check_checksum:FALSE']
  const filter = [
    '-Y',
    '_ws.malformed or _ws.expert or not diameter',
    '-T',
    'fields',
    '-e',
    'frame.number',
    '-e',
    '_ws.expert.message',
  ]
  t.ok(answers.length > 60, `${answers.length} answers`)
  t.equal(await run(findProgram('tshark') ?? 'tshark', [...options, ...filter]), '')
})
