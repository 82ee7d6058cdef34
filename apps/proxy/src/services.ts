import { AffiantError } from '#errors';
import type { ApprovalBook } from '#catalogue';
import type { ApprovalsConfig } from '#config';
import { KeyPool } from '#content-keys';
import type { Clock, Ids } from '#events';
import type { Logger } from '#observability';
import { ByteBudget } from './intake/byte-budget.js';
import { Connections } from './intake/connections.js';
import type { Drain } from './intake/drain.js';
import { Conversations } from './protocols/shared/request/known/conversations.js';
import { Policies } from './inspect/policy-in-force.js';
import { GrantedPieces } from './hold/granted-pieces.js';
import { Flights } from './hold/flights.js';
import { Tickets } from './hold/tickets.js';
import { DEFAULT_LIMITS, type CredentialSource, type GatewayLimits, type ProxyOptions, type StatusHooks } from './ports.js';
import { Evidence } from './record/evidence.js';
import { RefusalTally } from './record/refusal-tally.js';
import { SessionKeys } from './record/session-keys.js';
import { SessionSegments } from './record/session-segments.js';
import { Upstreams } from './forward/upstreams.js';

/** Keys for originals that are kept ready: fewer sessions need one. */
const ORIGINAL_KEYS = 128;

/** What the rooms of the data path share; made once per gateway. */
export interface Services {
  readonly approvalsConfig: ApprovalsConfig;
  readonly limits: GatewayLimits;
  /** Bytes of one request body. */
  readonly bodyLimit: number;
  readonly digestKey: Buffer;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly logger: Logger;
  readonly hooks: StatusHooks;
  readonly book: ApprovalBook;
  readonly credentials: CredentialSource;
  readonly bodies: ByteBudget;
  readonly connections: Connections;
  readonly policies: Policies;
  readonly conversations: Conversations;
  readonly evidence: Evidence;
  readonly segments: SessionSegments;
  readonly pool: KeyPool;
  readonly originalsPool: KeyPool;
  readonly keys: SessionKeys;
  readonly tally: RefusalTally;
  readonly upstreams: Upstreams;
  readonly tickets: Tickets;
  readonly flights: Flights;
  readonly granted: GrantedPieces;
  readonly drain: Drain;
}

export function createServices(options: ProxyOptions, drain: Drain): Services {
  if (options.digestKey.length < 32) throw new AffiantError('key_invalid', 'the digest key must have at least 32 bytes');
  const limits: GatewayLimits = { ...DEFAULT_LIMITS, ...options.limits };
  const { clock, ids, logger, recorder, approvals: book } = options;
  const evidence = new Evidence(recorder, limits.record_timeout);
  const upstreams = new Upstreams(limits);
  const segments = new SessionSegments();
  const { book: keyBook, wrapper } = options.contentKeys;
  const pool = new KeyPool({
    book: keyBook,
    wrapper,
    clock,
    ids,
    waitMs: limits.key_wait,
    onFailure: (error) => logger.warn({ reason: (error as Error).message }, 'no keys can be issued; calls use those that are ready'),
  });
  const originalsPool = new KeyPool({
    ...options.originalKeys,
    purpose: 'original',
    clock,
    ids,
    size: ORIGINAL_KEYS,
    batch: ORIGINAL_KEYS / 4,
    waitMs: limits.key_wait,
    onFailure: (error) =>
      logger.warn({ reason: (error as Error).message }, 'no keys for originals can be issued; calls use those that are ready'),
  });
  const originals = new SessionKeys(originalsPool, options.originalKeys.book, segments, clock.nowMs());
  return {
    approvalsConfig: options.config.approvals,
    limits,
    bodyLimit: options.config.server.body_limit,
    digestKey: options.digestKey,
    clock,
    ids,
    logger,
    hooks: options.hooks ?? {},
    book,
    credentials: options.credentials,
    bodies: new ByteBudget(limits.bodies_in_flight),
    connections: new Connections(
      () => options.connections(),
      options.protocols,
      (list) => upstreams.keepOnly(list),
    ),
    conversations: new Conversations(),
    policies: new Policies(options.policySource, evidence, options.placeholder, logger),
    evidence,
    segments,
    pool,
    originalsPool,
    keys: new SessionKeys(pool, keyBook, segments, clock.nowMs(), originals),
    tally: new RefusalTally(recorder, clock, logger, limits.refusal_events),
    upstreams,
    tickets: new Tickets({
      book,
      evidence,
      clock,
      ids,
      logger,
      digestKey: options.digestKey,
      retryWindow: options.config.approvals.retry_window,
    }),
    flights: new Flights(clock, options.config.approvals.retry_window, limits.kept_answers),
    granted: new GrantedPieces(),
    drain,
  };
}
