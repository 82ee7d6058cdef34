import type { Clock } from '#events';
import type { Call } from '../call.js';
import { namedSession } from '../inspect/day-session.js';
import { HeldCall } from './held-call.js';

/** Held calls and failed exchanges remembered at one time. */
const HELD = 10_000;
const FAILED = 10_000;
/** A refusal is remembered at least this long for the non-stream twin (research/wire.md §1.4 e). Milliseconds. */
const LEAST_MEMORY = 120_000;

/**
 * Finds the held call a retry or twin belongs to. Two calls are the same when principal, connection, session, agent and the masked
 * body without `stream` and `max_tokens` are. Bounded; what is forgotten is asked again as a new call.
 */
export class Flights {
  readonly #byKey = new Map<string, HeldCall>();
  readonly #byPrompt = new Map<string, HeldCall>();
  readonly #failed = new Map<string, { readonly exchange: string; readonly until: number }>();

  constructor(
    readonly clock: Clock,
    /** Milliseconds. */
    readonly retryWindow: number,
    /** Bytes of masked answers kept for retries. */
    readonly keptBytes: number,
  ) {}

  get size(): number {
    return this.#byKey.size;
  }

  /** The held call this one joins. */
  find(call: Call): HeldCall | null {
    if (this.#byKey.size === 0) return null;
    const held = this.#byKey.get(keyOf(call));
    if (held === undefined) return null;
    if (this.#stale(held)) {
      this.remove(held);
      return null;
    }
    const { terminal } = held;
    if (terminal?.kind === 'broken' || held.delivered) return null;
    if (terminal?.kind === 'refused') return held;
    // Once asked, the answer has one form and one policy: a stream can be shown whole, a whole answer cannot be shown as a stream.
    const asked = held.owner !== null;
    if (asked && ((call.screened.stream && !held.streams) || held.policyDigest !== call.policy.set.digest)) return null;
    return held;
  }

  /** A pending held call of the same prompt: the session-title twin (research/wire.md §0.3). */
  findTwin(call: Call): HeldCall | null {
    const key = promptKeyOf(call);
    const held = key === null ? undefined : this.#byPrompt.get(key);
    return held === undefined || held.terminal !== null || held.owner !== null ? null : held;
  }

  /** A new held call for this one; it is joinable unless another holds its place. */
  claim(call: Call): HeldCall {
    const key = keyOf(call);
    const taken = this.#byKey.get(key);
    const free = taken === undefined || this.#stale(taken) || taken.terminal?.kind === 'broken' || taken.delivered;
    const promptKey = promptKeyOf(call);
    const held = new HeldCall(free ? key : null, promptKey, call.id, call.policy.set.digest, this.retryWindow);
    if (free) {
      this.#byKey.set(key, held);
      if (promptKey !== null && !this.#byPrompt.has(promptKey)) this.#byPrompt.set(promptKey, held);
      if (this.#byKey.size > HELD) this.#evict();
    }
    return held;
  }

  remove(held: HeldCall): void {
    if (held.key !== null && this.#byKey.get(held.key) === held) this.#byKey.delete(held.key);
    if (held.promptKey !== null && this.#byPrompt.get(held.promptKey) === held) this.#byPrompt.delete(held.promptKey);
  }

  /** An exchange that did not complete: its retry names it in joins_exchange. */
  noteFailed(call: Call): void {
    this.#failed.set(keyOf(call), { exchange: call.id, until: this.clock.nowMs() + this.retryWindow });
    for (const oldest of this.#failed.keys()) {
      if (this.#failed.size <= FAILED) break;
      this.#failed.delete(oldest);
    }
  }

  /** The failed exchange this call repeats. Its decision is made anew; the name only joins the two in the trail. */
  failedBefore(call: Call): string | null {
    if (this.#failed.size === 0) return null;
    const key = keyOf(call);
    const failed = this.#failed.get(key);
    this.#failed.delete(key);
    return failed === undefined || failed.until < this.clock.nowMs() ? null : failed.exchange;
  }

  /** Forgets what nobody can join any more, and the oldest kept answers above the bound. */
  sweep(): void {
    let kept = 0;
    for (const held of [...this.#byKey.values()].reverse()) {
      if (this.#stale(held)) this.remove(held);
      else if (held.viewers.size === 0 && held.terminal?.kind === 'ended') {
        kept += (held.answer?.outputBytes ?? 0) + (held.answer?.final.shown.length ?? 0);
        if (kept > this.keptBytes) this.remove(held);
      }
    }
    const now = this.clock.nowMs();
    for (const [key, { until }] of this.#failed) if (until < now) this.#failed.delete(key);
  }

  #stale(held: HeldCall): boolean {
    if (held.terminal === null || held.viewers.size > 0) return false;
    if (held.delivered) return true;
    const memory = held.terminal.kind === 'refused' ? Math.max(this.retryWindow, LEAST_MEMORY) : this.retryWindow;
    return this.clock.nowMs() > held.settledAt + memory;
  }

  #evict(): void {
    for (const held of this.#byKey.values()) {
      if (held.viewers.size > 0 || held.terminal === null) continue;
      this.remove(held);
      return;
    }
  }
}

function keyOf(call: Call): string {
  return `${who(call)}\n${agentOf(call)}\n${call.screened.callDigest.toString('latin1')}`;
}

/** Title twins come from the same session; without one there is nothing to tell them by. */
function promptKeyOf(call: Call): string | null {
  if (call.screened.promptDigest === null || namedSession(call.context.session_id) === null) return null;
  return `${who(call)}\n${call.screened.promptDigest.toString('latin1')}`;
}

function who(call: Call): string {
  const { issuer, subject } = call.credential.principal;
  return `${issuer}\n${subject}\n${call.connection.name}\n${namedSession(call.context.session_id) ?? ''}`;
}

/** Agents of one session ask side by side; their ids keep their calls apart. */
function agentOf(call: Call): string {
  return call.protocol
    .correlation(call.request.headers)
    .filter(({ name }) => name.endsWith('-agent-id'))
    .map(({ value }) => value)
    .join('\n');
}
