// Keys of the network at the command line: home network keys for SUCI, transport keys of card makers, and the key above all keys.
import { open, unlink } from 'node:fs/promises'
import type { Command } from '../core/cli/command.ts'
import { table } from '../core/cli/table.ts'
import { fail } from '../core/kernel/errors.ts'
import { payerId } from '../core/kernel/ids.ts'
import { decimal } from '../core/kernel/units.ts'
import { AS_OPTION, actorOf, instant, openVault, readText, readToken } from './command-deps.ts'
import {
  addHomeKey,
  addTransportKey,
  type ListedHomeKey,
  listHomeKeys,
  retireHomeKey,
  rotateHomeKey,
} from './vault/network-keys/network-keys.ts'
import { type NetworkKeyRow, readNetworkKeys } from './vault/network-keys/store.ts'
import { addOperator, listOperators, revokeOperator } from './vault/operators/store.ts'
import { TRANSPORT_CIPHERS } from './vault/transport.ts'

export function keyCommands(): Command[] {
  return [list, add, addTransport, rotate, retire, rewrap, operatorAdd, operatorRevoke, operators]
}

const alarmLine = ({ id, alarm }: ListedHomeKey): string =>
  `ALARM: home network key ${id} is ${alarm}: its private half is published. Replace it: tallycell key rotate ${id} NEW`

const list: Command = {
  path: ['key', 'list'],
  summary: 'list the keys of the network: public halves and fingerprints only',
  examples: ['tallycell key list'],
  async run(_input, context) {
    const store = await context.store()
    const home = await listHomeKeys(store)
    const transport = (await store.batch((sql) => readNetworkKeys(sql, 'transport'))).map(transportJson)
    const json = {
      home: home.map((key) => ({ ...key, created: instant(key.created), alarm: key.alarm ?? null })),
      transport,
    }
    if (home.length + transport.length === 0)
      return { text: 'No keys yet. Make a home network key: tallycell key add 1 --profile A', json }
    const rows = [
      ...home.map(({ id, profile, state, sims, publicKey }) => ({
        key: String(id),
        kind: `home, profile ${profile}`,
        state,
        sims: String(sims),
        shown: publicKey,
      })),
      ...transport.map(({ id, cipher, state, fingerprint }) => ({
        key: id,
        kind: `transport, ${cipher}`,
        state,
        sims: '-',
        shown: fingerprint,
      })),
    ]
    const columns = [
      'key',
      'kind',
      'state',
      { name: 'sims', heading: 'SIMs', align: 'right' },
      { name: 'shown', heading: 'public key or fingerprint' },
    ] as const
    const alarms = home.filter(({ alarm, state }) => alarm !== undefined && state !== 'retired')
    return { text: [table(rows, columns), ...alarms.map(alarmLine)].join('\n'), json, exit: alarms.length > 0 ? 1 : 0 }
  },
}

const transportJson = ({ key_id, profile, state, fingerprint }: NetworkKeyRow) => ({
  id: key_id,
  cipher: profile,
  state,
  fingerprint,
})

function homeId(text: string | undefined): number {
  const id = Number(decimal(text ?? '', 'home network key'))
  return id <= 255 ? id : fail('ID_INVALID', { what: 'home network key', expected: '0 to 255', came: String(text) })
}

function readProfile(text: string | undefined): 'A' | 'B' {
  if (text === 'A' || text === 'B') return text
  return fail('ID_INVALID', { what: 'profile', expected: 'A (X25519) or B (P-256)', came: String(text) })
}

const add: Command = {
  path: ['key', 'add'],
  summary: 'make a home network key for concealed identities (SUCI), or take one over',
  positionals: [{ name: 'id', summary: '0 to 255, as the SIMs have it', required: true }],
  options: {
    profile: { value: 'A|B', summary: 'A: X25519, B: P-256', default: 'A' },
    pem: { value: 'FILE', summary: 'the private key of a network that is there already, instead of a new one' },
    force: { summary: 'also a key that is published' },
    ...AS_OPTION,
  },
  examples: ['tallycell key add 1 --profile A', 'tallycell key add 2 --pem hnet-2.key'],
  async run({ args, options }, context) {
    const opened = await openVault(context)
    const id = homeId(args.id)
    const pem = options.pem === undefined ? undefined : await readText(options.pem)
    const wanted = { id, profile: readProfile(options.profile), pem, force: options.force !== undefined }
    await addHomeKey(opened, wanted, { actor: actorOf(options.as), now: context.clock() })
    const key = (await listHomeKeys(opened.store)).find((one) => one.id === id)
    return {
      text: `Home network key ${id}: ${key?.publicKey}`,
      json: { id, profile: key?.profile, publicKey: key?.publicKey },
    }
  },
}

const addTransport: Command = {
  path: ['key', 'add-transport'],
  summary: 'store a key that a card maker wraps Ki with',
  positionals: [{ name: 'id', summary: 'its name', required: true }],
  options: {
    file: { value: 'FILE', summary: 'the key in hex, alone in a file', required: true },
    cipher: { value: 'NAME', summary: TRANSPORT_CIPHERS.join(', '), default: 'aes-ecb' },
    ...AS_OPTION,
  },
  examples: ['tallycell key add-transport vendor-7 --file vendor-7.hex'],
  async run({ args, options }, context) {
    const id = payerId(args.id ?? '')
    const cipher = TRANSPORT_CIPHERS.find((name) => name === options.cipher)
    if (cipher === undefined)
      return fail('ID_INVALID', { what: 'cipher', expected: TRANSPORT_CIPHERS.join(', '), came: options.cipher ?? '' })
    const text = (await readText(options.file ?? '')).trim()
    if (!/^([0-9a-fA-F]{2})+$/.test(text)) fail('TRANSPORT_KEY_INVALID', { id, reason: 'it is not written in hex' })
    const act = { actor: actorOf(options.as), now: context.clock() }
    await addTransportKey(await openVault(context), { id, cipher, key: Buffer.from(text, 'hex') }, act)
    return { text: `Transport key ${id} is stored. Remove the file ${options.file}.`, json: { id, cipher } }
  },
}

