import { createHash } from 'node:crypto';
import { SYSTEM_CONTEXT, type EventDraft } from '#events';
import { formatCertificates, type Stamp, type StampPlace } from '#timestamp';
import { readCheckpoint } from '#tlog';

/** With note and stamp in it: whoever has the events alone can check the stamp too. */
export function grantedDraft({ size, authority, number, expiresAt }: StampPlace, { response, verified }: Stamp, note: Buffer): EventDraft {
  return control('timestamp.granted', 'success', authority, {
    tree_size: String(size),
    root_hash: readCheckpoint(note).root.toString('hex'),
    number: String(number),
    time: new Date(verified.genTime).toISOString(),
    signed_by: verified.authority,
    certificate_ends: new Date(expiresAt).toISOString(),
    serial: verified.serial,
    sha256: createHash('sha256').update(response).digest('hex'),
    note: note.toString('utf8'),
    response: response.toString('base64'),
    chain: formatCertificates(verified.chain),
  });
}

/** An authority began to fail; the next `timestamp.granted` of it ends that. */
export function failedDraft(authority: string, size: number, code: string, reason: string): EventDraft {
  return control('timestamp.failed', 'failure', authority, { tree_size: String(size), code, reason });
}

function control(kind: string, outcome: 'success' | 'failure', subject: string, facts: Readonly<Record<string, string>>): EventDraft {
  const attributes = Object.entries(facts).map(([name, value]) => ({ name, value }));
  return { context: SYSTEM_CONTEXT, type: 'control', event: { kind, outcome, subject, attributes, detail: null } };
}
