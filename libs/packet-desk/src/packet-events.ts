import type { PacketRecord } from '#catalogue';
import type { EventDraft, Principal } from '#events';

/** Control event packet.created: status started (asked for), done, refused or failed. */
export function packetEvent(
  packet: Pick<PacketRecord, 'id' | 'framework' | 'from' | 'to'>,
  by: Principal,
  status: 'started' | 'done' | 'refused' | 'failed',
  facts: Readonly<Record<string, string | number>> = {},
): EventDraft {
  const attributes = { status, framework: packet.framework, from: packet.from, to: packet.to, ...facts };
  return {
    type: 'control',
    context: { session_id: null, exchange_id: null, principal: by, connection: null },
    event: {
      kind: 'packet.created',
      outcome: status === 'refused' || status === 'failed' ? 'failure' : 'success',
      subject: packet.id,
      attributes: Object.entries(attributes).map(([name, value]) => ({ name, value: String(value) })),
      detail: null,
    },
  };
}
