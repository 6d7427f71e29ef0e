// wpa_supplicant's eapol_test as phone and access point: it speaks EAP and RADIUS with code that is not ours. Its SIM is eap-usim.py.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { findProgram } from './program.ts'

export interface EapolOptions {
  readonly port: number
  readonly secret: string
  /** Lines of its network block: `eap=AKA'`, `identity="…"`. */
  readonly network: readonly string[]
  /** More arguments: `-r1` to authenticate once more, fast. */
  readonly args?: readonly string[]
  /** None: no SIM answers. */
  readonly sim?: { readonly ki: string; readonly opc: string; readonly args?: readonly string[] }
  /** Seconds. */
  readonly patience?: number
}

export interface EapolResult {
  readonly exit: number | null
  readonly output: string
  /** What the SIM was asked, line by line. */
  readonly asked: string
}

const USIM = join(import.meta.dirname, 'eap-usim.py')

function program(name: string, debian: string): string {
  const path = findProgram(name, ['/usr/sbin', '/sbin'])
  if (path === undefined) throw new Error(`${name} is missing: install the Debian package ${debian}`)
  return path
}

/** Runs it to its end. Exit 0: it got its keys, and they are those of the access point. */
export async function eapol(options: EapolOptions): Promise<EapolResult> {
  const { port, secret, network, args = [], sim, patience = 15 } = options
  const folder = mkdtempSync(join(tmpdir(), 'eapol-'))
  const control = join(folder, 'ctrl')
  mkdirSync(control)
  const file = join(folder, 'eapol.conf')
  const lines = sim === undefined ? [] : [`ctrl_interface=${control}`, 'external_sim=1']
  const block = ['network={', 'key_mgmt=IEEE8021X', 'eapol_flags=0', ...network, '}']
  writeFileSync(file, [...lines, ...block, ''].join('\n'))
  const eapolTest = program('eapol_test', 'eapoltest')
  const wait = sim === undefined ? [] : ['-W']
  const words = [
    ...wait,
    '-c',
    file,
    '-a',
    '127.0.0.1',
    '-p',
    String(port),
    '-s',
    secret,
    '-t',
    String(patience),
    ...args,
  ]
  const phone = collect(eapolTest, words)
  const card =
    sim === undefined
      ? undefined
      : collect(program('python3', 'python3'), [
          USIM,
          '--ctrl',
          control,
          '--k',
          sim.ki,
          '--opc',
          sim.opc,
          ...(sim.args ?? []),
        ])
  const { exit, output } = await phone.ended
  card?.child.kill()
  return { exit, output, asked: (await card?.ended)?.output ?? '' }
}

function collect(path: string, args: readonly string[]) {
  const child = spawn(path, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text
    })
  const ended = once(child, 'close').then(([exit]) => ({ exit: exit as number | null, output }))
  return { child, ended }
}
