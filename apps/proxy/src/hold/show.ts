import { AffiantError } from '#errors';
import type { Call } from '../call.js';
import { outcomeOf, recordedOf, wholeHeaders } from '../forward/deliver.js';
import type { MaskedBytes } from '../forward/masked-answer.js';
import { refusalOf, sendWhole } from '../intake/refuse.js';
import type { Ending, Outcome } from '../record/answer-record.js';
import { conclude } from '../record/conclude.js';
import type { Services } from '../services.js';
import type { HeldCall, Terminal, Viewer } from './held-call.js';

const EMPTY = Buffer.alloc(0);
const STREAM = 'text/event-stream';

/**
 * Shows a held call to one exchange until it ends: silent at first, then keep-alives on a stream; a call that cannot stream is told
 * to come again. The exchange's request event is durable. Resolves when its response event is. `shown` parts of the answer's output
 * were sent before.
 */
export async function showHeld(call: Call, held: HeldCall, services: Services, shown = 0): Promise<void> {
  await new Showing(call, held, services, shown).run();
}

class Showing implements Viewer {
  #shown: number;
  #refusal: AffiantError | null = null;
  #wake: (() => void) | null = null;
  #awake = false;
  readonly #keepAliveFrom: number;
  readonly #giveUpAt: number;
  #nextKeepAlive: number;

  constructor(
    readonly call: Call,
    readonly held: HeldCall,
    readonly services: Services,
    shown: number,
  ) {
    this.#shown = shown;
    const { silent, max_wait } = services.approvalsConfig;
    const arrived = call.arrivedUs / 1000;
    this.#keepAliveFrom = arrived + silent;
    this.#nextKeepAlive = this.#keepAliveFrom;
    this.#giveUpAt = arrived + (call.screened.stream ? max_wait : Math.min(max_wait, services.limits.silent_wait));
  }

  wake(): void {
    this.#awake = true;
    this.#wake?.();
  }

  refuse(error: AffiantError): void {
    this.#refusal = error;
    this.wake();
  }

