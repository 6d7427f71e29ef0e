// zbarimg reads what we draw: the activation code, to the letter.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { formatActivationCode, newMatchingId } from '../../sim-provisioning/esim/activation-code.ts'
import { qrPng, qrSvg, qrText } from '../../sim-provisioning/esim/qr.ts'
import { findProgram, run } from '../emulators/program.ts'

function program(name: string, debian: string): string {
  const path = findProgram(name)
  if (path === undefined) throw new Error(`${name} is missing: install the Debian package ${debian}`)
  return path
}
const zbarimg = program('zbarimg', 'zbar-tools')

const CODES = [
  formatActivationCode({ smdpAddress: 'smdp.example.com', matchingId: newMatchingId(), confirmationCode: false }),
  formatActivationCode({
    smdpAddress: 'SMDP.GSMA.COM',
    matchingId: '04386-AGYFT-A74Y8-3F815',
    oid: '1.3.6.1.4.1.31746',
    confirmationCode: true,
  }),
  formatActivationCode({
    smdpAddress: `${'a'.repeat(60)}.example.com`,
    matchingId: 'Z'.repeat(160),
    confirmationCode: false,
  }),
]

const scan = async (file: string): Promise<string> =>
  (await run(zbarimg, ['--quiet', '--raw', '-Sdisable', '-Sqrcode.enable', file])).trim()

t.test('PNG', async (t) => {
  const folder = t.testdir()
  for (const [index, code] of CODES.entries()) {
    const file = join(folder, `${index}.png`)
    writeFileSync(file, qrPng(code))
    t.equal(await scan(file), code)
  }
})

t.test('SVG, drawn by a browser', async (t) => {
  const folder = t.testdir()
  const chromium = program('chromium', 'chromium')
  const [code = ''] = CODES
  const svg = join(folder, 'code.svg')
  const png = join(folder, 'code.png')
  writeFileSync(svg, qrSvg(code))
  const flags = ['--headless', '--no-sandbox', '--disable-gpu', '--hide-scrollbars', '--window-size=600,600']
  await run(chromium, [...flags, `--user-data-dir=${join(folder, 'profile')}`, `--screenshot=${png}`, `file://${svg}`])
  t.equal(await scan(png), code)
})

t.test('the terminal, cell by cell', async (t) => {
  const folder = t.testdir()
  for (const [index, code] of CODES.entries()) {
    const file = join(folder, `${index}.pbm`)
    writeFileSync(file, drawTerminal(qrText(code)))
    t.equal(await scan(file), code)
  }
})

/** A terminal's cells as a picture (PBM: 1 is black): light blocks on a dark ground, each half cell 4 by 4 pixels. */
function drawTerminal(text: string): string {
  const rows = text.split('\n').flatMap((line) => {
    const cells = [...line]
    return [cells.map((cell) => !'▀█'.includes(cell)), cells.map((cell) => !'▄█'.includes(cell))]
  })
  const pixels = rows.flatMap((row) => {
    const line = row.map((dark) => (dark ? '1111' : '0000')).join('')
    return [line, line, line, line]
  })
  return `P1\n${(rows[0]?.length ?? 0) * 4} ${rows.length * 4}\n${pixels.join('\n')}\n`
}
