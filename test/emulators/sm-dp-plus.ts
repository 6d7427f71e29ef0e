// An SM-DP+ as its operators see it: ES2+ (SGP.22 §5.3) over HTTPS with certificates on both sides, profiles with the states of §3.1.6, and a
// way to misbehave. It has no profiles to download: phones are played by `report`.
import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer, request } from 'node:https'
import type { AddressInfo } from 'node:net'

export interface Files {
  readonly certificate: Buffer
  readonly key: Buffer
  readonly ca: Buffer
}

export type ProfileState =
  | 'Available'
  | 'Allocated'
  | 'Linked'
  | 'Confirmed'
  | 'Released'
  | 'Downloaded'
  | 'Unavailable'

export interface Profile {
  readonly iccid: string
  readonly type: string
  state: ProfileState
  eid?: string
  matchingId?: string
  confirmationCode?: string
}

/** How the next requests are treated, one each; what is left is answered properly. */
export type Fault =
  /** The connection is cut before the request is carried out. */
  | 'cut'
  /** It is carried out, and the connection cut instead of an answer. */
  | 'carry out and cut'
  /** It is carried out, and no answer ever comes. */
  | 'silent'
  | 'status 503'
  | 'status 404'
  | 'no JSON'
  | 'no header'
  | 'wrong status word'
  | 'expired'
  | 'flood'
  | 'warning'

export interface SmDpPlus {
  readonly url: string
  readonly profiles: ReadonlyMap<string, Profile>
  readonly requests: readonly {
    readonly name: string
    readonly headers: IncomingMessage['headers']
    readonly body: Body
  }[]
  fail(...faults: Fault[]): void
  /** Reports progress to the operator, as `as`; resolves with the HTTP status, or rejects where TLS refuses. */
  report(operator: string, as: Files, body: Record<string, unknown>, headers?: Record<string, string>): Promise<number>
  stop(): Promise<void>
}

type Body = Record<string, unknown>
type Answer = { readonly good: Body } | { readonly subject: string; readonly reason: string }

const PATH = '/gsma/rsp2/es2plus/'
const FLOOD = 1_000_000
const no = (subject: string, reason: string): Answer => ({ subject, reason })

export interface SmDpPlusOptions {
  readonly tls: Files
  /** ICCIDs of 19 digits that it holds, with their types. */
  readonly profiles: readonly (readonly [iccid: string, type: string])[]
  readonly requesterId: string
  /** What phones reach it by. */
  readonly address: string
}

