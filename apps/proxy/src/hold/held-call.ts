import type { AffiantError } from '#errors';
import type { Call } from '../call.js';
import type { MaskedAnswer } from '../forward/masked-answer.js';
import type { Outcome } from '../record/answer-record.js';
import type { RefusedOutcome } from './refused.js';
import type { Ticket } from './ticket.js';

/** One exchange that waits for, or shows, a held call's answer. */
export interface Viewer {
  readonly call: Call;
  /** Something changed: look again. */
  wake(): void;
  /** This exchange alone is refused (its token expired); the held call goes on. */
  refuse(error: AffiantError): void;
}

export type Terminal =
  | { readonly kind: 'refused'; readonly error: AffiantError; readonly outcome: RefusedOutcome }
  | { readonly kind: 'broken'; readonly error: AffiantError; readonly outcome: Outcome }
  | { readonly kind: 'ended' };

/**
 * A call that people decide on. It lives apart from the exchanges that show it, so that a retry, or the non-stream twin, of a client
 * that went away joins the same decision and the same answer, and the upstream is asked once.
 */
export class HeldCall {
  /** Waited for now; null when nothing waits for people. */
  ticket: Ticket | null = null;
  /** The last ticket, also after its decision. */
  lastTicket: Ticket | null = null;
  answer: MaskedAnswer | null = null;
  /** Exchange in whose name the upstream was asked; null before. */
  owner: string | null = null;
  /** Form of the answer: what the owner asked for. */
  streams = true;
  terminal: Terminal | null = null;
  /** Milliseconds; when `terminal` was set. */
  settledAt = 0;
  /** Shares the ticket of the call it is the title twin of. */
  twin = false;
  /** Somebody got the whole answer: an identical call is a new call. */
  delivered = false;
  readonly viewers = new Set<Viewer>();
  /** Resolves when the leader's events are durable and the approvals are in the book; rejects when that failed. */
  readonly opened: Promise<void>;
  /** Resolves when no more comes from upstream. */
  readonly upstreamDone: Promise<void>;
  #open!: { resolve: () => void; reject: (error: Error) => void };
  #finishUpstream: () => void = () => undefined;
  #presence: (() => void) | null = null;

  constructor(
    /** Null for a call that cannot be joined. */
    readonly key: string | null,
    readonly promptKey: string | null,
    /** Exchange id that joined exchanges name. */
    readonly leader: string,
    readonly policyDigest: string,
    readonly retryWindow: number,
  ) {
    this.opened = new Promise((resolve, reject) => {
      this.#open = { resolve, reject };
    });
    this.opened.catch(() => undefined);
    this.upstreamDone = new Promise((resolve) => {
      this.#finishUpstream = resolve;
    });
  }

  /** Nothing may reach the client yet because people have not decided. */
  get waiting(): boolean {
    return this.ticket !== null && this.terminal === null;
  }

  hold(ticket: Ticket): void {
    this.ticket = ticket;
    this.lastTicket = ticket;
    this.changed();
  }

  goOn(): void {
    this.ticket = null;
    this.changed();
  }

  markOpen(): void {
    this.#open.resolve();
  }

  failOpen(error: Error): void {
    this.#open.reject(error);
  }

  settle(terminal: Terminal, nowMs: number): void {
    if (this.terminal !== null) return;
    this.terminal = terminal;
    this.settledAt = nowMs;
    this.ticket = null;
    this.#finishUpstream();
    this.changed();
  }

  markUpstreamDone(): void {
    this.#finishUpstream();
  }

  changed(): void {
    for (const viewer of this.viewers) viewer.wake();
  }

  join(viewer: Viewer): void {
    this.viewers.add(viewer);
    this.#presence?.();
  }

  leave(viewer: Viewer): void {
    this.viewers.delete(viewer);
  }

  /** A viewer to go on for, preferring one whose stream is open already, then one that streams; null when none came within `withinMs`. */
  async present(withinMs: number): Promise<Viewer | null> {
    const there = (): Viewer | undefined => {
      const viewers = [...this.viewers].filter(({ call }) => !call.link.gone);
      return viewers.find(({ call }) => call.link.opened) ?? viewers.find(({ call }) => call.screened.stream) ?? viewers[0];
    };
    const now = there();
    if (now !== undefined) return now;
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      this.#presence = resolve;
      timer = setTimeout(resolve, Math.max(0, withinMs)).unref();
    });
    clearTimeout(timer);
    this.#presence = null;
    return there() ?? null;
  }
}
