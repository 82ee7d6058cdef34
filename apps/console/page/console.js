// Reads the API with a token that never leaves this page's memory. Everything is written as text, never as HTML.
'use strict';

let token = '';
const find = (id) => document.getElementById(id);

function element(name, text, ...children) {
  const made = document.createElement(name);
  if (text !== null) made.textContent = text;
  made.append(...children);
  return made;
}

async function call(path, options = {}) {
  const headers = { authorization: `Bearer ${token}`, ...(options.body ? { 'content-type': 'application/json' } : {}) };
  const response = await fetch(path, { ...options, headers, credentials: 'omit', cache: 'no-store' });
  if (response.ok) return response;
  const { error } = await response.json().catch(() => ({ error: { message: `status ${response.status}`, remedy: '' } }));
  throw new Error(`${error.message}. ${error.remedy}`);
}

const read = async (path) => (await call(path)).json();
const say = (text) => (find('message').textContent = text);

function table(caption, columns, rows) {
  if (rows.length === 0) return element('p', 'Nothing.');
  const head = element('tr', null, ...columns.map(([title]) => Object.assign(element('th', title), { scope: 'col' })));
  const body = rows.map((row) =>
    element(
      'tr',
      null,
      ...columns.map(([, cell]) => {
        const value = cell(row);
        return value instanceof Node ? element('td', null, value) : element('td', String(value ?? ''));
      }),
    ),
  );
  return element('table', null, element('caption', caption), element('thead', null, head), element('tbody', null, ...body));
}

function showHealth(status) {
  const facts = {
    State: status.state,
    Version: status.version,
    ...(status.gateway === null ? {} : { 'Exchanges in flight': status.gateway.in_flight }),
    'Events not yet in the ledger': status.ledger.lag,
    'Sealed tree size': status.ledger.sealed_size,
    'Journal waiting': `${status.journal.pending_bytes} of ${status.journal.high_water_bytes} bytes`,
    Policy: `version ${status.policy.version}, ${status.policy.digest.slice(0, 16)}…`,
  };
  find('health').replaceChildren(...Object.entries(facts).flatMap(([name, value]) => [element('dt', name), element('dd', String(value))]));
}

function approvalCard(approval) {
  const reason = Object.assign(element('textarea', null), { id: `reason-${approval.id}`, rows: 2, required: true, maxLength: 2000 });
  const label = Object.assign(element('label', 'Reason (recorded)'), { htmlFor: reason.id });
  const decide = (verdict) => async () => {
    if (!reason.reportValidity()) return;
    try {
      await call(`/api/v1/approvals/${encodeURIComponent(approval.id)}/${verdict}`, {
        method: 'POST',
        body: JSON.stringify({ reason: reason.value }),
      });
      say(`Recorded: ${verdict} ${approval.id}`);
      await refresh();
    } catch (error) {
      say(error.message);
    }
  };
  const button = (title, verdict) => {
    const made = Object.assign(element('button', title), { type: 'button' });
    made.addEventListener('click', decide(verdict));
    return made;
  };
  return element(
    'article',
    null,
    element('h3', `${approval.requester.subject} on ${approval.connection}`),
    element('p', `${approval.policy}: ${approval.reason}. Needs ${approval.quorum} of ${approval.approver_group}.`),
    element('p', `Until ${new Date(approval.expires_at).toLocaleString()}`),
    element('pre', approval.summary),
    label,
    reason,
    button('Approve', 'approve'),
    ' ',
    button('Deny', 'deny'),
  );
}

async function showApprovals() {
  const { approvals } = await read('/api/v1/approvals?state=pending');
  // Opening each one is what an approver does before deciding: it is recorded as viewed.
  const shown = await Promise.all(approvals.map(({ id }) => read(`/api/v1/approvals/${encodeURIComponent(id)}`)));
  const cards = shown.map(({ approval }) => approvalCard(approval));
  find('approvals').replaceChildren(...(cards.length > 0 ? cards : [element('p', 'Nothing.')]));
}

async function showExchanges() {
  const { exchanges } = await read('/api/v1/exchanges?limit=25');
  const columns = [
    ['Started', (row) => row.started_at],
    ['Who', (row) => row.principal_subject],
    ['Connection', (row) => row.connection],
    ['Model', (row) => row.model],
    ['Decision', (row) => row.verdict],
    ['Policies', (row) => (row.policies ?? []).join(', ')],
    ['Outcome', (row) => row.outcome || 'open'],
    ['Masked values', (row) => Number(row.request_masks) + Number(row.response_masks)],
    ['Leaf', (row) => row.request_leaf_index],
  ];
  find('exchanges').replaceChildren(table('Newest first', columns, exchanges));
}

async function download(packet) {
  try {
    const blob = await (await call(`/api/v1/packets/${encodeURIComponent(packet.id)}/download`)).blob();
    const link = Object.assign(element('a', ''), { href: URL.createObjectURL(blob), download: `${packet.framework}-${packet.id}.pdf` });
    link.click();
    URL.revokeObjectURL(link.href);
  } catch (error) {
    say(error.message);
  }
}

async function showPackets() {
  const { packets } = await read('/api/v1/packets?limit=25');
  const columns = [
    ['Framework', (row) => row.framework],
    ['Period', (row) => `${row.from} to ${row.to}`],
    ['State', (row) => (row.state === 'running' ? `${Math.round(row.progress * 100)} % ${row.step}` : row.state)],
    [
      'Verdicts',
      (row) =>
        Object.entries(row.verdicts ?? {})
          .map(([name, count]) => `${count} ${name}`)
          .join(', '),
    ],
    [
      'File',
      (row) => {
        if (row.state !== 'done') return row.error ?? '';
        const button = Object.assign(element('button', `Download ${row.framework} packet`), { type: 'button' });
        button.addEventListener('click', () => download(row));
        return button;
      },
    ],
  ];
  find('packets').replaceChildren(table('Newest first', columns, packets));
}

async function part(id, show) {
  try {
    await show();
  } catch (error) {
    find(id).replaceChildren(element('p', error.message));
  }
}

async function refresh() {
  const who = await read('/api/v1/whoami');
  find('who').textContent =
    `${who.subject} (${who.groups.join(', ') || 'no groups'}), until ${new Date(who.expires_at).toLocaleTimeString()}`;
  find('sign-in').hidden = true;
  find('data').hidden = false;
  await Promise.all([
    part('health', async () => showHealth(await read('/api/v1/status'))),
    part('approvals', showApprovals),
    part('exchanges', showExchanges),
    part('packets', showPackets),
  ]);
}

function signOut(message) {
  token = '';
  find('who').textContent = 'Not signed in';
  find('data').hidden = true;
  find('sign-in').hidden = false;
  say(message);
}

find('token-form').addEventListener('submit', async (event) => {
  event.preventDefault();
  token = find('token').value.trim();
  find('token').value = '';
  say('');
  await refresh().catch((error) => signOut(error.message));
});
find('refresh').addEventListener('click', () => refresh().catch((error) => signOut(error.message)));
find('sign-out').addEventListener('click', () => signOut('The token is forgotten.'));
