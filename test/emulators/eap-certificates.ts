// A small authority for EAP-TLS tests, made by openssl: a server, phones, and a stranger's authority.
import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

export interface TestCertificates {
  readonly folder: string
  /** PEM of a file: `ca.pem`, `server.pem`, `server.key`, … */
  read(file: string): string
  path(file: string): string
}

/** Each of `names` gets NAME.pem and NAME.key, issued by ca.pem. RSA, so that flights are long enough to be cut. */
export function makeCertificates(folder: string, names: readonly string[]): TestCertificates {
  mkdirSync(folder, { recursive: true })
  const openssl = (...words: string[]): void => {
    execFileSync('openssl', words, { cwd: folder, stdio: 'ignore' })
  }
  const request = ['-newkey', 'rsa:2048', '-nodes']
  openssl(
    'req',
    '-x509',
    ...request,
    '-keyout',
    'ca.key',
    '-out',
    'ca.pem',
    '-subj',
    '/CN=Test authority',
    '-days',
    '2',
  )
  for (const name of names) {
    openssl('req', ...request, '-keyout', `${name}.key`, '-out', `${name}.csr`, '-subj', `/CN=${name}`)
    const issue = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '2']
    openssl('x509', '-req', '-in', `${name}.csr`, '-out', `${name}.pem`, ...issue)
  }
  const path = (file: string): string => join(folder, file)
  return { folder, path, read: (file) => readFileSync(path(file), 'utf8') }
}
