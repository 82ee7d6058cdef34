import type { Protocol, ResponseScreener, ScreenContext, ScreenStep } from '#apps/proxy';
import { isAffiantError } from '#errors';
import type { Mask } from '#events';
import type { RuleOutcome } from '#policy';
import type { PastBodies, PastExchange } from './history.js';

export type Direction = 'request' | 'response';

/** A rule of the candidate that would have acted. */
export interface Hit {
  readonly direction: Direction;
  readonly policy: string;
  readonly action: string;
  readonly reason: string;
  /** Type of the value; null for a rule on texts, tools, models or principals. */
  readonly entity: string | null;
  readonly count: number;
  /** A piece of the masked text around it; null when there is none to show. */
  readonly sample: string | null;
}

export interface Tried {
  readonly hits: readonly Hit[];
  /** Strongest action of both directions. */
  readonly verdict: string;
  /** Why a direction could not be tried. */
  readonly unread: readonly { readonly direction: Direction; readonly why: string }[];
}

const STRENGTH = ['allow', 'mask', 'hold', 'block'];
const AROUND = 60;
const LONGEST = 200;
/** What createPlaceholder (#detect) leaves in the place of a value: the ledger has no more of it. */
const PLACEHOLDER = /\[([A-Z][A-Z0-9_]*):[0-9a-f]{8}\]/g;

/**
 * What the candidate would have done with one exchange of the past. The ledger has masked bodies only, so a value that was masked then counts by
 * the type in its placeholder, as found in the direction it is in.
 */
export async function tryExchange(protocol: Protocol, context: ScreenContext, exchange: PastExchange, bodies: PastBodies): Promise<Tried> {
  const hits: Hit[] = [];
  const unread: { direction: Direction; why: string }[] = [];
  for (const direction of ['request', 'response'] as const) {
    const body = bodies[direction];
    if (body === null) {
      unread.push({ direction, why: 'no_body' });
      continue;
    }
    try {
      const found = direction === 'request' ? await tryRequest(protocol, context, exchange, body) : tryResponse(protocol, context, body);
      hits.push(...found, ...earlierValues(context, direction, body.toString('utf8')));
    } catch (error) {
      if (!isAffiantError(error)) throw error;
      unread.push({ direction, why: error.code });
    }
  }
  const verdict = hits.reduce((most, { action }) => (STRENGTH.indexOf(action) > STRENGTH.indexOf(most) ? action : most), 'allow');
  return { hits, verdict, unread };
}

async function tryRequest(protocol: Protocol, context: ScreenContext, exchange: PastExchange, body: Buffer): Promise<Hit[]> {
  const route = protocol.route(exchange.method, exchange.path);
  if (route === null || !route.hasBody) return [];
  const screened = await protocol.screenRequest(body, route, context);
  return hitsOf(context, 'request', screened.masks, screened.verdict.rules, body, Buffer.concat(screened.masked), screened.summary);
}

function tryResponse(protocol: Protocol, context: ScreenContext, body: Buffer): Hit[] {
  const whole = body.subarray(0, 1).toString() === '{';
  const screener = protocol.screenResponse(context, { status: 200, contentType: whole ? 'application/json' : 'text/event-stream' });
  const rules: RuleOutcome[] = [];
  const out: Buffer[] = [];
  let summary = '';
  // What the candidate holds is let through, so that what comes after it is tried as well.
  const take = (first: ScreenStep): boolean => {
    for (let step = first; ; step = screener.resolve(true)) {
      out.push(...step.release);
      if (step.blocked !== undefined) rules.push(...step.blocked.rules);
      if (step.held === undefined) return step.blocked === undefined;
      rules.push(...step.held.verdict.rules);
      summary = step.held.summary;
    }
  };
  if (take(screener.push(body))) endAll(screener, take);
  const facts = screener.facts();
  return hitsOf(context, 'response', facts.masks, [...facts.rules, ...rules], body, Buffer.concat(out), summary);
}

/** end() answers nothing while a part is held; then it has to be asked again. */
function endAll(screener: ResponseScreener, take: (step: ScreenStep) => boolean): void {
  const step = screener.end();
  if (take(step) && step.held !== undefined) take(screener.end());
}

function hitsOf(
  context: ScreenContext,
  direction: Direction,
  masks: readonly Mask[],
  rules: readonly RuleOutcome[],
  before: Buffer,
  after: Buffer,
  summary: string,
): Hit[] {
  const samples = newSamples(before.toString('utf8'), after.toString('utf8'));
  const values = masks.map(({ entity, policy, count }): Hit => {
    const { action } = context.policy.actionFor(direction, entity);
    return {
      direction,
      policy,
      action: action === 'allow' ? 'mask' : action,
      reason: `${entity} found`,
      entity,
      count,
      sample: samples.get(entity) ?? null,
    };
  });
  const seen = new Set(values.map(({ policy, action }) => `${policy} ${action}`));
  const others = new Map<string, Hit>();
  for (const { policy, action, reason } of rules) {
    const key = `${policy} ${action}`;
    if (action === 'allow' || seen.has(key) || others.has(key)) continue;
    others.set(key, { direction, policy, action, reason, entity: null, count: 1, sample: summary === '' ? null : cut(summary) });
  }
  return [...values, ...others.values()];
}

/** Values that were masked when they were recorded. */
function earlierValues(context: ScreenContext, direction: Direction, body: string): Hit[] {
  const counts = new Map<string, { count: number; at: number; length: number }>();
  for (const { 0: text, 1: type, index } of body.matchAll(PLACEHOLDER)) {
    const entity = type!.toLowerCase();
    const known = counts.get(entity);
    if (known === undefined) counts.set(entity, { count: 1, at: index, length: text.length });
    else known.count += 1;
  }
  return [...counts].flatMap(([entity, { count, at, length }]): Hit[] => {
    const { action, policy } = context.policy.actionFor(direction, entity);
    if (action === 'allow') return [];
    return [{ direction, policy, action, reason: `${entity} was masked here before`, entity, count, sample: around(body, at, length) }];
  });
}

/** By type, the text around the first placeholder that was not there before. */
function newSamples(before: string, after: string): Map<string, string> {
  const samples = new Map<string, string>();
  for (const { 0: text, 1: type, index } of after.matchAll(PLACEHOLDER)) {
    const entity = type!.toLowerCase();
    if (!samples.has(entity) && !before.includes(text)) samples.set(entity, around(after, index, text.length));
  }
  return samples;
}

const around = (text: string, at: number, length: number): string =>
  text.slice(Math.max(0, at - AROUND), at + length + AROUND).replaceAll(/\s+/g, ' ');

const cut = (text: string): string => (text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text).replaceAll(/\s+/g, ' ');
