// The example configuration of the whole program says what holds without it.
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { parseDocument } from 'yaml'

const ROOT = join(import.meta.dirname, '../..')

function tallycell(folder: string, ...words: string[]): string {
  const { TALLYCELL_CONFIG: _none, ...env } = process.env
  const program = [
    '--import=tsx',
    join(ROOT, 'main.ts'),
    ...words,
    '--config',
    join(folder, 'tallycell.yaml'),
    '--json',
  ]
  return execFileSync(process.execPath, program, { cwd: ROOT, encoding: 'utf8', env })
}

interface Printed {
  readonly settings: readonly { readonly origin: string }[]
}

t.test('as written it loads to the defaults', async (t) => {
  const folder = t.testdir()
  tallycell(folder, 'config', 'init')
  const { settings } = JSON.parse(tallycell(folder, 'config', 'print')) as Printed
  t.ok(settings.length > 40)
  t.same([...new Set(settings.map(({ origin }) => origin))], ['default'])
})

t.test('with every mark removed it still is YAML', async (t) => {
  const folder = t.testdir()
  tallycell(folder, 'config', 'init')
  const text = readFileSync(join(folder, 'tallycell.yaml'), 'utf8')
  t.same(parseDocument(text.replace(/^( *)#([A-Za-z])/gm, '$1$2')).errors, [])
})