export async function startSmDpPlus({ tls, profiles: held, requesterId, address }: SmDpPlusOptions): Promise<SmDpPlus> {
  const profiles = new Map(held.map(([iccid, type]): [string, Profile] => [iccid, { iccid, type, state: 'Available' }]))
  const requests: { name: string; headers: IncomingMessage['headers']; body: Body }[] = []
  const faults: Fault[] = []
  const operations = createOperations(profiles, address)

  const serve = async (call: IncomingMessage, reply: ServerResponse): Promise<void> => {
    const name = call.url?.startsWith(PATH) ? call.url.slice(PATH.length) : ''
    const body = JSON.parse(await read(call)) as Body
    requests.push({ name, headers: call.headers, body })
    const fault = faults.shift()
    if (fault === 'cut') return void call.socket.destroy()
    if (fault === 'status 503' || fault === 'status 404') return void reply.writeHead(Number(fault.slice(-3))).end()
    const operation = operations[name]
    const header = body.header as Body | undefined
    if (operation === undefined || call.headers['x-admin-protocol'] === undefined)
      return void reply.writeHead(404).end()
    const answer = header?.functionRequesterIdentifier === requesterId ? operation(body) : no('1.1', '1.1')
    if (fault === 'carry out and cut') return void call.socket.destroy()
    if (fault === 'silent') return
    send(reply, answer, fault)
  }
  const server = createServer(
    { cert: tls.certificate, key: tls.key, ca: tls.ca, requestCert: true, rejectUnauthorized: true },
    (call, reply) => void serve(call, reply).catch(() => reply.destroy()),
  )
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `https://localhost:${(server.address() as AddressInfo).port}`,
    profiles,
    requests,
    fail: (...more) => void faults.push(...more),
    report: (operator, as, body, headers = {}) =>
      post(`${operator}${PATH}handleDownloadProgressInfo`, as, body, headers),
    async stop() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

function send(reply: ServerResponse, answer: Answer, fault: Fault | undefined): void {
  const good = 'good' in answer
  const status =
    fault === 'wrong status word'
      ? 'Done'
      : fault === 'expired'
        ? 'Expired'
        : fault === 'warning'
          ? 'Executed-WithWarning'
          : good
            ? 'Executed-Success'
            : 'Failed'
  const data = good ? (fault === 'warning' ? { subjectCode: '8.2.9', reasonCode: '2.1' } : undefined) : codes(answer)
  const header = { functionExecutionStatus: { status, ...(data ? { statusCodeData: data } : {}) } }
  const body = { ...(fault === 'no header' ? {} : { header }), ...(good ? answer.good : {}) }
  const text = fault === 'no JSON' ? '<html>' : JSON.stringify(body)
  reply.writeHead(200, { 'content-type': 'application/json;charset=UTF-8', 'x-admin-protocol': 'gsma/rsp/v2.5.0' })
  reply.end(fault === 'flood' ? text.padEnd(FLOOD) : text)
}

const codes = ({ subject, reason }: { subject: string; reason: string }): Body => ({
  subjectCode: subject,
  reasonCode: reason,
  message: 'as the emulator has it',
})

const digitsOf = (value: unknown): string => String(value ?? '').replace(/F$/, '')

/** SGP.22 §5.3.1 to §5.3.4. */
function createOperations(profiles: Map<string, Profile>, address: string): Record<string, (body: Body) => Answer> {
  const find = (iccid: unknown): Profile | undefined => profiles.get(digitsOf(iccid))
  return {
    downloadOrder({ iccid, eid, profileType }) {
      const free = [...profiles.values()].find((one) => one.type === profileType && one.state === 'Available')
      const profile = iccid === undefined ? free : find(iccid)
      if (profile === undefined) return iccid === undefined ? no('8.2.5', '3.7') : no('8.2.1', '3.9')
      if (profileType !== undefined && profile.type !== profileType) return no('8.2.5', '3.8')
      if (profile.state !== 'Available') return no('8.2.1', '3.3')
      profile.state = eid === undefined ? 'Allocated' : 'Linked'
      if (typeof eid === 'string') profile.eid = eid
      return { good: { iccid: profile.iccid.padEnd(20, 'F') } }
    },
    confirmOrder({ iccid, eid, matchingId, confirmationCode, releaseFlag }) {
      const profile = find(iccid)
      if (profile === undefined) return no('8.2.1', '3.9')
      if ([...profiles.values()].some((one) => one.matchingId === matchingId)) return no('8.2.6', '3.3')
      if (profile.eid !== undefined && eid !== undefined && eid !== profile.eid) return no('8.1.1', '3.10')
      if (profile.state !== 'Allocated' && profile.state !== 'Linked') return no('8.2.1', '3.3')
      profile.matchingId = String(matchingId ?? `EMULATOR-${profiles.size}`)
      if (typeof confirmationCode === 'string') profile.confirmationCode = confirmationCode
      profile.state = releaseFlag === true ? 'Released' : 'Confirmed'
      return { good: { matchingId: profile.matchingId, smdpAddress: address } }
    },
    cancelOrder({ iccid, matchingId, finalProfileStatusIndicator }) {
      const profile = find(iccid)
      if (profile === undefined) return no('8.2.1', '3.9')
      if (profile.state === 'Downloaded') return no('8.2.1', '3.3')
      if (profile.matchingId !== undefined && profile.matchingId !== matchingId) return no('8.2.6', '3.10')
      profile.state = finalProfileStatusIndicator === 'Available' ? 'Available' : 'Unavailable'
      delete profile.matchingId
      delete profile.confirmationCode
      delete profile.eid
      return { good: {} }
    },
    releaseProfile({ iccid }) {
      const profile = find(iccid)
      if (profile === undefined) return no('8.2.1', '3.9')
      if (profile.state !== 'Confirmed') return no('8.2.1', '3.5')
      profile.state = 'Released'
      return { good: {} }
    },
  }
}

async function read(message: IncomingMessage): Promise<string> {
  const parts: Buffer[] = []
  for await (const part of message as AsyncIterable<Buffer>) parts.push(part)
  return Buffer.concat(parts).toString('utf8')
}

async function post(url: string, as: Files, body: Body, headers: Record<string, string>): Promise<number> {
  const call = request(url, {
    method: 'POST',
    agent: false,
    cert: as.certificate,
    key: as.key,
    ca: as.ca,
    headers: { 'content-type': 'application/json', 'x-admin-protocol': 'gsma/rsp/v2.5.0', ...headers },
  })
  call.end(JSON.stringify(body))
  const [answer] = (await once(call, 'response')) as [IncomingMessage]
  await read(answer)
  return answer.statusCode ?? 0
}
