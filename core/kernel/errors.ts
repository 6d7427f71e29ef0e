// Every error that a person or a program can meet: a stable code, what was expected, what came, what to do next.
// Codes are never reused. `exit` is the command line's exit code (sysexits.h), `http` the status of the API answer (RFC 9457).

interface Row {
  readonly http: number
  readonly exit: number
  /** What happened; `{name}` is filled from the context. */
  readonly message: string
  /** What to do next; `{name}` is filled from the context. */
  readonly hint: string
}

export const ERRORS = {
  ID_INVALID: {
    http: 400,
    exit: 64,
    message: "{what} '{came}' is not valid: expected {expected}",
    hint: 'correct the value and try again',
  },
  UNIT_NEGATIVE: { http: 400, exit: 64, message: '{what} must not be negative, got {came}', hint: 'use 0 or more' },
  UNIT_INVALID: {
    http: 400,
    exit: 64,
    message: "{what} '{came}' is not a whole number of 1 to 19 digits",
    hint: 'write it in decimal digits without separators',
  },
  STORE_LOCKED: {
    http: 503,
    exit: 75,
    message: 'the database {path} is locked by another process',
    hint: 'wait for the other process to finish, or stop it, and try again',
  },
  STORE_FULL: {
    http: 507,
    exit: 74,
    message: 'the disk under {path} is full: nothing was written',
    hint: 'free some space; unanswered requests are sent again by their senders',
  },
  STORE_UNUSABLE: {
    http: 500,
    exit: 74,
    message: 'cannot use the database {path}: {reason}',
    hint: 'check that the folder exists, is writable and holds a Tallycell database',
  },
  STORE_URL_INVALID: {
    http: 500,
    exit: 78,
    message: "store.url '{came}' names no database: expected sqlite:PATH or postgresql://USER@HOST:PORT/DATABASE",
    hint: 'correct it, or leave it out for a SQLite file in dataDir; characters such as @ and / in a password are written %40 and %2F',
  },
  STORE_PASSWORD_UNREADABLE: {
    http: 500,
    exit: 78,
    message: 'cannot read the password of the database from {file}: {reason}',
    hint: 'put the password, alone, into that file, readable by the user that runs the node only',
  },
  STORE_UNREACHABLE: {
    http: 503,
    exit: 69,
    message: 'no answer from the database {database}: {reason}',
    hint: 'check that its server runs and that store.url names its host and port; a running node goes on by itself when it is back',
  },
  STORE_REFUSED: {
    http: 500,
    exit: 77,
    message: 'the database {database} refuses us: {reason}',
    hint: 'check the user in store.url, store.passwordFile and pg_hba.conf of the server; the user has to own the database',
  },
  STORE_DATABASE_MISSING: {
    http: 500,
    exit: 78,
    message: 'the server has no database of that name: {database}',
    hint: 'make one that belongs to the user in store.url: createdb --encoding UTF8 --template template0 --owner USER DATABASE',
  },
  STORE_SERVER_UNFIT: {
    http: 500,
    exit: 78,
    message: 'the database {database} cannot be used: {reason}',
    hint: 'use PostgreSQL 15 or later, and a database of its own in UTF-8: createdb --encoding UTF8 --template template0 --owner USER DATABASE',
  },
  STORE_BUSY: {
    http: 503,
    exit: 75,
    message: 'no connection to the database {database} became free in time, of {connections}',
    hint: 'raise store.connections, and max_connections of the server if it has no more; unanswered requests are sent again by their senders',
  },
  STORE_FILE_UNUSABLE: {
    http: 500,
    exit: 73,
    message: 'cannot use the file {file}: {reason}',
    hint: 'choose a folder that you may write to for a backup; to restore, name a whole file that `tallycell db backup` wrote',
  },
  STORE_FILE_EXISTS: {
    http: 409,
    exit: 73,
    message: '{file} exists already and was left as it is',
    hint: 'name another file, or move this one away',
  },
  STORE_NOT_EMPTY: {
    http: 409,
    exit: 73,
    message: 'the database {database} is not empty: nothing was restored',
    hint: 'restore into a new database, and keep the old one until the new one has proved itself',
  },
  STORE_TOOL_FAILED: {
    http: 500,
    exit: 69,
    message: '{tool} did not do it: {reason}',
    hint: 'it comes with PostgreSQL (Debian: postgresql-client), in the version of the server or later; by hand: {command}',
  },
  STORE_KEEP_TOO_SHORT: {
    http: 400,
    exit: 78,
    message: 'what is {days} days old must not be deleted yet: expected {least} days or more',
    hint: 'set store.keepDays to {least} or more, or to 0 to keep everything; late repeats must still meet the session that they repeat',
  },
  STORE_NOT_DISTRIBUTABLE: {
    http: 409,
    exit: 69,
    message: 'the database {database} cannot be spread over several machines: {reason}',
    hint: 'that needs PostgreSQL with Citus on every machine, and `create extension citus` in the database; --print shows what would be done',
  },
  RADIUS_LISTEN_INVALID: {
    http: 500,
    exit: 78,
    message: "radius.listen '{came}' is not an address: expected HOST:PORT with a port up to 65535",
    hint: 'write it as 0.0.0.0:1813, or [::]:1813 for IPv6',
  },
  RADIUS_SECRET_UNREADABLE: {
    http: 500,
    exit: 78,
    message: 'cannot read the shared secret of RADIUS client {client} from {file}: {reason}',
    hint: 'put the secret, alone, into that file, readable by the user that runs the node only',
  },
  RADIUS_TLS_UNREADABLE: {
    http: 500,
    exit: 78,
    message: 'cannot read {file} for EAP-TLS: {reason}',
    hint: 'radius.access.tls names three PEM files, readable by the user that runs the node; leave it out to do without EAP-TLS',
  },
  RADIUS_TLS_INVALID: {
    http: 500,
    exit: 78,
    message: 'radius.access.tls cannot be used: {reason}',
    hint: 'certificateFile and keyFile have to belong together, and all three files have to be PEM',
  },
  DEMO_FOLDER_FOREIGN: {
    http: 409,
    exit: 73,
    message: 'the folder {folder} exists and was not made by a demonstration',
    hint: 'name another one with --folder DIR, or move it away',
  },
  DEMO_UNANSWERED: {
    http: 500,
    exit: 70,
    message: "the demonstration's session did not get through: {reason}",
    hint: "look into node.log in the demonstration's folder after running it again with --stay",
  },
  PASSPOINT_SETTING_MISSING: {
    http: 500,
    exit: 78,
    message: 'passpoint.{setting} is not set',
    hint: 'set it in the configuration, for example {example}; `tallycell config init` writes every setting with its meaning',
  },
  PASSPOINT_SETTING_INVALID: {
    http: 500,
    exit: 78,
    message: 'passpoint.{setting} cannot be used: {problem}',
    hint: 'correct it in the configuration',
  },
  PASSPOINT_CERTIFICATE_UNUSABLE: {
    http: 500,
    exit: 78,
    message: 'the file {file} cannot be used: {reason}',
    hint: 'name a PEM file: of certificates, the one for its key first and then those that issued it; of a key, without a passphrase',
  },
  PASSPOINT_SIGNING_UNSET: {
    http: 500,
    exit: 78,
    message: 'there is no certificate to sign profiles for iOS with',
    hint: 'set passpoint.signingCertificateFile and passpoint.signingKeyFile, or add --unsigned: phones show such a profile as not verified',
  },
  PASSPOINT_SIM_FOREIGN: {
    http: 409,
    exit: 65,
    message: 'the SIM of {holder} belongs to none of the networks in passpoint.plmns: {plmns}',
    hint: 'add its network there as MCC-MNC, for example 001-01',
  },
  ACCESS_POINT_NOT_WIFI: {
    http: 409,
    exit: 65,
    message: "the radio '{radio}' is of the kind {access}: only Wi-Fi access points are configured here",
    hint: 'name a radio that `tallycell radio list` shows with access wifi',
  },
  ACCESS_POINT_CLIENT_UNKNOWN: {
    http: 409,
    exit: 65,
    message:
      "no RADIUS client in radius.clients is named '{client}', so there is no shared secret for the radio '{radio}'",
    hint: 'add one with that name, its address and secretFile, or name another with --client, or use --transport radsec',
  },
  ACCESS_POINT_CLIENT_FOREIGN: {
    http: 409,
    exit: 65,
    message: "the RADIUS client '{client}' is that of the radio '{other}', not of '{radio}': its secret was not read",
    hint: 'give every access point a client and a secret of its own',
  },
  ACCESS_POINT_VALUE_UNFIT: {
    http: 409,
    exit: 65,
    message: '{what} cannot be written into a configuration for {product}: {problem}',
    hint: 'change it; letters, digits, dots and dashes fit everywhere',
  },
  LEDGER_BELOW_ZERO: {
    http: 409,
    exit: 70,
    message: 'account {account} would fall to {balance}: nothing was posted',
    hint: 'deposit what is missing, or look for the transfer that should have come first',
  },
  LEDGER_FULL: {
    http: 409,
    exit: 70,
    message: 'the total of account {account} would not fit 64 bits: nothing was posted',
    hint: 'check the amount: no real account comes near 9,223,372,036,854,775,807 units',
  },
  HELD_UNKNOWN: {
    http: 404,
    exit: 65,
    message: 'nothing with the number {id} was set aside',
    hint: 'tallycell usage held shows what was',
  },
  HELD_DECIDED: {
    http: 409,
    exit: 65,
    message: 'number {id} is {state} already',
    hint: 'a decision is final: tallycell usage held --all shows it',
  },
  HELD_OF_SESSION: {
    http: 409,
    exit: 65,
    message: 'number {id} is of a charging session ({source}), which cannot be charged again by itself',
    hint: 'correct the balance if need be, and then: tallycell usage drop {id}',
  },
  HELD_GONE: {
    http: 409,
    exit: 65,
    message: 'number {id} ({source}) is not in its journal any more',
    hint: 'look at it with tallycell usage held --json, and then: tallycell usage drop {id}',
  },
  HELD_UNFIT: {
    http: 409,
    exit: 70,
    message: 'number {id} cannot be taken: {reason}',
    hint: 'it stays held; when what stands in the way is gone, release it again',
  },
  INVOICE_UNKNOWN: {
    http: 404,
    exit: 65,
    message: 'there is no invoice {number}',
    hint: 'tallycell invoice list shows those that were made',
  },
  TENANT_UNKNOWN: {
    http: 404,
    exit: 65,
    message: "the tenant '{tenant}' has no currency and time zone yet",
    hint: 'set them first, for instance: tallycell tenant set {tenant} --currency EUR',
  },
  TENANT_CURRENCY: {
    http: 409,
    exit: 65,
    message: "the tenant '{tenant}' charges in {currency}, got {came}",
    hint: 'the currency of a tenant cannot change: make another tenant',
  },
  PLAN_VERSION: {
    http: 409,
    exit: 65,
    message: "version {version} of the plan '{plan}' is in the catalogue and says something else",
    hint: 'a version never changes: give the new document the next version',
  },
  PLAN_UNKNOWN: {
    http: 404,
    exit: 65,
    message: "there is no '{what}' in the catalogue",
    hint: 'see the plans and their bundles with `tallycell plan list`',
  },
  VOUCHER_REFUSED: {
    http: 409,
    exit: 65,
    message: 'the voucher cannot be redeemed: it is {reason}',
    hint: 'check the code, or ask who sold it',
  },
  VOUCHER_PLAN: {
    http: 409,
    exit: 65,
    message: "the plan '{plan}' is not for captive vouchers: {reason}",
    hint: 'give the tenant a prepaid plan of its own for guests, with the bundle and nothing else',
  },
  REFERENCE_TAKEN: {
    http: 409,
    exit: 65,
    message: "the reference '{reference}' stands for something else already: {booked}",
    hint: 'nothing was booked: give each payment a reference of its own; the same payment again changes nothing',
  },
  POOL_TENANT: {
    http: 409,
    exit: 65,
    message: "the pool '{pool}' belongs to the tenant {owner}, the subscriber '{subscriber}' to {came}",
    hint: 'a pool is for subscribers of one tenant: choose another pool',
  },
  POOL_NONE: {
    http: 409,
    exit: 65,
    message: "the subscriber '{subscriber}' is a member of no pool, and what is shared needs one",
    hint: 'make one: tallycell pool add POOL {subscriber}',
  },
  POOL_NOT_MEMBER: {
    http: 409,
    exit: 65,
    message: "the subscriber '{subscriber}' is no member of the pool '{pool}'",
    hint: 'see the members with `tallycell pool list`',
  },
  FILE_UNWRITABLE: {
    http: 500,
    exit: 73,
    message: 'cannot write the file {file}: {reason}',
    hint: 'choose a folder that exists and that you may write to, and a file that is not there yet',
  },
  LEDGER_EXPORT_FOREIGN: {
    http: 409,
    exit: 65,
    message: 'the file {file} cannot be gone on with: {reason}',
    hint: 'name a new file, or one that an earlier `tallycell ledger export` of this database wrote',
  },
  FILE_UNREADABLE: {
    http: 400,
    exit: 66,
    message: "cannot read the file '{path}': {reason}",
    hint: 'check the path and that you may read it',
  },
  CSV_HEADER: {
    http: 400,
    exit: 65,
    message: "the first line must name the columns {expected}, got '{came}'",
    hint: 'write the column names in the first line, separated by commas',
  },
  CSV_ROW: {
    http: 400,
    exit: 65,
    message: 'expected {expected}, got {came}',
    hint: 'correct the line and load the file again: rows that are in already are left as they are',
  },
  RADIO_EXISTS: {
    http: 409,
    exit: 65,
    message: "a radio '{radio}' is registered already",
    hint: 'see it with `tallycell radio list`, or choose another id',
  },
  RADIO_UNKNOWN: {
    http: 404,
    exit: 65,
    message: "there is no radio '{radio}'",
    hint: 'see the registered ones with `tallycell radio list`',
  },
  RADIO_UNRECOGNISABLE: {
    http: 400,
    exit: 64,
    message:
      "the access point '{radio}' could not be told from others: expected a NAS-Identifier or a BSSID, got neither",
    hint: 'give what the access point sends: --nas-id NAME or --bssid 00-11-22-33-44-55, or both',
  },
  RADIO_NAS_TAKEN: {
    http: 409,
    exit: 65,
    message: "the NAS-Identifier '{came}' belongs to the radio '{radio}'",
    hint: 'give each access point its own NAS-Identifier',
  },
  RADIO_CELL_TAKEN: {
    http: 409,
    exit: 65,
    message: "the cell {came} belongs to the radio '{radio}'",
    hint: 'register each cell with one radio',
  },
  RADIO_BSSID_TAKEN: {
    http: 409,
    exit: 65,
    message: "the BSSID {came} belongs to the radio '{radio}'",
    hint: 'read the BSSID off the access point again; if another owner claimed it wrongly, ask the operator to ban that radio',
  },
  RADIO_NOT_BANNED: {
    http: 409,
    exit: 65,
    message: "the radio '{radio}' is not banned",
    hint: 'nothing needs doing',
  },
  BAN_ENDED: {
    http: 400,
    exit: 64,
    message: 'a ban must end in the future, got {came}',
    hint: 'give a later time, or leave --until away for a ban without end',
  },
  SUBSCRIBER_EXISTS: {
    http: 409,
    exit: 65,
    message: "a subscriber '{subscriber}' is registered already",
    hint: 'see it with `tallycell subscriber list`, or choose another id',
  },
  SUBSCRIBER_UNKNOWN: {
    http: 404,
    exit: 65,
    message: "there is no subscriber '{subscriber}'",
    hint: 'see the registered ones with `tallycell subscriber list`',
  },
  IMSI_TAKEN: {
    http: 409,
    exit: 65,
    message: "the IMSI {imsi} belongs to the subscriber '{subscriber}'",
    hint: 'an IMSI names one subscriber: check the digits on the SIM',
  },
  AUTH_LENGTH_INVALID: {
    http: 400,
    exit: 65,
    message: '{what} has {came} octets: expected {expected}',
    hint: 'give the whole value; two hex digits make one octet',
  },
  SUCI_KEY_INVALID: {
    http: 400,
    exit: 65,
    message: 'the home network key {id} cannot be used: {reason}',
    hint: 'give each key an id of its own from 0 to 255, and its private key for X25519 (profile A) or P-256 (profile B)',
  },
  SIM_EXISTS: {
    http: 409,
    exit: 65,
    message: 'the {what} {came} is on a SIM that is there already{where}',
    hint: 'an ICCID, an IMSI and a number are on one SIM each: check the file against the one that was loaded before',
  },
  SIM_UNKNOWN: {
    http: 404,
    exit: 65,
    message: 'there is no SIM {sim}',
    hint: 'see the SIMs with `tallycell sim list`',
  },
  SIM_ROW: {
    http: 400,
    exit: 65,
    message: '{field}: expected {expected}, got {came}',
    hint: 'correct the line and load the file again: SIMs that are in already are left as they are',
  },
  SIM_STEP: {
    http: 409,
    exit: 65,
    message: '{what} is {state}: it cannot {event}',
    hint: 'from here it can: {possible}',
  },
  ESIM_NOT_CONFIGURED: {
    http: 503,
    exit: 78,
    message: 'no SM-DP+ is configured to order eSIM profiles from',
    hint: 'set esim.smdp in the configuration: its address, our certificate and our requester id there',
  },
  ESIM_FILE_UNREADABLE: {
    http: 500,
    exit: 78,
    message: 'cannot read {file}: {reason}',
    hint: 'correct its name under esim in the configuration, and let the user that runs the node read it',
  },
  ESIM_LISTEN_FAILED: {
    http: 500,
    exit: 78,
    message: 'cannot take progress of eSIM profiles on {listen}: {reason}',
    hint: 'give esim.callback an address of this machine, a port that no other program has, and a certificate with its own key',
  },
  ESIM_UNREACHABLE: {
    http: 503,
    exit: 69,
    message: 'the SM-DP+ at {url} cannot be reached: {reason}',
    hint: 'nothing was done there: check esim.smdp and the network, and try again',
  },
  ESIM_UNANSWERED: {
    http: 504,
    exit: 75,
    message: 'no answer from the SM-DP+ at {url}: {reason}',
    hint: 'it may have done what it was asked: ask it for the same again, which does no harm',
  },
  ESIM_ANSWER_INVALID: {
    http: 502,
    exit: 76,
    message: 'the SM-DP+ answered {function} with something else than SGP.22 says: {reason}',
    hint: 'check that esim.smdp.url names its ES2+ interface, and ask its operator',
  },
  ESIM_REFUSED: {
    http: 409,
    exit: 65,
    message: 'the SM-DP+ refused {function}: {meaning} ({subject}, {reason})',
    hint: '{advice}',
  },
  ESIM_ORDER_UNKNOWN: {
    http: 404,
    exit: 65,
    message: 'there is no eSIM order {order}',
    hint: 'see the orders with `tallycell esim list`',
  },
  ESIM_ORDER_OPEN: {
    http: 409,
    exit: 65,
    message: 'the profile {iccid} is in another order already',
    hint: 'go on with that order, or cancel it first',
  },
  ESIM_ORDER_BUSY: {
    http: 409,
    exit: 75,
    message: 'the eSIM order {order} waits for the SM-DP+ to answer {function}',
    hint: 'try again in a minute; what was asked without an answer has to be asked again before anything else but to cancel',
  },
  ESIM_PEER_FOREIGN: {
    http: 403,
    exit: 77,
    message: 'the certificate is for {names}, which may not report progress of eSIM profiles',
    hint: 'use the certificate of the SM-DP+, or add its host name to esim.callback.names',
  },
  ESIM_NO_CODE: {
    http: 409,
    exit: 65,
    message: 'the eSIM order {order} has no activation code: it is {state}',
    hint: 'a code is there from the time that the order is confirmed: `tallycell esim confirm ORDER`',
  },
  SIM_FILE_HEADING: {
    http: 400,
    exit: 65,
    message: 'the file is not of the format {format}: {reason}',
    hint: 'name its format with --format, and give the columns iccid, imsi, ki and opc at least',
  },
  RANGE_FOREIGN: {
    http: 409,
    exit: 65,
    message: 'the {what} {came} is outside the ranges of {tenant}',
    hint: 'see the ranges with `tallycell range list`, or add one for this tenant',
  },
  RANGE_OVERLAPS: {
    http: 409,
    exit: 65,
    message: 'the range {first} to {last} overlaps {other}',
    hint: 'every identifier belongs to one tenant: choose a range that is free',
  },
  RANGE_EXHAUSTED: {
    http: 409,
    exit: 65,
    message: 'the {what} ranges of {tenant} have {left} left, and {wanted} are wanted',
    hint: 'add a range, or make a smaller batch',
  },
  BATCH_UNKNOWN: {
    http: 404,
    exit: 65,
    message: "there is no batch '{batch}'",
    hint: 'see the batches with `tallycell batch list`',
  },
  BATCH_UNFINISHED: {
    http: 409,
    exit: 65,
    message: "the batch '{batch}' is {state}",
    hint: 'load its file again to finish it: what is in already is not loaded twice',
  },
  OPERATOR_TOKEN_WRONG: {
    http: 403,
    exit: 77,
    message: 'this is no token of an operator who may let keys leave',
    hint: 'give the file with your own token; another operator makes one with `tallycell key operator-add NAME --token-file THEIRS --out FILE`',
  },
  OPERATOR_EXISTS: {
    http: 409,
    exit: 65,
    message: "there is or was an operator '{operator}'",
    hint: 'choose another name: what one has approved keeps its name for ever',
  },
  OPERATOR_UNKNOWN: {
    http: 404,
    exit: 65,
    message: "there is no operator '{operator}'",
    hint: 'see them with `tallycell key operators`',
  },
  EXPORT_UNAPPROVED: {
    http: 403,
    exit: 77,
    message: 'the export {export} cannot be made: {reason}',
    hint: 'keys leave when two operators agree, within a day: one asks, another approves with `tallycell batch approve`, the first exports',
  },
  NETWORK_KEY_EXISTS: {
    http: 409,
    exit: 65,
    message: 'a {kind} key {id} is there already',
    hint: 'choose another id: SIMs that know the old key go on using it',
  },
  NETWORK_KEY_UNKNOWN: {
    http: 404,
    exit: 65,
    message: 'there is no {kind} key {id}',
    hint: 'see the keys with `tallycell key list`',
  },
  NETWORK_KEY_PUBLIC: {
    http: 409,
    exit: 65,
    message: 'the private half of this key is published ({name}): whoever likes can read the identities sent under it',
    hint: 'make a new one: leave --pem away',
  },
  NETWORK_KEY_IN_USE: {
    http: 409,
    exit: 65,
    message: 'the {kind} key {id} is on {count} SIMs still',
    hint: 'replace it on those first, or retire it with --force: their phones will not be able to hide who they are',
  },
  TRANSPORT_KEY_INVALID: {
    http: 400,
    exit: 65,
    message: 'the transport key {id} cannot be used: {reason}',
    hint: 'give 16, 24 or 32 octets as 32, 48 or 64 hex digits, alone in a file',
  },
  VAULT_DAMAGED: {
    http: 500,
    exit: 78,
    message: 'a secret of the vault ({place}) does not open: {reason}',
    hint: 'the database has been damaged or changed by hand: restore it from a backup',
  },
  SUBSCRIPTION_LOCKED: {
    http: 409,
    exit: 65,
    message: "'{subscriber}' has locked {what}: nothing was changed, and the subscriber is told",
    hint: 'the subscriber has to take the lock away first',
  },
  SUBSCRIPTION_UNKNOWN: {
    http: 404,
    exit: 65,
    message: "there is no subscription '{subscriber}'",
    hint: 'see them with `tallycell subscriber list`, or open it: tallycell subscriber activate {subscriber} --sim ICCID',
  },
  MSISDN_TAKEN: {
    http: 409,
    exit: 65,
    message: 'the number {msisdn} belongs to another subscriber or is being ported',
    hint: 'choose another number',
  },
  PORT_OPEN: {
    http: 409,
    exit: 65,
    message: "the number of '{subscriber}' is being ported: port {port} is {state}",
    hint: 'let it complete, or call it off with `tallycell port cancel {port}`, and try again',
  },
  PORT_FOLDER_UNUSABLE: {
    http: 500,
    exit: 73,
    message: 'cannot use the folder {folder} of porting orders: {reason}',
    hint: 'set porting.folder to a folder that the program may write, and submit the order again',
  },
  PORT_UNKNOWN: { http: 404, exit: 65, message: 'there is no port {port}', hint: 'check the number of the port' },
  INTERNAL: {
    http: 500,
    exit: 70,
    message: 'unexpected failure: {reason}',
    hint: 'this is a fault of the program: run it again with --verbose (or read the log) and report what it shows',
  },
  CLI_COMMAND_UNKNOWN: {
    http: 400,
    exit: 64,
    message: "there is no command '{came}'{suggestion}",
    hint: "'{help}' lists the commands",
  },
  CLI_COMMAND_INCOMPLETE: {
    http: 400,
    exit: 64,
    message: "'{came}' is not a whole command: expected one of {expected} after it",
    hint: "'{help}' explains them",
  },
  CLI_OPTION_UNKNOWN: {
    http: 400,
    exit: 64,
    message: "there is no option '{came}' here{suggestion}",
    hint: "'{help}' lists the options",
  },
  CLI_OPTION_INVALID: {
    http: 400,
    exit: 64,
    message: "option '{option}' {problem}",
    hint: "'{help}' shows how it is used",
  },
  CLI_ARGUMENT_MISSING: {
    http: 400,
    exit: 64,
    message: '{name} is missing: expected {expected}',
    hint: "the form is '{usage}'",
  },
  CLI_ARGUMENT_EXTRA: {
    http: 400,
    exit: 64,
    message: "'{came}' is one argument too many",
    hint: "the form is '{usage}'",
  },
  CLI_INTERRUPTED: {
    http: 503,
    exit: 130,
    message: 'stopped by {signal} before the end',
    hint: 'run it again',
  },
  CLI_OUTPUT_UNWRITABLE: {
    http: 500,
    exit: 74,
    message: 'cannot write the answer: {reason}',
    hint: 'check where the output goes; what the command did is done',
  },
  CONFIG_UNREADABLE: {
    http: 500,
    exit: 78,
    message: 'cannot read the configuration {file}: {reason}',
    hint: "name a readable YAML file with --config or TALLYCELL_CONFIG, or write one with 'tallycell config init'",
  },
  CONFIG_INVALID: {
    http: 500,
    exit: 78,
    message: 'the configuration has {count} problem(s):\n{problems}',
    hint: "correct what is listed; 'tallycell config init' writes an example that explains every setting",
  },
  CONFIG_EXISTS: {
    http: 409,
    exit: 73,
    message: '{file} exists already and was left as it is',
    hint: 'name another file with --config, or overwrite this one with --force',
  },
  CONFIG_UNWRITABLE: {
    http: 500,
    exit: 73,
    message: 'cannot write {file}: {reason}',
    hint: 'choose a folder that exists and that you may write to',
  },
  KEY_FOLDER_UNUSABLE: {
    http: 500,
    exit: 78,
    message: 'cannot use the key folder {folder}: {reason}',
    hint: 'give the program a folder of its own that only it may read (mode 0700)',
  },
  KEY_FILE_UNUSABLE: {
    http: 500,
    exit: 78,
    message: 'cannot use the key file {file}: {reason}',
    hint: 'check its owner, and that the disk is sound and not full',
  },
  KEY_PERMISSIONS_OPEN: {
    http: 500,
    exit: 78,
    message: '{file} may be read by others (mode {mode})',
    hint: "close it with 'chmod {wanted} {file}', and replace its keys if a stranger may have seen them",
  },
  KEY_KEK_MISSING: {
    http: 500,
    exit: 78,
    message: 'the key-encryption key {file} does not exist',
    hint: 'bring it back from where you keep it; to begin anew, move the old key files away first and make one with: head -c 32 /dev/urandom > {file}',
  },
  KEY_KEK_INVALID: {
    http: 500,
    exit: 78,
    message: 'the key-encryption key {file} has {came} octets: expected exactly 32',
    hint: 'bring back the right file; a new one is made with: head -c 32 /dev/urandom > {file}',
  },
  KEY_KEK_WRONG: {
    http: 500,
    exit: 78,
    message: '{file} was encrypted under another key-encryption key than {kekFile}',
    hint: 'set keys.kekFile to the key-encryption key that this key was made with',
  },
  KEY_PKCS11_MISSING: {
    http: 500,
    exit: 78,
    message: 'keys.pkcs11 needs the package pkcs11js, which is not installed: {reason}',
    hint: 'install it beside tallycell with `npm install pkcs11js@2`; it is compiled at install and needs a C++ compiler',
  },
  KEY_PKCS11_UNUSABLE: {
    http: 500,
    exit: 78,
    message: 'the security module {module} cannot be used: {reason}',
    hint: 'check keys.pkcs11: module, token and key as `pkcs11-tool --list-objects` shows them, and the file of the PIN',
  },
  KEY_FILE_DAMAGED: {
    http: 500,
    exit: 78,
    message: 'the key file {file} is damaged: {reason}',
    hint: 'bring it back from a backup; it cannot be mended',
  },
  NODE_ALREADY_RUNNING: {
    http: 409,
    exit: 75,
    message: 'another node (process {pid}) is running on {dataDir}',
    hint: 'stop it first, or give this one a dataDir of its own',
  },
  HTTP_PORT_IN_USE: {
    http: 500,
    exit: 69,
    message: 'the HTTP address {listen} is taken by another program',
    hint: "set http.listen to a free address and port; 'ss -ltnp' shows who holds this one",
  },
  HTTP_ADDRESS_UNUSABLE: {
    http: 500,
    exit: 69,
    message: 'cannot listen for HTTP on {listen}: {reason}',
    hint: 'set http.listen to an address of this machine and a port above 1023',
  },
  HTTP_TLS_UNUSABLE: {
    http: 500,
    exit: 78,
    message: 'cannot speak TLS with {file}: {reason}',
    hint: 'set http.tls.certificate and http.tls.key to PEM files that belong together and that this user can read',
  },
  HTTP_ROUTE_UNKNOWN: {
    http: 404,
    exit: 66,
    message: 'there is nothing at {method} {path}',
    hint: 'check the address and the method',
  },
  HTTP_REQUEST_INVALID: {
    http: 400,
    exit: 64,
    message: 'the request cannot be accepted: {reason}',
    hint: 'correct the request and send it again',
  },
  PARTNER_REQUEST_INVALID: {
    http: 400,
    exit: 64,
    message: 'the request has {count} problem(s): {problems}',
    hint: 'correct what is listed and send it again; /openapi.json describes every request',
  },
  PARTNER_UNAUTHENTICATED: {
    http: 401,
    exit: 77,
    message: 'no valid access token: {reason}',
    hint: 'get a token at POST /oauth2/token and send it as Authorization: Bearer TOKEN',
  },
  PARTNER_FORBIDDEN: {
    http: 403,
    exit: 77,
    message: 'the access token does not cover the scope {scope}',
    hint: 'ask for a token with that scope; the operator says which scopes a client may have',
  },
  PARTNER_UNKNOWN: {
    http: 404,
    exit: 66,
    message: "there is no {what} '{id}'",
    hint: 'check the identifier',
  },
  PARTNER_CONFLICT: {
    http: 409,
    exit: 65,
    message: 'this cannot be done now: {reason}',
    hint: 'read the object again and decide by its state',
  },
  PARTNER_PRECONDITION: {
    http: 412,
    exit: 65,
    message: 'the object is not what If-Match says: it has the entity tag {etag} now',
    hint: 'read it again, and repeat the change with its ETag if it is still wanted',
  },
  PARTNER_PRECONDITION_REQUIRED: {
    http: 428,
    exit: 65,
    message: 'this change needs an If-Match header',
    hint: "read the object first and send its ETag as If-Match, so that nobody else's change is lost",
  },
  PARTNER_KEY_REUSED: {
    http: 422,
    exit: 65,
    message: 'the Idempotency-Key was used for another request',
    hint: 'use a new key for each request; the same key only to send the same request again',
  },
  PARTNER_LIMIT: {
    http: 429,
    exit: 75,
    message: 'the limit of {limit} requests per {period} is reached',
    hint: 'wait as long as Retry-After says, and send requests more slowly',
  },
  PARTNER_MEDIA_TYPE: {
    http: 415,
    exit: 65,
    message: 'this route takes no body of the type {came}',
    hint: 'set Content-Type to what the body is, application/json for most; /openapi.json says which a route takes',
  },
  PARTNER_CLIENT_UNKNOWN: {
    http: 404,
    exit: 66,
    message: "there is no client '{client}'",
    hint: 'see the clients with `tallycell partner list`',
  },
  CHAIN_NOT_INSTALLED: {
    http: 503,
    exit: 69,
    message: 'the embedded chain cannot be loaded: {module}: {reason}',
    hint: 'install it with `npm install {module}` (64-bit Linux with glibc), or use another chain with --rpc URL or settlement.rpc',
  },
  CHAIN_PORT_TAKEN: {
    http: 503,
    exit: 69,
    message: 'port {port} of the embedded chain is taken by another program',
    hint: 'set settlement.embedded.port to a free port, or stop the other program',
  },
  CHAIN_UNREACHABLE: {
    http: 503,
    exit: 69,
    message: 'no answer from the chain at {url}: {reason}',
    hint: 'check settlement.rpc and the network; nothing is lost, payouts are tried again. The embedded chain runs only while `tallycell up` does',
  },
  CHAIN_REFUSED: {
    http: 502,
    exit: 69,
    message: 'the chain at {url} refused {method}: {reason}',
    hint: 'check that settlement.rpc names a Solana JSON-RPC service with transaction history',
  },
  CHAIN_CHANGED: {
    http: 409,
    exit: 78,
    message: 'transactions on their way were signed for the chain {before}, but settlement.rpc now leads to {now}',
    hint: 'set settlement.rpc back until they are final, so that nobody is paid twice',
  },
  LOG_ENTRY_INVALID: {
    http: 500,
    exit: 70,
    message: "a log entry of type '{type}' cannot be written: '{field}' does not hold {expected}",
    hint: 'this is a fault of the program: report it with the log output around it',
  },
  LOG_TILE_MISSING: {
    http: 404,
    exit: 66,
    message: 'the log has no file {path}',
    hint: 'mirror the whole log folder, tiles before the checkpoint, and try again',
  },
  LOG_TILE_UNREADABLE: {
    http: 502,
    exit: 65,
    message: 'the log file {path} cannot be used: {reason}',
    hint: 'fetch that file again from the log or from another mirror',
  },
  LOG_TILE_DIFFERS: {
    http: 500,
    exit: 70,
    message: 'the log file {path} is already there with other contents: nothing was signed',
    hint: 'the database and the log folder do not belong together: restore the newer of the two, never sign over it',
  },
  LOG_DIRECTORY_UNUSABLE: {
    http: 500,
    exit: 74,
    message: 'cannot write the log folder {directory}: {reason}',
    hint: 'check that the folder is writable and the disk not full; entries are safe in the database and will be published later',
  },
  LOG_INCONSISTENT: {
    http: 500,
    exit: 70,
    message: 'the log {origin} at size {size} does not continue the checkpoint of size {signed}: nothing was signed',
    hint: 'the database is older than the published log, or was changed: restore it from the newest backup, or start a log with another origin',
  },
  LOG_ENTRIES_DAMAGED: {
    http: 500,
    exit: 70,
    message: 'log entries {first} to {last} are missing or damaged in the database: nothing was signed',
    hint: 'restore the database from the newest backup; the log folder holds every published entry',
  },
  LOG_ORIGIN_CHANGED: {
    http: 500,
    exit: 78,
    message: "the database holds the log '{before}', but the configuration names '{now}'",
    hint: 'set the origin back: a log keeps its name for life',
  },
  LOG_KEY_CHANGED: {
    http: 500,
    exit: 78,
    message: 'the log in {directory} was signed with the key {before}, but the key at hand is {now}',
    hint: 'restore the key that the log was made with: owners check their receipts with it',
  },
  LOG_ORIGIN_INVALID: {
    http: 500,
    exit: 78,
    message: "'{came}' cannot name a log: expected 1 to 255 characters without spaces or '+'",
    hint: 'use a host name and a path, such as example.com/log',
  },
  LOG_NO_POLICY: {
    http: 503,
    exit: 70,
    message: 'the log holds no policy entry to judge usage by',
    hint: 'let the node append the configured policy before receipts are written',
  },
  LOG_POLICY_INVALID: {
    http: 500,
    exit: 78,
    message: 'the policy cannot be used: {reason}',
    hint: 'correct the policy in the configuration',
  },
  LOG_NOT_PUBLISHED: {
    http: 503,
    exit: 75,
    message: 'entry {index} is not covered by a signed checkpoint yet',
    hint: 'a running node signs within a second: try again in a moment',
  },
  RECEIPT_UNKNOWN: {
    http: 404,
    exit: 66,
    message: 'there is no receipt {what}',
    hint: "'tallycell usage list' shows what has been metered; receipts follow within seconds",
  },
  RECEIPT_FILE_UNREADABLE: {
    http: 400,
    exit: 66,
    message: 'cannot read {file}: {reason}',
    hint: "name a receipt file, as 'tallycell receipt show INDEX --out FILE' writes it",
  },
  RECEIPT_FILE_UNWRITABLE: {
    http: 400,
    exit: 73,
    message: 'cannot write {file}: {reason}',
    hint: 'choose a folder that exists and that you may write to',
  },
  RECEIPT_KEY_MISSING: {
    http: 400,
    exit: 66,
    message: 'no key to check the receipt with: {file} is not there',
    hint: "give the log's key with --key NAME+ID+KEY; its operator publishes it as log.vkey",
  },
  RECEIPT_KEY_INVALID: {
    http: 400,
    exit: 64,
    message: "'{came}' is not a verifier key: expected NAME+8 hex digits+base64",
    hint: "copy the whole line from the log's log.vkey",
  },
  RADIUS_VALUE_INVALID: {
    http: 500,
    exit: 70,
    message: 'a RADIUS packet cannot carry the value given for {attribute}: expected {expected}',
    hint: 'give a value of that type and length',
  },
  RADIUS_PACKET_TOO_LONG: {
    http: 500,
    exit: 70,
    message: 'the attributes do not fit a RADIUS packet of {limit} octets',
    hint: 'send fewer or shorter attributes',
  },
  DIAMETER_VALUE_INVALID: {
    http: 500,
    exit: 70,
    message: 'a Diameter message cannot carry the value given for {avp}: expected {expected}',
    hint: 'give a value of that format and length',
  },
  DIAMETER_MESSAGE_TOO_LONG: {
    http: 500,
    exit: 70,
    message: 'the AVPs do not fit a Diameter message of {limit} octets',
    hint: 'send fewer or shorter AVPs',
  },
  DIAMETER_IDENTITY_INVALID: {
    http: 500,
    exit: 78,
    message: "'{came}' is not a Diameter identity: expected a host name such as ocs.example.com",
    hint: 'correct {what}',
  },
  DIAMETER_PEER_TWICE: {
    http: 500,
    exit: 78,
    message: 'two Diameter peers are named {peer}',
    hint: 'leave one of them out; a peer may have several connections',
  },
  DIAMETER_LISTEN_FAILED: {
    http: 500,
    exit: 78,
    message: 'cannot listen for Diameter peers on {address}: {reason}',
    hint: 'give an address of this machine and a port that no other program has',
  },
  DIAMETER_ADDRESS_INVALID: {
    http: 500,
    exit: 78,
    message: "'{came}' is no address: expected host:port such as 127.0.0.1:3868",
    hint: 'correct it below diameter in the configuration',
  },
  DIAMETER_UNNAMED: {
    http: 500,
    exit: 78,
    message: 'this node has no name for Diameter peers',
    hint: 'set diameter.identity in the configuration, such as ocs.example.com',
  },
  DIAMETER_TLS_INCOMPLETE: {
    http: 500,
    exit: 78,
    message: 'TLS for Diameter peers needs diameter.{what}, which is not set',
    hint: 'set certificateFile, keyFile and caFile, or take TLS away from listenTls and the peers',
  },
  DIAMETER_FILE_UNREADABLE: {
    http: 500,
    exit: 78,
    message: 'cannot read {file} for Diameter over TLS: {reason}',
    hint: 'give the path of a PEM file that the program may read',
  },
  DIAMETER_ROUTE_PEER_UNKNOWN: {
    http: 500,
    exit: 78,
    message: 'a route goes to {peer}, which is none of diameter.peers',
    hint: 'add it to the peers, or correct its name in the route',
  },
  DIAMETER_NO_PEER: {
    http: 503,
    exit: 69,
    message: 'no Diameter peer can be reached for {destination}',
    hint: 'check that the peer runs and that its name, realm and address are right',
  },
  DIAMETER_NO_ANSWER: {
    http: 504,
    exit: 69,
    message: 'no answer from {destination} within {milliseconds} ms',
    hint: 'check that the peer runs and how busy it is',
  },
  RADIUS_NO_ANSWER: {
    http: 504,
    exit: 69,
    message: 'no answer from the RADIUS server {server}',
    hint: 'check that it runs, that radius.clients names the address that the request came from, and that both have the same secret',
  },
  RADIUS_PORT_IN_USE: {
    http: 500,
    exit: 75,
    message: 'UDP port {port} on {host} is in use by another program',
    hint: "stop that program ('ss -lunp' names it) or set another radius.listen port",
  },
  RADIUS_PORT_FORBIDDEN: {
    http: 500,
    exit: 77,
    message: 'not permitted to open UDP port {port} on {host}',
    hint: 'choose a port of 1024 or above, or grant the service CAP_NET_BIND_SERVICE',
  },
  RADIUS_LISTEN_FAILED: {
    http: 500,
    exit: 71,
    message: 'cannot listen on UDP port {port} of {host}: {reason}',
    hint: 'set radius.listen to an address of this machine',
  },
  RADIUS_CLIENT_INVALID: {
    http: 500,
    exit: 78,
    message: "RADIUS client {name}: '{address}' is no address or prefix",
    hint: "write an IPv4 or IPv6 address, or a prefix such as '192.0.2.0/24' or '2001:db8::/32' without host bits",
  },
  RADIO_AUTHORITY_LOST: {
    http: 500,
    exit: 78,
    message:
      'the key of the certification authority in the key store is not the one of its certificate in the database',
    hint: 'restore the key folder that belongs to this database (file radio-authority.secret)',
  },
  RADIO_CERT_REQUEST: {
    http: 400,
    exit: 65,
    message:
      'the certification request is none, or not signed by its own key: expected PKCS #10 in PEM, with an EC or RSA key',
    hint: 'make one with: openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout site.key -subj /CN=site -out site.csr',
  },
  RADIO_CERT_UNKNOWN: {
    http: 404,
    exit: 65,
    message: 'there is no certificate with the serial number {serial}',
    hint: 'list them with: tallycell radio cert list',
  },
  RADIO_CERT_REVOKED: {
    http: 409,
    exit: 65,
    message: 'the certificate {serial} has been revoked before',
    hint: 'nothing needs to be done',
  },
  RADIO_CERT_FILE: {
    http: 500,
    exit: 74,
    message: 'the file {file} cannot be written or read: {reason}',
    hint: 'check the path of --csr, or choose another folder with --out; a certificate that was issued but not written should be revoked: tallycell radio cert list',
  },
  RADIUS_SERVER_INVALID: {
    http: 500,
    exit: 78,
    message: 'the home server {name} cannot be used: {reason}',
    hint: 'correct radius.proxy.servers in the configuration',
  },
  RADIUS_ROUTE_INVALID: {
    http: 500,
    exit: 78,
    message: "the route for realm '{realm}' names the home server {name}, which radius.proxy.servers does not have",
    hint: 'correct radius.proxy.routes in the configuration',
  },
  RADIUS_CLIENT_TWICE: {
    http: 500,
    exit: 78,
    message: 'RADIUS clients {first} and {second} have the same address',
    hint: 'remove one of them',
  },
  RADIUS_SECRET_INVALID: {
    http: 500,
    exit: 78,
    message: 'the shared secret of RADIUS client {name} has {length} octets: expected 1 to {limit}',
    hint: 'put the secret alone into its file, 16 or more random characters',
  },
  RADIUS_THREAD_FAILED: {
    http: 500,
    exit: 70,
    message: 'the RADIUS input/output thread failed: {reason}',
    hint: 'this is a bug: please report it with the log',
  },
  EPOCH_UNKNOWN: {
    http: 404,
    exit: 66,
    message: 'there is no epoch {epoch}',
    hint: 'see the epochs with `tallycell epoch show`',
  },
  EPOCH_WITHOUT_RATE: {
    http: 500,
    exit: 70,
    message:
      'epoch {epoch} counts octets that {payer} pays for, but no policy names a rate for {access}: nothing was closed',
    hint: 'report this: usage without a rate must be held, not counted',
  },
  EPOCH_LOG_UNREADABLE: {
    http: 500,
    exit: 65,
    message: 'entry {index} of the log cannot be used: {reason}',
    hint: 'the database has been damaged or changed by hand: restore it from a backup',
  },
  TREASURY_WITHOUT_MINT: {
    http: 409,
    exit: 78,
    message: 'no token is configured to pay with',
    hint: 'set settlement.mint to the mint address of the token; only the embedded chain makes a test token of its own',
  },
  TREASURY_DIFFERS: {
    http: 409,
    exit: 78,
    message: '{account} on the chain is not what it must be: {reason}',
    hint: 'check settlement.rpc, settlement.mint and the oracle keys: they belong to another installation',
  },
  TREASURY_UNKNOWN: {
    http: 404,
    exit: 66,
    message: "the payer '{payer}' has no treasury on this chain",
    hint: 'open one first: it is made when the node starts with that payer',
  },
  TREASURY_FAILED: {
    http: 502,
    exit: 69,
    message: 'the chain did not carry out {what}: {reason}',
    hint: 'check that the fee payer {payer} has SOL, and try again: what was done already is not done twice',
  },
  PLAN_INVALID: {
    http: 400,
    exit: 65,
    message: 'the plan has {count} problem(s):\n{problems}',
    hint: 'correct what is listed and load it again: nothing was changed',
  },
  BER_VALUE_INVALID: {
    http: 500,
    exit: 70,
    message: "'{field}' has no encoding: its type does not hold the value",
    hint: 'this is a fault of the program: report it with the log output around it',
  },
  CDR_UNKNOWN: {
    http: 404,
    exit: 65,
    message: 'there is no charging data record {number}: the newest is {newest}',
    hint: 'see the records with `tallycell cdr list`',
  },
  CDR_RECORD_INVALID: {
    http: 500,
    exit: 65,
    message: 'charging data record {number} cannot be written: {reason}',
    hint: 'correct what the record was made from; no file was written from that record on',
  },
  CDR_FILE_DIFFERS: {
    http: 409,
    exit: 73,
    message: 'the file {file} of sequence number {sequence} is there with other contents: nothing was written',
    hint: 'sequence numbers are never used twice: export to an empty folder, or go on after the last file that is there',
  },
  CDR_FOLDER_UNUSABLE: {
    http: 500,
    exit: 74,
    message: 'cannot write the folder {folder}: {reason}',
    hint: 'check that the folder is writable and the disk not full; the export can be repeated from the same sequence number',
  },
  EPOCH_AMOUNT_TOO_LARGE: {
    http: 500,
    exit: 70,
    message:
      '{payer} would owe radio {radio} {amount} microtokens, more than any token account can hold: nothing was closed',
    hint: 'the rates of the policy are too high by far: correct billing.reward before any more usage is judged, and report this',
  },
} as const satisfies Record<string, Row>

