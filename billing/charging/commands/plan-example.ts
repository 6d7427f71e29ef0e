// What `plan example` prints: a plan that uses most of what there is, each part explained.

export const PLAN_EXAMPLE = `# A plan: what a subscriber pays for what. Check it with: tallycell plan check plan.yaml
# Money is in micro-units, millionths of the tenant's currency: 2000000 is 2.00. Octets may be written '10 GB'.
# A version never changes once it is stored. To change a plan, raise the version and add the document again: sessions that
# open from then on use it, sessions that are open keep what they were opened with.

tenant: default             # whose plan it is: tallycell tenant set default --currency EUR
id: data-m                  # what subscribers are registered with: --plan data-m
version: 1
name: Data M                # for people
kind: prepaid               # prepaid, postpaid, or hybrid (money first, then credit)
#creditLimit: 20000000      # postpaid (absent: no limit) and hybrid (required): the most that may be owed

# The first tariff whose 'when' matches counts. A price is per 1,000,000 octets, per minute, or per message.
tariffs:
  - name: portal
    when: { ratingGroups: [1] }         # Rating-Group that the network sends for the service
    free: true                          # zero-rated: measured, never charged
  - name: abroad
    when: { zones: [roaming] }          # home, roaming, an MCC ('262'), or MCC and MNC ('26201')
    deny: true                          # refused
  - name: wifi
    when: { access: [wifi] }            # wifi, lte, nr
    price: { octets: 500 }
  - name: night
    when: { from: '22:00', to: '07:00' }  # by the tenant's clock; also: days: [sat, sun]
    price: { octets: 1000 }             # 1.00 per GB
  - name: day
    price: { octets: 2000 }             # bundles pay first, unless: bundles: false

# What comes with the plan (recurring) or can be given, bought, or printed on vouchers. What expires first pays first.
bundles:
  - id: month-10
    unit: octet                         # octet, second, message
    amount: 10 GB
    validity: { period: month }         # or days: 30; left out: for ever
    recurring: true                     # given anew at the start of each period
    rollOver: { percent: 50, times: 1 } # half of what is left may be used in the next month
  - id: day-pass
    unit: octet
    amount: 1 GB
    validity: { days: 1 }
    price: 1500000

recurring: { period: month, price: 9990000 }  # what having the plan costs

caps:                                   # the most in a day and in a month; absent: no limit
  month: { octets: 50 GB }
thresholds: [80, 100]                   # per cent of a balance or cap at which an event is recorded
fairUse:                                # slower from here on
  octets: 20 GB
  period: month
  throttle: { uplink: 512000, downlink: 2000000 }  # bits per second

sessions: 4                             # open at the same time
grant:                                  # how much is set aside at once, and for how long
  largest: { octets: 100 MB }
  least: { octets: 1 MB }
  validity: 600                         # seconds
final: { action: terminate }            # when all is used up; or redirect with an address, restrict with a filter
`
