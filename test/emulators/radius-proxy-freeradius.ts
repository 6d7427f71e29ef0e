// FreeRADIUS 3.2 in the parts that roaming has: a home server with one user, a proxy that sends everything to us, an access point that takes
// Disconnect and CoA requests.
import { chownSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { freeUdpPort } from './node.ts'
import { findProgram, identity, launch, type Running } from './program.ts'

export interface RoamingFreeradius extends Running {
  /** Access port of the home server; accounting is one of its own. */
  readonly home: { readonly access: number; readonly accounting: number }
  /** Ports of the proxy to us. */
  readonly proxy: { readonly access: number; readonly accounting: number }
  /** Port for RFC 5176. */
  readonly control: number
}

export interface RoamingOptions {
  readonly folder: string
  /** Everybody's. */
  readonly secret: string
  /** Our own ports. */
  readonly us: { readonly access: number; readonly accounting: number }
}

/** The user that is at home there, and its password. */
export const ROAMER = { name: 'bob@partner.example', password: 'open sesame' } as const

export async function startRoamingFreeradius({ folder, secret, us }: RoamingOptions): Promise<RoamingFreeradius> {
  const program = findProgram('freeradius', ['/usr/sbin'])
  if (program === undefined) throw new Error('freeradius is missing: install the Debian package freeradius')
  const port = (): Promise<number> => freeUdpPort('127.0.0.1')
  const home = { access: await port(), accounting: await port() }
  const proxy = { access: await port(), accounting: await port() }
  const control = await port()
  const who = identity('freerad')
  mkdirSync(folder, { recursive: true })
  const listen = (type: string, number: number): string =>
    `  listen {\n    type = ${type}\n    ipaddr = 127.0.0.1\n    port = ${number}\n  }`
  const server = (name: string, type: string, number: number): string => `
home_server ${name} {
  type = ${type}
  ipaddr = 127.0.0.1
  port = ${number}
  secret = "${secret}"
  response_window = 5
}
home_server_pool ${name} {
  home_server = ${name}
}`
  writeFileSync(
    join(folder, 'radiusd.conf'),
    `
prefix = /usr
libdir = /usr/lib/freeradius
logdir = ${folder}
run_dir = ${folder}
max_requests = 1024
proxy_requests = yes
security {
  max_attributes = 200
  status_server = yes
}
thread pool {
  start_servers = 2
  max_servers = 4
  min_spare_servers = 1
  max_spare_servers = 4
  max_requests_per_server = 0
}
client loopback {
  ipaddr = 127.0.0.1
  secret = "${secret}"
}
proxy server {
  default_fallback = no
}
${server('access-of-us', 'auth', us.access)}
${server('accounting-of-us', 'acct', us.accounting)}
realm us {
  auth_pool = access-of-us
  acct_pool = accounting-of-us
  nostrip
}
modules {
  pap {
  }
  always ok {
    rcode = ok
  }
  always reject {
    rcode = reject
  }
  detail {
    filename = ${folder}/detail
    escape_filenames = no
    permissions = 0644
    header = "%t"
  }
}
server home {
${listen('auth', home.access)}
${listen('acct', home.accounting)}
  authorize {
    if (&User-Name =~ /^bob@(partner|hub)\\.example$/) {
      update control {
        &Cleartext-Password := "${ROAMER.password}"
      }
      update reply {
        &MS-MPPE-Send-Key := 0x000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f
        &Session-Timeout := 3600
        &Tunnel-Private-Group-Id := "42"
        &Reply-Message := "welcome from %{Operator-Name}"
      }
    }
    pap
  }
  authenticate {
    Auth-Type PAP {
      pap
    }
  }
  accounting {
    detail
    ok
  }
}
server proxy {
${listen('auth', proxy.access)}
${listen('acct', proxy.accounting)}
  authorize {
    update control {
      &Proxy-To-Realm := "us"
    }
  }
  preacct {
    update control {
      &Proxy-To-Realm := "us"
    }
  }
  accounting {
    ok
  }
}
server control {
${listen('coa', control)}
  recv-coa {
    detail
    if (&Acct-Session-Id == "unknown") {
      reject
    }
    ok
  }
  send-coa {
    ok
  }
}
`,
  )
  writeFileSync(join(folder, 'dictionary'), '')
  if (who.uid !== undefined && who.gid !== undefined) chownSync(folder, who.uid, who.gid)
  const running = await launch(program, ['-d', folder, '-D', '/usr/share/freeradius', '-f', '-l', 'stdout', '-x'], {
    ...who,
    cwd: folder,
    patience: 20_000,
    ready: (output) => output.includes('Ready to process requests'),
  })
  return { ...running, home, proxy, control }
}