  async run(): Promise<void> {
    const { call, held, services } = this;
    const wake = (): void => this.wake();
    const unsubscribe = [call.link.onGone(wake), services.drain.onBegin(wake)];
    held.join(this);
    try {
      for (;;) {
        this.#awake = false;
        if (call.screened.stream) await this.#flush();
        if (call.link.gone || services.drain.cutting) return await this.#gone();
        if (this.#refusal !== null) return await this.#refused(this.#refusal, 'refused');
        if (held.terminal !== null) return await this.#terminal(held.terminal);
        if (held.waiting && (services.drain.begun || this.#now() >= this.#giveUpAt)) {
          const error = new AffiantError('approval_pending', `approval ${held.ticket?.first.id} is pending`);
          return await this.#refused(error, 'refused');
        }
        this.#keepAlive();
        await this.#sleep();
      }
    } finally {
      for (const stop of unsubscribe) stop();
      held.leave(this);
      if (held.terminal !== null && held.viewers.size === 0 && (held.delivered || held.terminal.kind === 'broken'))
        services.flights.remove(held);
    }
  }

  /** Hands over what the answer has and this client has not. A stream that ended refused is not begun. */
  async #flush(): Promise<void> {
    const { call, held } = this;
    const { answer } = held;
    if (answer === null || (!call.link.opened && held.terminal?.kind === 'refused')) return;
    while (this.#shown < answer.output.length && !call.link.gone) {
      if (!call.link.opened) {
        call.link.open(answer.head.status, call.protocol.clientHeaders(answer.head.rawHeaders, call.id));
        if (answer.prefix !== null) call.link.write(answer.prefix);
      }
      const { shown } = answer.output[this.#shown] as MaskedBytes;
      this.#shown += 1;
      if (!call.link.write(shown)) await call.link.drained();
    }
  }

  #keepAlive(): void {
    const { call, held, services } = this;
    const quiet = held.waiting || (call.link.opened && this.#shown === 0);
    if (!call.screened.stream || !quiet || this.#now() < this.#nextKeepAlive) return;
    const opened = call.link.opened;
    if (!opened) {
      const head = call.protocol.streamHead(call.id);
      call.link.open(head.status, head.headers);
    }
    // Behind real output only what no client counts as content may follow: the form for nobody in particular.
    call.link.write(call.protocol.keepAlive(this.#shown > 0 ? {} : call.request.headers, opened));
    this.#nextKeepAlive = this.#now() + services.approvalsConfig.keep_alive;
  }

  async #sleep(): Promise<void> {
    if (this.#awake) return;
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
      const until = Math.min(this.call.screened.stream ? this.#nextKeepAlive : Infinity, this.#giveUpAt);
      // While the answer flows, neither deadline applies: only its changes wake.
      if (this.held.waiting || (this.call.link.opened && this.#shown === 0)) timer = setTimeout(resolve, Math.max(1, until - this.#now()));
    });
    clearTimeout(timer);
    this.#wake = null;
  }

  /** The client closed. The held call stays good for its retry; this exchange ends when the upstream it asked has. */
  async #gone(): Promise<void> {
    const { call, held, services } = this;
    const ticket = held.ticket;
    held.leave(this);
    if (ticket !== null && held.viewers.size === 0) {
      await services.evidence.commit(services.tickets.orphanDrafts(ticket, call.context)).catch((error: unknown) => {
        services.logger.error({ exchange: call.id, err: (error as Error).message }, 'an orphaned approval was not recorded');
      });
      await services.tickets.setOrphaned(ticket, true);
    }
    if (this.#owns) await untilDoneOrDraining(held, services);
    const outcome = services.drain.cutting ? 'aborted' : 'client_gone';
    await this.#conclude(outcome, call.link.status, plain(EMPTY), undefined, () => call.link.cut());
  }

  async #terminal(terminal: Terminal): Promise<void> {
    if (terminal.kind === 'refused') return this.#refused(terminal.error, terminal.outcome);
    if (terminal.kind === 'broken') {
      // What was begun ends as the upstream ended it: a stream without an end is cut.
      if (this.#shown > 0 && terminal.outcome === 'upstream_gone') {
        return this.#conclude(terminal.outcome, this.call.link.status, plain(EMPTY), terminal.error, () => this.call.link.cut());
      }
      return this.#refused(terminal.error, terminal.outcome);
    }
    await this.#ended();
  }

  async #ended(): Promise<void> {
    const { call, held } = this;
    const answer = held.answer as NonNullable<HeldCall['answer']>;
    const { link, protocol } = call;
    const { status } = answer.head;
    const outcome = outcomeOf(answer);
    const done = (): void => {
      held.delivered = true;
    };
    const streams = answer.head.contentType === STREAM;
    if (link.opened && this.#shown === 0 && !streams && answer.prefix === null) {
      // This stream was opened after the upstream was asked for a whole answer; an error status can only be told inside it.
      const error = new AffiantError(
        status === 429 || status === 529 ? 'overloaded' : 'upstream_unreachable',
        `the upstream answered ${status}`,
      );
      return this.#refused(error, outcome);
    }
    if (link.opened) {
      return this.#conclude(outcome, link.status, answer.final, undefined, () => {
        link.end(answer.final.shown);
        done();
      });
    }
    // What goes on from keep-alives is in stream form, an upstream error too.
    const assembled = streams ? !call.screened.stream : answer.prefix !== null;
    const parts = [...answer.output, answer.final];
    const prefix = answer.prefix === null ? [] : [answer.prefix];
    const form = (bytes: readonly Buffer[]): Buffer => {
      const all = Buffer.concat([...prefix, ...bytes]);
      return assembled ? protocol.assemble(all) : all;
    };
    const body = { shown: form(parts.map(({ shown }) => shown)), recorded: form(recordedOf(parts)) };
    const headers = wholeHeaders(call, answer);
    this.#shown = 0;
    await this.#conclude(outcome, status, body, undefined, () => {
      link.whole(status, assembled ? { ...headers, 'content-type': 'application/json' } : headers, body.shown);
      done();
    });
  }

  async #refused(error: AffiantError, outcome: Outcome): Promise<void> {
    const { link, protocol, id } = this.call;
    if (link.opened) {
      const last = protocol.streamRefusal(error, id);
      return this.#conclude(outcome, link.status, plain(last), error, () => link.end(last));
    }
    const whole = refusalOf(protocol, error, id);
    await this.#conclude(outcome, whole.status, plain(whole.body), error, () => sendWhole(link, whole));
  }

  async #conclude(outcome: Outcome, status: number, last: MaskedBytes, error: AffiantError | undefined, send: () => void): Promise<void> {
    const { call, held, services } = this;
    const { answer } = held;
    const mine = this.#owns && answer !== null;
    const ending: Ending = {
      outcome,
      status,
      sent: [...recordedOf(answer?.output.slice(0, this.#shown) ?? []), last.recorded],
      pending: last.shown.length,
      upstream: mine ? answer.upstream() : undefined,
      facts: mine || (answer !== null && (this.#shown > 0 || held.terminal?.kind === 'ended')) ? answer?.screener.facts() : undefined,
      countsTokens: mine,
      error,
    };
    await conclude(call, ending, services, send);
  }

  get #owns(): boolean {
    return this.held.owner === this.call.id;
  }

  #now(): number {
    return this.services.clock.monotonicUs() / 1000;
  }
}

function plain(bytes: Buffer): MaskedBytes {
  return { shown: bytes, recorded: bytes };
}

async function untilDoneOrDraining(held: HeldCall, services: Services): Promise<void> {
  let stop: () => void = () => undefined;
  const begun = new Promise<void>((resolve) => {
    stop = services.drain.onBegin(resolve);
  });
  await Promise.race([held.upstreamDone, begun]);
  stop();
}