export type ErrorCode = keyof typeof ERRORS

type Names<Text extends string> = Text extends `${string}{${infer Name}}${infer Rest}` ? Name | Names<Rest> : never
/** The values that the message and hint of a code need. */
export type ErrorContext<Code extends ErrorCode> = Record<
  Names<(typeof ERRORS)[Code]['message']> | Names<(typeof ERRORS)[Code]['hint']>,
  string | number | bigint
>

const fill = (template: string, context: Record<string, unknown>): string =>
  template.replace(/\{(\w+)\}/g, (_all, name: string) => String(context[name]))

/** An error of the catalogue. `message` says what happened, `hint` what to do. */
export class TallycellError<Code extends ErrorCode = ErrorCode> extends Error {
  readonly code: Code
  readonly hint: string
  readonly context: Readonly<Record<string, string | number | bigint>>

  constructor(code: Code, context: ErrorContext<Code>, cause?: unknown) {
    super(fill(ERRORS[code].message, context), cause === undefined ? {} : { cause })
    this.name = 'TallycellError'
    this.code = code
    this.hint = fill(ERRORS[code].hint, context)
    this.context = context
  }
}

/** Throws the error `code` of the catalogue. */
export function fail<Code extends ErrorCode>(code: Code, context: ErrorContext<Code>, cause?: unknown): never {
  throw new TallycellError(code, context, cause)
}

/** Narrows an unknown error to one of the catalogue. */
export function isTallycellError(error: unknown): error is TallycellError {
  return error instanceof TallycellError
}
