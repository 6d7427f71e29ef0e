import t from 'tap'
import { ERRORS, fail, isTallycellError, TallycellError } from '../../core/kernel/errors.ts'

t.test('the catalogue: stable codes, HTTP and exit codes in range, sentences that can be filled', async (t) => {
  for (const [code, row] of Object.entries(ERRORS)) {
    t.match(code, /^[A-Z][A-Z0-9]*(_[A-Z0-9]+)+$|^INTERNAL$/, code)
    t.ok(row.http >= 400 && row.http <= 599, `${code} http ${row.http}`)
    // sysexits.h is 64 to 78; 128 and more are signals.
    t.ok((row.exit >= 64 && row.exit <= 78) || row.exit > 128, `${code} exit ${row.exit}`)
    for (const text of [row.message, row.hint]) {
      t.ok(text.trim().length > 0 && !text.endsWith('.'), `${code}: ${text}`)
      t.equal(text.replace(/\{\w+\}/g, '').match(/[{}]/), null, `${code}: a brace is not part of a name`)
    }
  }
})

t.test('context is filled into the message and the hint', async (t) => {
  const cause = new Error('below')
  const error = new TallycellError('STORE_UNUSABLE', { path: '/x', reason: 'why' }, cause)
  t.match(error, { code: 'STORE_UNUSABLE', message: 'cannot use the database /x: why', name: 'TallycellError' })
  t.equal(error.cause, cause)
  t.same(error.context, { path: '/x', reason: 'why' })
  t.ok(isTallycellError(error))
  t.notOk(isTallycellError(cause))
  t.notOk(isTallycellError({ code: 'STORE_UNUSABLE' }))
  t.throws(() => fail('UNIT_NEGATIVE', { what: 'octets', came: -1n }), {
    message: 'octets must not be negative, got -1',
  })
})

t.test('a value that looks like a placeholder stays what it is', async (t) => {
  const error = new TallycellError('STORE_UNUSABLE', { path: '{reason} $& $1', reason: '{path}' })
  t.equal(error.message, 'cannot use the database {reason} $& $1: {path}')
})
