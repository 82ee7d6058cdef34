/** A process of its own that votes on approvals and tries to release them: url, subject, ids. Begins when it reads a line. */
import { once } from 'node:events';
import { TypeormApprovalBook } from '../approvals/typeorm-approval-book.js';
import { openCatalogue } from '../data-source.js';

const [url = '', subject = '', ...ids] = process.argv.slice(2);
const source = await openCatalogue({ url, pool: 4 });
const book = new TypeormApprovalBook(source, Date.now);
const approver = {
  issuer: 'https://issuer.test',
  subject,
  kind: 'user' as const,
  groups: [],
  actor: null,
  token_digest: null,
  token_expires_at: null,
  authenticated_by: null,
};
process.stdout.write('ready\n');
await once(process.stdin, 'data');
for (const id of ids) {
  const voted = await book.addVote(id, { approver, verdict: 'approve', reason: 'checked', at: Date.now() }).then(
    ({ state }) => state,
    ({ code }: { code: string }) => code,
  );
  const committedAt = Date.now();
  const released = await book.release(id);
  process.stdout.write(`${JSON.stringify({ id, voted, released, committedAt })}\n`);
}
await source.destroy();
process.exit(0);
