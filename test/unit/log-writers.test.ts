import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { decodeEntry } from '../../billing/log/entries/codec.ts'
import { openCheckpoint } from '../../billing/log/note/checkpoint.ts'
import { hashLeaf } from '../../billing/log/tree/hash.ts'
import { verifyConsistency, verifyInclusion } from '../../billing/log/tree/proof.ts'
import { openTestLog } from './log-fixture.ts'

const program = fileURLToPath(new URL('./log-writer-process.ts', import.meta.url))

t.test('two processes append and publish at once: one log, nothing lost, the checkpoint never goes back', async (t) => {
  const folder = t.testdir()
  const made = await openTestLog(folder)
  await made.log.flush()
  const writers = ['first', 'second'].map((name) =>
    spawn(process.execPath, ['--import=tsx', program, folder, '60', name], { stdio: ['ignore', 'ignore', 'pipe'] }),
  )
  const said: string[] = []
  for (const { stderr } of writers) stderr.on('data', (text) => said.push(String(text)))
  let running = true
  const ended = Promise.all(writers.map((writer) => once(writer, 'exit'))).finally(() => {
    running = false
  })
  const seen: bigint[] = [0n]
  while (running) {
    const { checkpoint } = await look(made.directory, made.log.key)
    if (checkpoint !== undefined) seen.push(checkpoint)
    await new Promise((resolve) => setTimeout(resolve, 3))
  }
  t.same(
    (await ended).map(([code]) => code),
    [0, 0],
    said.join(''),
  )
  t.same(
    seen,
    seen.toSorted((a, b) => Number(a - b)),
    'never back',
  )
  const size = await made.log.flush()
  t.equal(size, 2n * 60n * 3n)
  const newest = await made.log.checkpoint()
  const names = new Map<string, number>()
  for (let index = 0n; index < size; index++) {
    const octets = await made.log.entry(index, size)
    const decoded = decodeEntry(octets)
    if (decoded.ok && decoded.entry.type === 'correction')
      names.set(decoded.entry.reason, (names.get(decoded.entry.reason) ?? 0) + 1)
    if (index % 17n === 0n)
      t.ok(
        verifyInclusion(
          hashLeaf(octets),
          index,
          size,
          await made.log.inclusionProof(index, size),
          newest?.root ?? Buffer.alloc(0),
        ),
      )
  }
  t.same([...names].toSorted(), [
    ['first', 180],
    ['second', 180],
  ])
  const signed = await made.store.db.selectFrom('log_checkpoint').select(['size', 'root']).orderBy('size').execute()
  t.ok(signed.length > 2)
  const before = signed.map(({ size: at, root }) => ({ at, root })).filter(({ at }) => at < size)
  for (const { at, root } of before) {
    const proof = await made.log.consistencyProof(at, size)
    t.ok(verifyConsistency(at, root, size, newest?.root ?? root, proof), `${at} is where ${size} began`)
  }
  await made.store.close()
})

async function look(
  directory: string,
  key: Parameters<typeof openCheckpoint>[1],
): Promise<{ checkpoint: bigint | undefined }> {
  try {
    const opened = openCheckpoint(readFileSync(join(directory, 'checkpoint'), 'utf8'), key)
    if (!opened.ok) throw new Error(`a torn checkpoint: ${opened.fault}`)
    return { checkpoint: opened.checkpoint.size }
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return { checkpoint: undefined }
    throw error
  }
}
