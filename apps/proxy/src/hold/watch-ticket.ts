import type { Approval, ApprovalBook, NewApproval } from '#catalogue';
import type { Clock } from '#events';
import type { Logger } from '#observability';
import type { Ticket } from './ticket.js';

const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** Settles a ticket when its approvals are decided, in the book or by time. */
export function watchTicket(
  ticket: Ticket,
  ports: { readonly book: ApprovalBook; readonly clock: Clock; readonly logger: Logger },
  expire: (overdue: readonly NewApproval[]) => Promise<void>,
): void {
  const open = new Map(ticket.approvals.map((approval) => [approval.id, approval]));
  const stops: (() => void)[] = [];
  let timer: NodeJS.Timeout | undefined;
  const stop = (): void => {
    clearTimeout(timer);
    for (const unsubscribe of stops) unsubscribe();
  };
  const seen = (approval: Approval): void => {
    if (ticket.settled !== null) return;
    if (approval.state === 'granted' || approval.state === 'released') open.delete(approval.id);
    if (approval.state === 'denied') {
      const denial = approval.votes.findLast(({ verdict }) => verdict === 'deny');
      ticket.settle({ kind: 'denied', approvalId: approval.id, reason: denial?.reason ?? '' });
    } else if (approval.state === 'expired') ticket.settle({ kind: 'expired', approvalId: approval.id });
    else if (open.size === 0) ticket.settle({ kind: 'granted' });
    if (ticket.settled !== null) stop();
  };
  const overdue = async (): Promise<void> => {
    // A vote may have come in this very moment: the book, not the timer, says what holds.
    for (const id of ticket.ids) {
      const approval = await ports.book.get(id);
      if (approval !== null) seen(approval);
    }
    if (ticket.settled !== null) return;
    await expire([...open.values()]);
    ticket.settle({ kind: 'expired', approvalId: ticket.first.id });
    stop();
  };
  const arm = (): void => {
    const wait = Math.min(...ticket.approvals.map(({ expires_at }) => expires_at)) - ports.clock.nowMs();
    timer = setTimeout(
      () => {
        if (wait > LONGEST_TIMER_MS) arm();
        else {
          overdue().catch((error: unknown) => {
            // Fail closed: who waits is refused; the book is swept when it answers again.
            ports.logger.error({ approval: ticket.first.id, err: (error as Error).message }, 'an approval could not be expired');
            ticket.settle({ kind: 'expired', approvalId: ticket.first.id });
            stop();
          });
        }
      },
      Math.max(0, Math.min(wait, LONGEST_TIMER_MS)),
    ).unref();
  };
  for (const id of ticket.ids) {
    stops.push(ports.book.watch(id, seen));
    // Decided between the last read and the subscription.
    ports.book.get(id).then(
      (approval) => approval !== null && seen(approval),
      (error: unknown) => ports.logger.warn({ approval: id, err: (error as Error).message }, 'an approval could not be read'),
    );
  }
  arm();
}