const rotate: Command = {
  path: ['key', 'rotate'],
  summary: 'make a new home network key; the old one goes on for the SIMs that know it',
  positionals: [
    { name: 'id', summary: 'the old key', required: true },
    { name: 'new', summary: 'id of the new one, 0 to 255', required: true },
  ],
  options: AS_OPTION,
  examples: ['tallycell key rotate 1 2'],
  async run({ args, options }, context) {
    const opened = await openVault(context)
    const [from, to] = [homeId(args.id), homeId(args.new)]
    await rotateHomeKey(opened, from, to, { actor: actorOf(options.as), now: context.clock() })
    const keys = await listHomeKeys(opened.store)
    const [old, made] = [from, to].map((id) => keys.find((key) => key.id === id))
    const text = `Home network key ${to}: ${made?.publicKey}\n${old?.sims ?? 0} SIMs know key ${from} still; it can be retired when none does.`
    return { text, json: { from, to, publicKey: made?.publicKey, simsOnOld: old?.sims ?? 0 } }
  },
}

const retire: Command = {
  path: ['key', 'retire'],
  summary: 'end the use of a home network key that no SIM knows any more',
  positionals: [{ name: 'id', summary: '0 to 255', required: true }],
  options: { force: { summary: 'also when SIMs know it still' }, ...AS_OPTION },
  examples: ['tallycell key retire 1'],
  async run({ args, options }, context) {
    const id = homeId(args.id)
    const act = { actor: actorOf(options.as), now: context.clock() }
    await retireHomeKey(await openVault(context), id, options.force !== undefined, act)
    return { text: `Home network key ${id} is retired.`, json: { id, state: 'retired' } }
  },
}

const rewrap: Command = {
  path: ['key', 'rewrap'],
  summary: 'seal all keys again, under keys.kekFile, that keys.previousKekFile sealed',
  options: AS_OPTION,
  examples: ['tallycell key rewrap'],
  async run({ options }, context) {
    const { keys, vault } = await openVault(context)
    const files = await keys.rewrap()
    const dataKeys = await vault.rewrap(actorOf(options.as), context.clock())
    const text = `${files} key files and ${dataKeys} data keys sealed again. keys.previousKekFile is needed no longer.`
    return { text, json: { files, dataKeys } }
  },
}

const operatorAdd: Command = {
  path: ['key', 'operator-add'],
  summary: 'let a person take part in letting keys leave; makes the token by which it is known',
  positionals: [{ name: 'name', summary: 'of the person', required: true }],
  options: {
    out: { value: 'FILE', summary: 'where its token is written, once, for nobody else to read', required: true },
    'token-file': { value: 'FILE', summary: 'your own token; the first two operators need none' },
    ...AS_OPTION,
  },
  examples: [
    'tallycell key operator-add alice --out alice.token',
    'tallycell key operator-add carol --out carol.token --token-file alice.token',
  ],
  async run({ args, options }, context) {
    const operator = payerId(args.name ?? '')
    const by = options['token-file'] === undefined ? undefined : await readToken(options['token-file'])
    const store = await context.store()
    const out = options.out ?? ''
    // Opened first: a token that cannot be kept is not made.
    const file = await createFile(out)
    try {
      const wanted = { operator, by, actor: actorOf(options.as) }
      const token = await store.batch((sql) => addOperator(sql, wanted, context.clock()))
      await file.writeFile(`${token}\n`)
      await file.sync()
    } catch (error) {
      await unlink(out)
      throw error
    } finally {
      await file.close()
    }
    return {
      text: `Operator ${operator}: the token is in ${out}. Give it to nobody else.`,
      json: { operator, file: out },
    }
  },
}

async function createFile(path: string) {
  try {
    return await open(path, 'wx', 0o600)
  } catch (error) {
    return fail('CLI_OUTPUT_UNWRITABLE', { reason: error instanceof Error ? error.message : String(error) }, error)
  }
}

const operatorRevoke: Command = {
  path: ['key', 'operator-revoke'],
  summary: 'a person takes part in letting keys leave no longer',
  positionals: [{ name: 'name', summary: 'of the person', required: true }],
  options: { 'token-file': { value: 'FILE', summary: 'your own token', required: true } },
  examples: ['tallycell key operator-revoke bob --token-file alice.token'],
  async run({ args, options }, context) {
    const operator = args.name ?? ''
    const token = await readToken(options['token-file'])
    await (await context.store()).batch((sql) => revokeOperator(sql, operator, token, context.clock()))
    return { text: `Operator ${operator} can approve nothing more.`, json: { operator, revoked: true } }
  },
}

const operators: Command = {
  path: ['key', 'operators'],
  summary: 'list the people who may let keys leave',
  examples: ['tallycell key operators'],
  async run(_input, context) {
    const found = await (await context.store()).batch(listOperators)
    const rows = found.map(({ operator, createdBy, created, revoked }) => ({
      operator,
      by: createdBy,
      since: instant(created),
      until: revoked === undefined ? '-' : instant(revoked),
    }))
    const text =
      rows.length === 0
        ? 'No operators yet: tallycell key operator-add NAME --out FILE'
        : table(rows, ['operator', { name: 'by', heading: 'let in by' }, 'since', 'until'])
    return { text, json: { operators: rows } }
  },
}
