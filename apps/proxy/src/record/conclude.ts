import { toAffiantError } from '#errors';
import type { EventContext, EventDraft } from '#events';
import type { Caller } from '../call.js';
import { refusalOf, sendWhole } from '../intake/refuse.js';
import type { Services } from '../services.js';
import { answerRecord, type Ending } from './answer-record.js';
import { faultOf } from './fault.js';
import { valueDrafts } from './value-events.js';

/** An exchange whose request event is durable and that still owes its response event. */
export interface OpenExchange extends Caller {
  readonly context: EventContext;
  readonly segmentScope: string | null;
}

/**
 * Ends an exchange: the response event first, then `send` hands the client its last bytes. When the event cannot be recorded the
 * client does not get them: it is refused, or its stream is cut without an end.
 * A crash before the event is durable leaves an open request, closed as aborted at the next start; a crash after it leaves a
 * client that has not everything the event says it was sent.
 */
export async function conclude(
  exchange: OpenExchange,
  ending: Ending,
  services: Pick<Services, 'evidence' | 'segments' | 'keys' | 'logger' | 'hooks'>,
  send: () => void,
  together: readonly EventDraft[] = [],
): Promise<void> {
  const { link, protocol, id, progress } = exchange;
  progress.owesResponse = false;
  const fault = faultOf(ending.error);
  if (fault !== null)
    services.logger.error({ exchange: id, connection: exchange.connection.name, ...fault }, 'call refused by a fault of ours');
  try {
    const record = await answerRecord(exchange, exchange.context, exchange.segmentScope, ending, services.segments, services.keys);
    await services.evidence.commit([...together, ...valueDrafts(exchange.context, ending), ...record.drafts]);
    record.durable();
  } catch (cause) {
    const error = toAffiantError(cause, 'internal', 'the end of the call could not be recorded');
    services.logger.error({ exchange: id, code: error.code, err: error.message }, 'response withheld: no evidence');
    services.hooks.refused?.(error.code);
    if (link.opened) link.cut();
    else sendWhole(link, refusalOf(protocol, error, id));
    return;
  }
  send();
  if (ending.error !== undefined) services.hooks.refused?.(ending.error.code);
  services.hooks.exchangeEnded?.({
    id,
    connection: exchange.connection.name,
    subject: exchange.credential.principal.subject,
    outcome: ending.outcome,
    status: ending.status,
    duration_us: link.elapsedUs(),
  });
}
