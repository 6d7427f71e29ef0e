// Every recorded Credit-Control-Request of a real Open5GS, octet for octet, to the whole of our Gy: what is charged is what the SMF reported, and
// what it is answered it can read.
import type { Store } from '../../core/store/store.ts'
import type { Avps } from '../../core/wire/diameter/dictionary.ts'
import { all, avpsOf, FLAG, get, type Message } from '../../core/wire/diameter/message.ts'
import { message, recorded, recordings } from '../emulators/diameter-recording.ts'
import { createGySmf } from '../emulators/gy-smf.ts'
import { accounts, faults } from './charging-world.ts'
import { onEachEngine } from './engines.ts'
import { preparePhones, registerCell, startGy } from './gy-world.ts'

/** The cell of the recordings. */
const CELL = '99970-1079baf'
/** What the SMF of Open5GS 2.8.0 reads of an answer, by the names of the groups that hold it. */
const PARSED: Record<string, readonly string[]> = {
  message: [
    ...['Session-Id', 'Result-Code', 'Origin-Host', 'Origin-Realm', 'Auth-Application-Id', 'CC-Request-Type'],
    ...['CC-Request-Number', 'Multiple-Services-Credit-Control'],
  ],
  'Multiple-Services-Credit-Control': [
    ...['Granted-Service-Unit', 'Result-Code', 'Validity-Time', 'Volume-Quota-Threshold', 'Final-Unit-Indication'],
  ],
  'Granted-Service-Unit': ['CC-Total-Octets', 'CC-Time'],
  'Final-Unit-Indication': ['Final-Unit-Action'],
}

interface Recorded {
  readonly octets: Uint8Array
  readonly ccr: Message
}

const ccrs = (name: string): Recorded[] =>
  recorded(name)
    .map(({ octets }) => ({ octets, ccr: message(octets) }))
    .filter(({ ccr }) => ccr.command === 272 && ccr.application === 4 && (ccr.flags & FLAG.request) !== 0)

const imsiOf = (ccr: Message): string => {
  const [subscription] = all(ccr, 'Subscription-Id') as Avps[]
  return String(subscription && get(subscription, 'Subscription-Id-Data'))
}

/** What each request reports. */
const reported = (ccr: Message): { uplink: bigint; downlink: bigint } => {
  let [uplink, downlink] = [0n, 0n]
  for (const service of all(ccr, 'Multiple-Services-Credit-Control') as Avps[])
    for (const used of all(service, 'Used-Service-Unit') as Avps[]) {
      uplink += get(used, 'CC-Input-Octets') as bigint
      downlink += get(used, 'CC-Output-Octets') as bigint
    }
  return { uplink, downlink }
}

const ratType = (ccr: Message): number => {
  const ps = get(get(ccr, 'Service-Information') as Avps, 'PS-Information') as Avps
  return (get(ps, '3GPP-RAT-Type') as Uint8Array)[0] as number
}

/** Names of AVPs that the SMF does not read. */
function unread(avps: Avps, group: string): string[] {
  return avpsOf(avps).flatMap(({ name = '?', value }) => {
    if (!PARSED[group]?.includes(name)) return [`${group}: ${name}`]
    return name in PARSED ? unread(value as Avps, name) : []
  })
}

const journal = async (store: Store) =>
  (
    await store.batch((sql) =>
      sql.rows<{ radio: string | null; uplink: bigint; downlink: bigint }>(
        `select radio_id as radio, cast(sum(uplink) as bigint) as uplink, cast(sum(downlink) as bigint) as downlink
         from usage_event where flags = 8 and access = 'lte' group by radio_id`,
      ),
    )
  ).map((row) => ({ ...row }))

for (const name of recordings().filter((each) => ccrs(each).length > 0))
  onEachEngine(`${name}: charged to the octet, answered in the SMF's words`, async (t, database) => {
    const store = await database.open()
    const all = ccrs(name)
    await preparePhones(store, [...new Set(all.map(({ ccr }) => imsiOf(ccr)))])
    await registerCell(store, 'cell-1', CELL)
    const { port } = await startGy(t, store)
    const smf = await createGySmf({ host: '127.0.0.1', port })
    const sum = { uplink: 0n, downlink: 0n }
    const seen = new Set<string>()
    for (const { octets, ccr } of all) {
      const answer = await smf.raw(octets)
      const at = `${String(get(ccr, 'CC-Request-Type'))} ${String(get(ccr, 'CC-Request-Number'))}`
      t.same(
        [get(answer, 'Result-Code'), answer.hopByHop, answer.endToEnd, get(answer, 'CC-Request-Number')],
        [2001, ccr.hopByHop, ccr.endToEnd, get(ccr, 'CC-Request-Number')],
        at,
      )
      t.same(unread(answer, 'message'), [], `${at}: nothing that it does not read`)
      const names = avpsOf(answer).map((avp) => avp.name)
      t.ok(
        names.indexOf('Session-Id') < names.indexOf('Origin-Host'),
        'it takes what comes last of the two for the host',
      )
      const service = get(answer, 'Multiple-Services-Credit-Control') as Avps | undefined
      const orphan = ratType(ccr) === 0
      if (get(ccr, 'CC-Request-Type') !== 'TERMINATION_REQUEST')
        t.equal(service === undefined, orphan, `${at}: a grant`)
      if (service !== undefined) {
        const grant = get(service, 'Granted-Service-Unit') as Avps
        t.type(get(grant, 'CC-Total-Octets'), 'bigint', 'a number, never a service without limit')
        t.type(get(service, 'Validity-Time'), 'number')
      }
      const key = `${String(get(ccr, 'Session-Id'))} ${String(get(ccr, 'CC-Request-Number'))}`
      if (orphan || seen.has(key)) continue
      seen.add(key)
      const { uplink, downlink } = reported(ccr)
      sum.uplink += uplink
      sum.downlink += downlink
    }
    const total = sum.uplink + sum.downlink
    const { 'payer:mvno:consumed:n1:octet': consumed = 0n } = await accounts(store)
    t.equal(consumed, total, 'octets charged')
    t.same(await journal(store), total === 0n ? [] : [{ radio: 'cell-1', ...sum }], 'octets journalled, at their radio')
    t.same(await faults(store), [])
    // Once more, every octet: nothing changes, and each answer is the one that was given.
    for (const { octets } of all) await smf.raw(octets)
    t.same(await journal(store), total === 0n ? [] : [{ radio: 'cell-1', ...sum }])
    smf.close()
  })
