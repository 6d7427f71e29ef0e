// Home network keys: made here, or taken from where they are used already; rotated with an overlap, because a card knows its key until it
// is replaced or written anew. And the transport keys of card makers.
import { createPrivateKey, generateKeyPairSync } from 'node:crypto'
import { fail } from '../../../core/kernel/errors.ts'
import type { Millis } from '../../../core/kernel/units.ts'
import type { Store } from '../../../core/store/store.ts'
import type { Profile } from '../../auth/suci/ecies.ts'
import { type HomeKeys, homeKey, homeKeyFromPem, homeKeys } from '../../auth/suci/home-keys.ts'
import { keyFingerprint, knownKeyAlarm } from '../../auth/suci/known-keys.ts'
import { PROFILE_A, PROFILE_B } from '../../auth/suci/suci.ts'
import { recordUses } from '../store.ts'
import {
  checkTransportKey,
  createTransport,
  TRANSPORT_CIPHERS,
  type Transport,
  type TransportCipher,
} from '../transport.ts'
import type { Vault } from '../vault.ts'
import {
  insertNetworkKey,
  type NetworkKeyState,
  needNetworkKey,
  readNetworkKeys,
  setNetworkKeyState,
  simsByHomeKey,
} from './store.ts'

export interface Deps {
  readonly store: Store
  readonly vault: Vault
}

/** Who does it. */
export interface Act {
  readonly actor: string
  readonly now: Millis
}

export interface ListedHomeKey {
  readonly id: number
  readonly profile: 'A' | 'B'
  readonly state: NetworkKeyState
  /** As it is written on a SIM, hex. */
  readonly publicKey: string
  readonly fingerprint: string
  /** SIMs in use that know it. */
  readonly sims: number
  /** The published key that it is, when its private half is known to everybody. */
  readonly alarm: string | undefined
  readonly created: bigint
}

const PROFILES = { A: PROFILE_A, B: PROFILE_B } as const
const letterOf = (profile: Profile): 'A' | 'B' => (profile === PROFILE_A ? 'A' : 'B')
const CURVES = { A: 'X25519', B: 'P-256' } as const
const homePlace = (id: number | string): string => `home-key ${id}`
const transportPlace = (id: string): string => `transport-key ${id}`

function freshPrivateKey(profile: 'A' | 'B'): Buffer {
  const { privateKey } =
    profile === 'A' ? generateKeyPairSync('x25519') : generateKeyPairSync('ec', { namedCurve: CURVES.B })
  return Buffer.from(String(privateKey.export({ format: 'jwk' }).d), 'base64url')
}

/**
 * Adds a home network key (TS 33.501 §6.12.2), 0 to 255: a new one of the profile, or the one of `pem`. A published one is refused unless
 * `force`. Throws SUCI_KEY_INVALID, NETWORK_KEY_EXISTS or NETWORK_KEY_PUBLIC.
 */
export async function addHomeKey(
  { store, vault }: Deps,
  { id, profile, pem, force = false }: { id: number; profile: 'A' | 'B'; pem?: string | undefined; force?: boolean },
  { actor, now }: Act,
): Promise<void> {
  const fromPem = pem === undefined ? undefined : { ...homeKeyFromPem(id, pem), secret: privateOctets(pem) }
  const secret = fromPem?.secret ?? freshPrivateKey(profile)
  const key = fromPem ?? homeKey(id, PROFILES[profile], secret)
  const known = knownKeyAlarm(key.publicKey)
  if (known !== undefined && !force) fail('NETWORK_KEY_PUBLIC', { name: known.name })
  const sealer = await vault.sealer(1, now)
  const row = {
    kind: 'home' as const,
    key_id: String(id),
    profile: letterOf(key.profile),
    public_key: key.publicKey,
    data_key: sealer.dataKey,
    sealed: sealer.seal(homePlace(id), secret),
    fingerprint: keyFingerprint(key.publicKey).slice(0, 16),
  }
  secret.fill(0)
  await store.batch(async (sql) => {
    await insertNetworkKey(sql, row, now)
    await recordUses(sql, [{ actor, purpose: 'add', subject: `home:${id}`, count: 1n }], now)
  })
}

/** `homeKeyFromPem` has read it: it is a key of one of the two curves. */
const privateOctets = (pem: string): Buffer =>
  Buffer.from(String(createPrivateKey(pem).export({ format: 'jwk' }).d), 'base64url')

export async function listHomeKeys(store: Store): Promise<ListedHomeKey[]> {
  return store.batch(async (sql) => {
    const counts = await simsByHomeKey(sql)
    return (await readNetworkKeys(sql, 'home')).map((row) => ({
      id: Number(row.key_id),
      profile: row.profile === 'A' ? 'A' : 'B',
      state: row.state,
      publicKey: Buffer.from(row.public_key ?? []).toString('hex'),
      fingerprint: row.fingerprint,
      sims: counts.get(Number(row.key_id)) ?? 0,
      alarm: row.public_key === null ? undefined : knownKeyAlarm(row.public_key)?.name,
      created: row.created_at,
    }))
  })
}

