// The freeDiameter configuration with which an unmodified Open5GS SMF asks us over Gy. Facts of Open5GS 2.8.0: it reads its dictionaries from
// extensions, wants a certificate even where nothing is encrypted, sends requests to its own realm, and must not relay.

export interface SmfDiameter {
  /** Our Origin-Host, where the SMF reaches us, and the realm of both. */
  readonly identity: string
  readonly host: string
  readonly port: number
  readonly realm: string
  readonly tls: boolean
  /** The SMF's Origin-Host and the address that it listens on. */
  readonly smf: string
  readonly listenOn: string
  /** Its PCRF for Gx. */
  readonly pcrf: { readonly identity: string; readonly host: string } | undefined
  /** Folder of smf.crt, smf.key and ca.crt. */
  readonly certificates: string
}

const DICTIONARIES = ['dict_rfc5777', 'dict_mip6i', 'dict_nasreq', 'dict_nas_mipv6', 'dict_dcca', 'dict_dcca_3gpp']

/** The text of the file that smf.yaml names in `freeDiameter`. */
export function renderSmfDiameter(options: SmfDiameter): string {
  const { identity, host, port, realm, tls, smf, listenOn, pcrf, certificates } = options
  const peers = [
    ...(pcrf === undefined ? [] : [`ConnectPeer = "${pcrf.identity}" { ConnectTo = "${pcrf.host}"; No_TLS; };`]),
    `ConnectPeer = "${identity}" { ConnectTo = "${host}"; Port = ${port}; ${tls ? '' : 'No_TLS; '}};`,
  ]
  return [
    `# freeDiameter of the SMF. In smf.yaml:`,
    `#   smf:`,
    `#     freeDiameter: /etc/freeDiameter/smf.conf`,
    `#     ctf:`,
    `#       enabled: auto`,
    `# auto: phones attach and are not charged while no charging system is connected; yes: they are refused then, but a 5G session that`,
    `# runs when the connection goes ends the SMF.`,
    `Identity = "${smf}";`,
    `Realm = "${realm}";`,
    `ListenOn = "${listenOn}";`,
    'NoRelay;',
    'No_SCTP;',
    'Prefer_TCP;',
    'SecPort = 0;',
    'TcTimer = 5;',
    'TwTimer = 30;',
    `TLS_Cred = "${certificates}/smf.crt", "${certificates}/smf.key";`,
    `TLS_CA = "${certificates}/ca.crt";`,
    ...DICTIONARIES.map((name) => `LoadExtension = "${name}.fdx";`),
    ...peers,
    '',
  ].join('\n')
}
