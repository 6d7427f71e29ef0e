// Tries to serve at an address where this process may not, and writes why it could not.
import { refused } from './radius-fixture.ts'

const [host = '', port = ''] = process.argv.slice(2)
const { code } = await refused({ host, port: Number(port) })
process.stdout.write(code)
