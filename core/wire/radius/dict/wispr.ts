// Vendor 14122: Wireless ISP Roaming (WISPr) best current practices 1.0, now the Wireless Broadband Alliance, whose own attributes
// (WBA, "RADIUS-VSA") go on from type 12.
import type { VendorDictionary } from './row.ts'

export const WISPR = {
  vendor: 14122,
  name: 'WISPr',
  rows: [
    { code: 1, name: 'WISPr-Location-ID', type: 'text', ref: 'WISPr 1.0' },
    { code: 2, name: 'WISPr-Location-Name', type: 'text', ref: 'WISPr 1.0' },
    { code: 3, name: 'WISPr-Logoff-URL', type: 'text', ref: 'WISPr 1.0' },
    { code: 4, name: 'WISPr-Redirection-URL', type: 'text', ref: 'WISPr 1.0' },
    { code: 5, name: 'WISPr-Bandwidth-Min-Up', type: 'u32', ref: 'WISPr 1.0' },
    { code: 6, name: 'WISPr-Bandwidth-Min-Down', type: 'u32', ref: 'WISPr 1.0' },
    { code: 7, name: 'WISPr-Bandwidth-Max-Up', type: 'u32', ref: 'WISPr 1.0' },
    { code: 8, name: 'WISPr-Bandwidth-Max-Down', type: 'u32', ref: 'WISPr 1.0' },
    { code: 9, name: 'WISPr-Session-Terminate-Time', type: 'text', ref: 'WISPr 1.0' },
    { code: 10, name: 'WISPr-Session-Terminate-End-Of-Day', type: 'text', ref: 'WISPr 1.0' },
    { code: 11, name: 'WISPr-Billing-Class-Of-Service', type: 'text', ref: 'WISPr 1.0' },
    { code: 12, name: 'WBA-Offered-Service', type: 'text', ref: 'WBA RADIUS-VSA' },
    { code: 13, name: 'WBA-Financial-Clearing-Provider', type: 'text', ref: 'WBA RADIUS-VSA' },
    { code: 14, name: 'WBA-Data-Clearing-Provider', type: 'text', ref: 'WBA RADIUS-VSA' },
    { code: 15, name: 'WBA-Linear-Volume-Rate', type: 'octets', ref: 'WBA RADIUS-VSA' },
    { code: 16, name: 'WBA-Identity-Provider', type: 'text', ref: 'WBA RADIUS-VSA' },
    { code: 17, name: 'WBA-Custom-SLA', type: 'octets', ref: 'WBA RADIUS-VSA' },
  ],
} as const satisfies VendorDictionary
