import { EventEmitter } from 'node:events'
import t from 'tap'
import { createLogger } from '../../core/log/logger.ts'
import type { Part } from '../../core/runtime/module.ts'
import { EXIT_FAULT, runParts } from '../../core/runtime/run.ts'
import { watchSignals } from '../../core/runtime/signals.ts'

function scene() {
  const told: string[] = []
  const lines: string[] = []
  const log = createLogger({ level: 'debug', format: 'json', destination: { write: (line) => lines.push(line) } })
  const part = (name: string, over: Partial<Part> = {}): Part => ({
    name,
    start: async () => void told.push(`+${name}`),
    stop: async () => void told.push(`-${name}`),
    ...over,
  })
  return { told, lines, log, part, faults: new EventEmitter(), controller: new AbortController() }
}

t.test('starts in order, stops in reverse, ends with 0', async (t) => {
  const { told, log, part, faults, controller } = scene()
  const onReady = () => {
    told.push('ready')
    controller.abort()
  }
  const exit = await runParts([part('a'), part('b'), part('c')], { log, signal: controller.signal, onReady, faults })
  t.equal(exit, 0)
  t.same(told, ['+a', '+b', '+c', 'ready', '-c', '-b', '-a'])
  t.same(faults.eventNames(), [], 'listens no more')
})

t.test('a part that cannot start: those before it stop, and its error comes out', async (t) => {
  const { told, log, part, faults, controller } = scene()
  const cause = new Error('no')
  const b = part('b', { start: () => Promise.reject(cause) })
  await t.rejects(runParts([part('a'), b, part('c')], { log, signal: controller.signal, faults }), cause)
  t.same(told, ['+a', '-a'])
  t.same(faults.eventNames(), [])
})

t.test('told to stop while starting: no further part starts', async (t) => {
  const { told, log, part, faults, controller } = scene()
  const b = part('b', {
    start: async () => {
      told.push('+b')
      controller.abort()
    },
  })
  const ready: string[] = []
  const onReady = () => void ready.push('ready')
  t.equal(await runParts([part('a'), b, part('c')], { log, signal: controller.signal, faults, onReady }), 0)
  t.same(told, ['+a', '+b', '-b', '-a'])
  t.same(ready, [])
})

t.test('told to stop before the start: nothing starts', async (t) => {
  const { told, log, part, faults } = scene()
  t.equal(await runParts([part('a')], { log, signal: AbortSignal.abort(), faults }), 0)
  t.same(told, [])
})

t.test('an error that nobody caught: logged, orderly stop, exit code 70', async (t) => {
  for (const event of ['uncaughtException', 'unhandledRejection']) {
    const { told, lines, log, part, faults, controller } = scene()
    const onReady = () => void faults.emit(event, new Error('boom for 901701234567890'))
    t.equal(await runParts([part('a'), part('b')], { log, signal: controller.signal, faults, onReady }), EXIT_FAULT)
    t.same(told, ['+a', '+b', '-b', '-a'])
    const fatal = lines.map((line) => JSON.parse(line)).find(({ level }) => level === 60)
    t.match(fatal, { err: { message: 'boom for 90170**********' } })
  }
})

t.test('a part that does not stop, or fails to, is named, and the others still stop', async (t) => {
  const { told, lines, log, part, faults, controller } = scene()
  const parts = [
    part('a'),
    part('stuck', { stop: () => new Promise(() => {}) }),
    part('broken', { stop: () => Promise.reject(new Error('x')) }),
    part('d'),
  ]
  const onReady = () => controller.abort()
  t.equal(await runParts(parts, { log, signal: controller.signal, faults, onReady, stopTimeout: 20 }), EXIT_FAULT)
  t.same(told, ['+a', '+stuck', '+broken', '+d', '-d', '-a'])
  t.match(lines.join(''), /"part":"stuck".*did not stop in time/)
  t.match(lines.join(''), /"part":"broken".*failed while stopping/)
})

t.test('signals: the first asks, the second insists', async (t) => {
  const source = new EventEmitter()
  const forced: number[] = []
  const watch = watchSignals(source, (exit) => forced.push(exit))
  t.equal(watch.signal.aborted, false)
  source.emit('SIGTERM')
  t.equal(watch.signal.aborted, true)
  t.equal(watch.came(), 'SIGTERM')
  t.same(forced, [])
  source.emit('SIGINT')
  t.same(forced, [130])
  t.equal(watch.came(), 'SIGTERM')
  watch.dispose()
  t.same(source.eventNames(), [])
})
