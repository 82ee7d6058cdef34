import { configSchema } from './schema.js';
import type { AffiantConfig } from './types.js';

const CUSTOMER_DATA = [
  'us_ssn',
  'us_itin',
  'us_ein',
  'credit_card',
  'card_cvv',
  'us_aba_routing',
  'us_bank_account',
  'iban',
  'date_of_birth',
  'email',
  'phone',
];

/** Policies used when no file names any; also what `affiant mask` uses without --policy. */
const POLICIES = [
  { name: 'customer-data', detect: CUSTOMER_DATA, request: 'mask', response: 'mask', tool_input: 'allow' },
  { name: 'no-credentials', detect: ['secret'], request: 'block', response: 'mask', tool_input: 'block' },
  {
    name: 'destructive-sql',
    when: { tool_input: String.raw`(?i)\b(drop|truncate)\s+(table|database)\b` },
    action: 'hold',
    approvers: { group: 'data-owners', quorum: 1, expires: '15m' },
  },
];

/** With one person in both groups holds can be tried out, and not released by the same person. */
const HOLDERS = { place: ['auditors'], release: ['auditors'] };

/** The same for erasures. */
const ERASERS = { request: ['auditors'], approve: ['auditors'] };

/** And for sealed originals, which no preset policy keeps. */
const UNSEALERS = { request: ['auditors'], approve: ['auditors'] };

const READERS = { auditors: ['auditors'], examiners: ['examiners'] };

/** Without a file but with ANTHROPIC_API_KEY: one connection to Anthropic, the default policies, the development issuer. */
export function defaultConfig(): AffiantConfig {
  return configSchema.parse({
    identity: { development_issuer: true },
    connections: [
      {
        name: 'claude',
        protocol: 'anthropic',
        upstream: 'https://api.anthropic.com',
        credential: { env: 'ANTHROPIC_API_KEY' },
        allow: ['group:engineering'],
      },
    ],
    policies: POLICIES,
    ledger: READERS,
    holds: HOLDERS,
    erasure: ERASERS,
    unseal: UNSEALERS,
  });
}

/** The demonstration: the same, with a simulated provider behind it and free ports when the usual ones are taken. */
export function demoConfig(options: { readonly upstream: string; readonly credentialFile: string }): AffiantConfig {
  return configSchema.parse({
    institution: 'Example Bank (demonstration)',
    identity: { development_issuer: true },
    connections: [
      {
        name: 'claude',
        protocol: 'anthropic',
        upstream: options.upstream,
        credential: { file: options.credentialFile },
        allow: ['group:engineering'],
      },
    ],
    policies: POLICIES,
    ledger: READERS,
    holds: HOLDERS,
    erasure: ERASERS,
    unseal: UNSEALERS,
  });
}
