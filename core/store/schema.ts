// The tables as TypeScript sees them. Every integer column is a bigint, on both engines; times are milliseconds since 1970 UTC.
// The columns' meaning, units and standards stand in migrations/.
import type { Generated } from 'kysely'

export interface Schema {
  radio: {
    radio_id: string
    access: string
    radio_class: string | null
    nas_identifier: string | null
    called_station: string | null
    cell: string | null
    owner_wallet: string
    payout_wallet: string
    created_at: bigint
  }
  radio_event: {
    event_id: Generated<bigint>
    kind: string
    radio_id: string
    owner_wallet: string
    payout_wallet: string
    at: bigint
    reason: string | null
    expires_at: bigint | null
  }
  subscriber: {
    subscriber_seq: Generated<bigint>
    subscriber_id: string
    imsi: string | null
    payer_id: string
    plan_id: string
    created_at: bigint
  }
  usage_session: {
    session_no: Generated<bigint>
    session_key: string
    incarnation: bigint
    state: string
    started_at: bigint
    identity: string
    radio_id: string | null
    subscriber_id: string | null
    origin: string
    multi_session: string | null
    calling_station: string | null
  }
  usage_counter: {
    session_no: bigint
    sequence: bigint
    uplink: bigint
    downlink: bigint
    last_at: bigint
    seconds: bigint
    gigawords: bigint
    anomalies: bigint
  }
  usage_event: {
    event_id: Generated<bigint>
    origin: string
    session_id: string
    sequence: bigint
    subscriber_id: string | null
    radio_id: string | null
    access: string
    start_at: bigint
    end_at: bigint
    uplink: bigint
    downlink: bigint
    cause: string
    received_at: bigint
    flags: bigint
  }
  stage_cursor: { stage: string; position: bigint }
  ledger_account: {
    account_no: Generated<bigint>
    account_id: string
    unit: string
    normal_side: string
    debits: bigint
    credits: bigint
    pending: bigint
    remainder: bigint
  }
  ledger_transfer: {
    transfer_id: Generated<bigint>
    source: string
    reference: bigint | null
    cause: string
    debit_account: bigint
    credit_account: bigint
    amount: bigint
    at: bigint
  }
  log_entry: { entry_index: bigint; type: bigint; entry: Uint8Array; leaf_hash: Uint8Array }
  log_state: { origin: string; size: bigint; frontier: Uint8Array; published_size: bigint }
  log_checkpoint: { size: bigint; root: Uint8Array; note: string; signed_at: bigint }
  receipt: {
    entry_index: bigint
    event_id: bigint
    epoch: bigint
    payer_id: string
    radio_id: string
    radio_seq: bigint
    counted: bigint
    verdict: string
    session_ref: Uint8Array
    sequence: bigint
  }
  policy_radio: {
    radio_id: string
    owner_wallet: string
    payout_wallet: string
    next_seq: bigint
    claim_seq: bigint
    banned_from: bigint | null
    banned_until: bigint | null
  }
  epoch: {
    epoch: bigint
    state: string
    opened_at: bigint
    closed_at: bigint | null
    first_index: bigint
    last_index: bigint | null
    table_hash: Uint8Array | null
    total: bigint
  }
  payout: {
    epoch: bigint
    payer_id: string
    radio_id: string
    payout_wallet: string
    counted: bigint
    carry_in: bigint
    amount: bigint
    carry_out: bigint
    state: string
    batch_id: string | null
  }
  settlement_transaction: {
    batch_id: string
    epoch: bigint
    kind: string
    payer_id: string | null
    state: string
    attempt: bigint
    chain: string
    since_slot: bigint
    memo: string
    digest: Uint8Array
    wire: Uint8Array | null
    signature: string | null
    last_valid_block_height: bigint | null
    slot: bigint | null
    updated_at: bigint
  }
  treasury: {
    payer_id: string
    mint: string
    multisig: string
    token_account: string
    signers: string
    threshold: bigint
    chain: string
    created_at: bigint
  }
  data_key: {
    key_no: Generated<bigint>
    purpose: string
    envelope: Uint8Array
    uses: bigint
    open: bigint
    created_at: bigint
    rewrapped_at: bigint | null
  }
  network_key: {
    kind: string
    key_id: string
    profile: string
    public_key: Uint8Array | null
    state: string
    data_key: bigint
    sealed: Uint8Array
    fingerprint: string
    created_at: bigint
    changed_at: bigint
  }
  key_use: {
    use_id: Generated<bigint>
    at: bigint
    actor: string
    purpose: string
    subject: string
    count: bigint
  }
  number_range: {
    range_no: Generated<bigint>
    tenant_id: string
    kind: string
    first: string
    last: string
    mnc_digits: bigint | null
    next: string
    created_at: bigint
  }
  sim_batch: {
    batch_no: Generated<bigint>
    batch_id: string
    tenant_id: string
    source: string
    sha256: string
    format: string
    mode: string
    transport_key: string | null
    state: string
    position: bigint
    added: bigint
    unchanged: bigint
    refused: bigint
    created_at: bigint
    finished_at: bigint | null
  }
  sim_batch_error: {
    batch_no: bigint
    line: bigint
    code: string
    message: string
    hint: string
  }
  sim: {
    sim_no: Generated<bigint>
    iccid: string
    imsi: string
    mnc_digits: bigint
    tenant_id: string
    batch_no: bigint
    state: string
    form: string
    eid: string | null
    msisdn: string | null
    acc: string | null
    algorithm: string
    amf: string
    fingerprint: string
    home_key: bigint | null
    created_at: bigint
    changed_at: bigint
  }
  sim_secret: {
    sim_no: bigint
    data_key: bigint
    auth: Uint8Array
    codes: Uint8Array | null
  }
  sim_sequence: {
    sim_no: bigint
    sqn: bigint
  }
  aka_entity: {
    entity: string
    ind: bigint
  }
  sim_event: {
    event_id: Generated<bigint>
    at: bigint
    subject: string
    kind: string
    from_state: string
    to_state: string
    actor: string
    cause: string
    reason: string | null
  }
  subscription: {
    subscriber_id: string
    tenant_id: string
    iccid: string | null
    msisdn: string | null
    state: string
    reason: string | null
    sim_swap_lock: bigint
    port_lock: bigint
    changed_at: bigint
  }
  subscriber_notice: {
    notice_id: Generated<bigint>
    subscriber_id: string
    kind: string
    at: bigint
    detail: string
    sent_at: bigint | null
  }
  number_port: {
    port_id: Generated<bigint>
    direction: string
    msisdn: string
    tenant_id: string
    subscriber_id: string
    partner: string
    account: string | null
    pin_hash: string | null
    foc_at: bigint | null
    state: string
    reference: string | null
    reason: string | null
    created_at: bigint
    changed_at: bigint
  }
  key_operator: {
    operator_id: string
    token_hash: string
    created_by: string
    created_at: bigint
    revoked_at: bigint | null
  }
  session_order: {
    order_no: Generated<bigint>
    at: bigint
    subscriber_id: string
    imsi: string | null
    action: string
    cause: string
  }
  radio_authority: {
    authority_no: Generated<bigint>
    name: string
    certificate: Uint8Array
    created_at: bigint
  }
  radio_certificate: {
    serial: string
    fingerprint: string
    radio_id: string
    certificate: Uint8Array
    issued_at: bigint
    expires_at: bigint
    revoked_at: bigint | null
    reason: string | null
  }
  radio_certificate_member: { serial: string; radio_id: string }
  radio_certificate_event: { event_id: Generated<bigint>; serial: string; kind: string; at: bigint }
  proxy_accounting: {
    record_no: Generated<bigint>
    digest: Uint8Array
    realm: string
    packet: Uint8Array
    received_at: bigint
    attempt: bigint
    next_at: bigint
  }
  control_order: {
    order_no: Generated<bigint>
    session_no: bigint
    incarnation: bigint
    kind: string
    origin: string
    cause: string
    rate_up: bigint | null
    rate_down: bigint | null
    state: string
    attempt: bigint
    next_at: bigint
    created_at: bigint
    ended_at: bigint | null
    outcome: string | null
  }
  diameter_host: {
    host: string
    origin_state_id: bigint
    changed_at: bigint
  }
  key_export: {
    export_id: Generated<bigint>
    batch_no: bigint
    transport_key: string
    requested_by: string
    requested_at: bigint
    expires_at: bigint
    approved_by: string | null
    approved_at: bigint | null
    written_at: bigint | null
  }
}
