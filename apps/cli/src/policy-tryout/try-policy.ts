import { randomBytes } from 'node:crypto';
import type { Protocol } from '#apps/proxy';
import { parseConfig } from '#config';
import { createPlaceholder } from '#detect';
import { compilePolicySet, type PolicySet } from '#policy';
import type { Instance } from '../instance.js';
import { History, type PastExchange, type Period } from './history.js';
import { Tally, type Report } from './tally.js';
import { tryExchange } from './try-exchange.js';

export interface PolicyTryout {
  /** Text and name of the configuration file whose policies are tried. */
  readonly text: string;
  readonly file: string;
  readonly period: Period;
  /** Samples shown of each rule. */
  readonly samples: number;
  /** By name of protocol. */
  readonly protocols: ReadonlyMap<string, Protocol>;
  progress(line: string): void;
}

const EVERY = 100;

/**
 * Runs the policies of a configuration over exchanges of the past. Changes nothing, publishes nothing; every query it makes is recorded.
 * @throws AffiantError config_invalid, query_failed, query_refused, instance_unreachable
 */
export async function tryPolicy(instance: Instance, tryout: PolicyTryout): Promise<Report & { readonly digest: string }> {
  const config = parseConfig(tryout.text, tryout.file);
  const policies = compilePolicySet(config, 'candidate');
  // A key of this run: what is printed cannot be joined with the ledger's own placeholders.
  const placeholder = createPlaceholder(randomBytes(32));
  const history = new History(instance);
  const exchanges = await history.exchanges(tryout.period);
  tryout.progress(`${exchanges.length} exchanges${exchanges.length === tryout.period.limit ? ' (the limit; there may be more)' : ''}`);
  const tally = new Tally(tryout.samples);
  let done = 0;
  for await (const { exchange, bodies } of history.withBodies(exchanges)) {
    const protocol = tryout.protocols.get(exchange.protocol);
    const context = { policy: select(policies, exchange), placeholder, cacheScope: policies.digest };
    const tried =
      protocol === undefined
        ? { hits: [], verdict: 'allow', unread: [{ direction: 'request' as const, why: `protocol ${exchange.protocol}` }] }
        : await tryExchange(protocol, context, exchange, bodies);
    tally.add(exchange, tried);
    done += 1;
    if (done % EVERY === 0) tryout.progress(`${done} of ${exchanges.length} exchanges tried`);
  }
  return { digest: policies.digest, ...tally.report(config.policies.map(({ name }) => name)) };
}

function select(policies: PolicySet, exchange: PastExchange): ReturnType<PolicySet['select']> {
  const principal = {
    issuer: exchange.principal_issuer,
    subject: exchange.principal_subject,
    kind: exchange.principal_kind,
    groups: exchange.principal_groups,
    actor: null,
    token_digest: null,
    token_expires_at: null,
    authenticated_by: null,
  };
  return policies.select(principal, exchange.connection);
}
