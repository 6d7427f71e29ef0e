import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { exampleConfig } from '../../core/config/example.ts'
import { loadConfig } from '../../core/config/load.ts'
import { esimSection } from '../../sim-provisioning/esim/settings.ts'

t.test('the example is valid as it is written: groups with nothing in them are not there', async (t) => {
  const folder = t.testdir()
  const file = join(folder, 'tallycell.yaml')
  writeFileSync(file, exampleConfig([esimSection]))
  const settings = loadConfig([esimSection], { file, env: {}, cwd: folder }).get(esimSection)
  t.same(settings, { points: { 5: 'install', 6: 'enable', 7: 'disable', 8: 'delete' } })
})

t.test('what is wrong is said by its name', async (t) => {
  const folder = t.testdir()
  const file = join(folder, 'tallycell.yaml')
  writeFileSync(file, 'esim:\n  smdp: { url: "http://smdp.example.com" }\n  points: { 1234: install }\n')
  t.throws(() => loadConfig([esimSection], { file, env: {}, cwd: folder }), {
    message: /esim\.smdp\.url: expected.*esim\.smdp\.requesterId: is required.*esim\.points\.1234/s,
  })
})