/** The home network keys in use whose private half anybody can read, by id. */
export async function publishedHomeKeys(store: Store): Promise<{ readonly id: number; readonly name: string }[]> {
  const rows = await store.batch((sql) => readNetworkKeys(sql, 'home'))
  return rows.flatMap(({ key_id, state, public_key }) => {
    const known = state === 'retired' || public_key === null ? undefined : knownKeyAlarm(public_key)
    return known === undefined ? [] : [{ id: Number(key_id), name: known.name }]
  })
}

/** Makes key `to` of the same profile, and lets `from` go on only for the SIMs that know it. As `addHomeKey`, and NETWORK_KEY_UNKNOWN. */
export async function rotateHomeKey(deps: Deps, from: number, to: number, act: Act): Promise<void> {
  const old = await deps.store.batch((sql) => needNetworkKey(sql, 'home', String(from)))
  await addHomeKey(deps, { id: to, profile: old.profile === 'A' ? 'A' : 'B' }, act)
  await changeState(deps.store, from, 'retiring', 'rotate', act)
}

/** Ends the use of a key. Throws NETWORK_KEY_UNKNOWN, and NETWORK_KEY_IN_USE where SIMs know it, unless `force`. */
export async function retireHomeKey({ store }: Deps, id: number, force: boolean, act: Act): Promise<void> {
  await store.batch((sql) => needNetworkKey(sql, 'home', String(id)))
  const count = (await store.batch(simsByHomeKey)).get(id) ?? 0
  if (count > 0 && !force) fail('NETWORK_KEY_IN_USE', { kind: 'home', id, count })
  await changeState(store, id, 'retired', 'retire', act)
}

const changeState = (
  store: Store,
  id: number,
  state: NetworkKeyState,
  purpose: 'rotate' | 'retire',
  { actor, now }: Act,
): Promise<void> =>
  store.batch(async (sql) => {
    await setNetworkKeyState(sql, 'home', String(id), state, now)
    await recordUses(sql, [{ actor, purpose, subject: `home:${id}`, count: 1n }], now)
  })

/** The keys that open a SUCI; for whoever reveals identities, who is written down. */
export async function loadHomeKeys({ store, vault }: Deps, { actor, now }: Act): Promise<HomeKeys> {
  return store.batch(async (sql) => {
    const rows = (await readNetworkKeys(sql, 'home')).filter(({ state }) => state !== 'retired')
    const open = await vault.opener(
      sql,
      rows.map(({ data_key }) => data_key),
    )
    const keys = rows.map((row) => {
      const secret = open(row.data_key, homePlace(row.key_id), row.sealed)
      return homeKey(Number(row.key_id), row.profile === 'A' ? PROFILE_A : PROFILE_B, secret)
    })
    const uses = rows.map(({ key_id }) => ({
      actor,
      purpose: 'deconceal' as const,
      subject: `home:${key_id}`,
      count: 1n,
    }))
    await recordUses(sql, uses, now)
    return homeKeys(keys)
  })
}

/** Stores a transport key under a name. Throws TRANSPORT_KEY_INVALID or NETWORK_KEY_EXISTS. */
export async function addTransportKey(
  { store, vault }: Deps,
  { id, cipher, key }: { readonly id: string; readonly cipher: TransportCipher; readonly key: Uint8Array },
  { actor, now }: Act,
): Promise<void> {
  checkTransportKey(id, key)
  const fingerprint = (await vault.fingerprints(now))(key)
  const sealer = await vault.sealer(1, now)
  const sealed = sealer.seal(transportPlace(id), key)
  await store.batch(async (sql) => {
    const row = { kind: 'transport' as const, key_id: id, profile: cipher, public_key: null, fingerprint }
    await insertNetworkKey(sql, { ...row, data_key: sealer.dataKey, sealed }, now)
    await recordUses(sql, [{ actor, purpose: 'add', subject: `transport:${id}`, count: 1n }], now)
  })
}

/** Throws NETWORK_KEY_UNKNOWN. */
export async function openTransportKey(
  { store, vault }: Deps,
  id: string,
  purpose: 'unwrap' | 'export',
  { actor, now }: Act,
): Promise<Transport> {
  return store.batch(async (sql) => {
    const row = await needNetworkKey(sql, 'transport', id)
    const open = await vault.opener(sql, [row.data_key])
    const key = open(row.data_key, transportPlace(id), row.sealed)
    const cipher = TRANSPORT_CIPHERS.find((name) => name === row.profile) ?? 'aes-ecb'
    const transport = createTransport(id, cipher, key)
    key.fill(0)
    await recordUses(sql, [{ actor, purpose, subject: `transport:${id}`, count: 1n }], now)
    return transport
  })
}
