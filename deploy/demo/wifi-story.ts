// What the Wi-Fi chapter tells, in plain words.
import { formatOctets, formatTokens } from '../../core/kernel/units.ts'
import type { Wifi } from './wifi.ts'

/** `command`: the line that runs these words of `tallycell` again; `folder`: of the demonstration, with a slash. */
export function wifiText(wifi: Wifi, command: (words: string) => string, folder: string): string[] {
  const { radio, subscriber, iccid, bundle, used, cutOff, outcome } = wifi
  return [
    'A Wi-Fi phone came on by its SIM alone and was cut off when its bundle ended.',
    '',
    `  Access      ${radio} speaks RADIUS over TLS with a certificate that this node issued,`,
    `              ${wifi.radsecproxy ? "by way of Debian's radsecproxy" : 'by itself, as radsecproxy is not installed'}.`,
    command(`radio cert list ${radio}`),
    `  Phone       ${phoneText(wifi)},`,
    '              with a SIM whose key lies encrypted in the vault. Nobody typed a password.',
    command(`sim show ${iccid}`),
    `  Bundle      ${formatOctets(bundle)}. Its second report, of ${formatOctets(used)}, went beyond: access points report`,
    `              after the fact. Nobody paid for the last ${formatOctets(used - bundle)}, and that is on record.`,
    command(`balance list ${subscriber}`),
    `  Cut off     ${(cutOff / 1000).toFixed(1)} s after that report: a Disconnect-Request (RFC 5176) came down the access point's`,
    '              own connection. The program that stood in for its firmware checked the signature and agreed.',
    `      grep 'access point ordered' ${folder}node.log`,
    '  Refused     The phone tried again and was not let in, as nothing is left to pay with.',
    command(`balance events --subscriber ${subscriber}`),
    `  Owner       ${radio} carried ${formatOctets(outcome.octets)}: ${outcome.receipts} receipts, ${formatTokens(outcome.paid)} tokens paid.`,
    command(`usage list --radio ${radio}`),
  ]
}

function phoneText({ eapolTest, radsecproxy }: Wifi): string {
  if (!eapolTest) return "eapol_test or its python3 is not installed, so our own phone came on by EAP-AKA'"
  return `Debian's eapol_test came on by EAP-AKA'${radsecproxy ? '' : ', over UDP for want of radsecproxy'}`
}

export const wifiJson = ({ eapolTest, radsecproxy, used, cutOff, outcome }: Wifi): unknown => ({
  eapolTest,
  radsecproxy,
  octets: used,
  cutOffMillis: Math.round(cutOff),
  receipts: Number(outcome.receipts),
  paidMicrotokens: outcome.paid,
})
