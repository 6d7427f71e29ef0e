// What the partner API is measured beside: Fastify alone, with routes that read one row of a SQLite file and that write one, durably, and nothing
// else: no tokens, checks, limits, keys, audit trail. Usage: api-peer.ts FILE; prints its port.
import Database from 'better-sqlite3'
import Fastify from 'fastify'

const database = new Database(process.argv[2] ?? ':memory:')
database.pragma('journal_mode = wal')
database.pragma('synchronous = full')
database.exec('create table item (id integer primary key, text text not null)')
const text = 'x'.repeat(700)
database.prepare('insert into item (text) values (?)').run(text)
const read = database.prepare('select id, text from item where id = 1')
const write = database.prepare('insert into item (text) values (?)')

const app = Fastify()
app.get('/item', async () => read.get())
app.post<{ Body: { reference: string } }>('/item', async (request) => {
  write.run(request.body.reference)
  return { reference: request.body.reference }
})
await app.listen({ host: '127.0.0.1', port: 0 })
const address = app.server.address()
console.log(typeof address === 'object' ? address?.port : address)
