// Vendor 311: RFC 2548, Microsoft Vendor-specific RADIUS Attributes.
import type { VendorDictionary } from './row.ts'

const ACCT_AUTH_TYPE = { 1: 'PAP', 2: 'CHAP', 3: 'MS-CHAP-1', 4: 'MS-CHAP-2', 5: 'EAP' } as const
const ACCT_EAP_TYPE = { 4: 'MD5', 5: 'OTP', 6: 'Generic Token Card', 13: 'TLS' } as const

export const MICROSOFT = {
  vendor: 311,
  name: 'Microsoft',
  rows: [
    { code: 1, name: 'MS-CHAP-Response', type: 'octets', ref: 'RFC 2548 §2.1.3' },
    { code: 2, name: 'MS-CHAP-Error', type: 'octets', ref: 'RFC 2548 §2.1.5' },
    { code: 3, name: 'MS-CHAP-CPW-1', type: 'octets', ref: 'RFC 2548 §2.1.6' },
    { code: 4, name: 'MS-CHAP-CPW-2', type: 'octets', ref: 'RFC 2548 §2.1.7' },
    { code: 5, name: 'MS-CHAP-LM-Enc-PW', type: 'octets', ref: 'RFC 2548 §2.1.8' },
    { code: 6, name: 'MS-CHAP-NT-Enc-PW', type: 'octets', ref: 'RFC 2548 §2.2' },
    {
      code: 7,
      name: 'MS-MPPE-Encryption-Policy',
      type: 'u32',
      values: { 1: 'Encryption-Allowed', 2: 'Encryption-Required' },
      ref: 'RFC 2548 §2.4.4',
    },
    { code: 8, name: 'MS-MPPE-Encryption-Types', type: 'u32', ref: 'RFC 2548 §2.4.5' },
    { code: 9, name: 'MS-RAS-Vendor', type: 'u32', ref: 'RFC 2548 §2.7.1' },
    { code: 10, name: 'MS-CHAP-Domain', type: 'octets', ref: 'RFC 2548 §2.1.4' },
    { code: 11, name: 'MS-CHAP-Challenge', type: 'octets', ref: 'RFC 2548 §2.1.2' },
    { code: 12, name: 'MS-CHAP-MPPE-Keys', type: 'octets', hidden: 'password', ref: 'RFC 2548 §2.4.1' },
    { code: 13, name: 'MS-BAP-Usage', type: 'u32', ref: 'RFC 2548 §2.5.1' },
    { code: 14, name: 'MS-Link-Utilization-Threshold', type: 'u32', ref: 'RFC 2548 §2.5.2' },
    { code: 15, name: 'MS-Link-Drop-Time-Limit', type: 'u32', ref: 'RFC 2548 §2.5.3' },
    { code: 16, name: 'MS-MPPE-Send-Key', type: 'octets', hidden: 'salted', ref: 'RFC 2548 §2.4.2' },
    { code: 17, name: 'MS-MPPE-Recv-Key', type: 'octets', hidden: 'salted', ref: 'RFC 2548 §2.4.3' },
    { code: 18, name: 'MS-RAS-Version', type: 'text', ref: 'RFC 2548 §2.7.2' },
    { code: 19, name: 'MS-Old-ARAP-Password', type: 'octets', ref: 'RFC 2548 §2.6.1' },
    { code: 20, name: 'MS-New-ARAP-Password', type: 'octets', ref: 'RFC 2548 §2.6.2' },
    { code: 21, name: 'MS-ARAP-Password-Change-Reason', type: 'u32', ref: 'RFC 2548 §2.6.3' },
    { code: 22, name: 'MS-Filter', type: 'octets', ref: 'RFC 2548 §2.7.3' },
    { code: 23, name: 'MS-Acct-Auth-Type', type: 'u32', values: ACCT_AUTH_TYPE, ref: 'RFC 2548 §2.7.4' },
    { code: 24, name: 'MS-Acct-EAP-Type', type: 'u32', values: ACCT_EAP_TYPE, ref: 'RFC 2548 §2.7.5' },
    { code: 25, name: 'MS-CHAP2-Response', type: 'octets', ref: 'RFC 2548 §2.3.2' },
    { code: 26, name: 'MS-CHAP2-Success', type: 'octets', ref: 'RFC 2548 §2.3.3' },
    { code: 27, name: 'MS-CHAP2-CPW', type: 'octets', ref: 'RFC 2548 §2.3.4' },
    { code: 28, name: 'MS-Primary-DNS-Server', type: 'ipv4', ref: 'RFC 2548 §2.7.6' },
    { code: 29, name: 'MS-Secondary-DNS-Server', type: 'ipv4', ref: 'RFC 2548 §2.7.7' },
    { code: 30, name: 'MS-Primary-NBNS-Server', type: 'ipv4', ref: 'RFC 2548 §2.7.8' },
    { code: 31, name: 'MS-Secondary-NBNS-Server', type: 'ipv4', ref: 'RFC 2548 §2.7.9' },
    { code: 33, name: 'MS-ARAP-Challenge', type: 'octets', ref: 'RFC 2548 §2.6.4' },
  ],
} as const satisfies VendorDictionary
