// Bad input through the real doors: each gets a typed answer, nothing is forwarded, the process stays up.
import { readFileSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { connect } from 'node:net';
import { affiant, sql, token, until } from '../support/instance.mjs';

const base64url = (value) => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');

/** Raw POST with any bytes; {status, type}. */
function post(instance, bearer, body, headers = {}) {
  return new Promise((resolve, reject) => {
    const url = new URL(`${instance.gateway}/c/claude/v1/messages`);
    const outgoing = request(
      {
        host: url.hostname,
        port: url.port,
        path: url.pathname,
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          ...(bearer === null ? {} : { authorization: `Bearer ${bearer}` }),
          'content-length': body.length,
          ...headers,
        },
      },
      (answer) => {
        const chunks = [];
        answer.on('data', (chunk) => chunks.push(chunk));
        answer.on('end', () => {
          const text = Buffer.concat(chunks).toString('utf8');
          let type = null;
          try {
            type = JSON.parse(text).error?.type ?? null;
          } catch {
            // Not an error document.
          }
          resolve({ status: answer.statusCode, type, text });
        });
      },
    );
    // The gateway may answer and close before it has read a body it refuses.
    outgoing.on('error', (error) =>
      error.code === 'EPIPE' || error.code === 'ECONNRESET' ? resolve({ status: 0, type: error.code, text: '' }) : reject(error),
    );
    outgoing.end(body);
  });
}

export async function hostile({ check, instance, state, alice, auditor, heard, config }) {
  const before = heard.length;
  const good = Buffer.from(JSON.stringify({ model: 'claude-simulated-1', max_tokens: 10, messages: [{ role: 'user', content: 'hi' }] }));
  const [head, claims] = alice.split('.').map((part) => Buffer.from(part, 'base64url').toString('utf8'));
  const parsed = JSON.parse(claims);
  const forged = {
    'alg none': `${base64url({ alg: 'none', typ: 'at+jwt' })}.${base64url(claims)}.`,
    'another signature': `${alice.slice(0, -8)}AAAAAAAA`,
    'no kid': `${base64url({ alg: JSON.parse(head).alg, typ: 'at+jwt' })}.${alice.split('.').slice(1).join('.')}`,
    'an embedded key': `${base64url({ ...JSON.parse(head), jwk: { kty: 'OKP', crv: 'Ed25519', x: base64url('0'.repeat(32)) } })}.${alice.split('.').slice(1).join('.')}`,
    'HS256 confusion': `${base64url({ ...JSON.parse(head), alg: 'HS256' })}.${alice.split('.').slice(1).join('.')}`,
    'another audience': `${base64url(head)}.${base64url({ ...parsed, aud: 'elsewhere' })}.${alice.split('.')[2]}`,
    'a huge token': 'x'.repeat(9_000),
  };
  for (const [what, bearer] of Object.entries(forged)) {
    const { status, type } = await post(instance, bearer, good);
    check(
      `token with ${what} is refused`,
      (status === 401 && type === 'authentication_error') || (what === 'a huge token' && [401, 431].includes(status)),
      `${status} ${type}`,
    );
  }
  const short = affiant(state, ['token', '--subject', 'late', '--group', 'engineering', '--ttl', '1']).trim();
  await new Promise((resolve) => setTimeout(resolve, 1_200));
  const expired = await post(instance, short, good);
  check(
    'an expired token is refused',
    expired.status === 401 && expired.type === 'authentication_error',
    `${expired.status} ${expired.type}`,
  );
  const none = await post(instance, null, good);
  check('no token is refused', none.status === 401);
  const disagree = await post(instance, alice, good, { 'x-api-key': token(state, 'bob', 'engineering') });
  check('two headers that disagree are refused', disagree.status === 401, `${disagree.status}`);

  const bad = {
    'malformed JSON': [Buffer.from('{"model": "x", '), 400],
    'invalid UTF-8': [
      Buffer.concat([Buffer.from('{"model":"x","messages":[{"role":"user","content":"'), Buffer.from([0xff, 0xfe]), Buffer.from('"}]}')]),
      400,
    ],
    'a key twice': [Buffer.from('{"model":"x","model":"y","max_tokens":1,"messages":[]}'), 400],
    'not an object': [Buffer.from('[1,2,3]'), 400],
    '33 MB': [Buffer.alloc(33 * 1024 * 1024, 0x20), 413],
  };
  for (const [what, [body, wanted]] of Object.entries(bad)) {
    const { status, type } = await post(instance, alice, body);
    check(`body: ${what} is refused`, status === wanted || (wanted === 413 && status === 0), `${status} ${type}`);
  }

  // Half a request, then gone.
  await new Promise((resolve) => {
    const url = new URL(instance.gateway);
    const socket = connect(Number(url.port), url.hostname, () => {
      socket.write(
        `POST /c/claude/v1/messages HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${alice}\r\ncontent-length: 1000\r\n\r\n{"model":`,
      );
      setTimeout(() => socket.destroy(), 50);
    });
    socket.on('close', resolve);
    socket.on('error', resolve);
  });
  const upgrade = await fetch(`${instance.gateway}/c/claude/v1/messages`, { headers: { authorization: `Bearer ${alice}` } }).then(
    ({ status }) => status,
  );
  check('another method is refused', upgrade === 403, String(upgrade));
  check('nothing of this reached the upstream', heard.length === before, `${heard.length - before} forwarded`);

  for (const query of [
    'INSERT INTO ledger.events SELECT * FROM ledger.events',
    'ALTER TABLE ledger.events DELETE WHERE 1',
    'DROP TABLE ledger.events',
    'TRUNCATE TABLE ledger.leaves',
    "SELECT file('/etc/passwd')",
    "SELECT * FROM file('/etc/passwd', 'LineAsString')",
    "SELECT * FROM url('http://127.0.0.1:1/', 'LineAsString')",
    "SELECT 1 INTO OUTFILE '/tmp/affiant-outfile'",
    'SELECT 1; SELECT 2',
    'SYSTEM SHUTDOWN',
    'SET readonly = 0',
    'SELECT * FROM system.users',
  ]) {
    const refused = await sql(instance, auditor, query).then(
      (rows) => `answered ${JSON.stringify(rows).slice(0, 80)}`,
      () => null,
    );
    check(`SQL is refused: ${query}`, refused === null, refused ?? '');
  }

  // Hot reload: a typo is refused and recorded, a good change takes effect without a restart.
  const text = readFileSync(config, 'utf8');
  writeFileSync(config, text.replace('policies:', 'polices:'));
  await until(
    'the typo is refused',
    async () => (await sql(instance, auditor, "SELECT count() AS n FROM audit.control WHERE kind = 'config.rejected'"))[0].n > 0,
  );
  const still = await post(instance, alice, good);
  check('a configuration with a typo changes nothing and is recorded', still.status === 200, `${still.status}`);
  const version = JSON.parse(affiant(state, ['status', '--json'])).policy.version;
  writeFileSync(
    config,
    text.replace('policies:', "policies:\n  - { name: project-x, when: { request_text: 'project\\s+x-ray' }, action: block }"),
  );
  await until('the new policy is in force', () => JSON.parse(affiant(state, ['status', '--json'])).policy.version !== version);
  const blocked = await post(instance, alice, Buffer.from(good.toString().replace('"hi"', '"tell me about project x-ray"')));
  check(
    'a changed policy is in force without a restart',
    blocked.status === 403 && blocked.text.includes('project-x'),
    `${blocked.status} ${blocked.text.slice(0, 160)}`,
  );
  writeFileSync(config, text);
  await until('the old policy is back', () => JSON.parse(affiant(state, ['status', '--json'])).policy.version !== version);

  const status = JSON.parse(affiant(state, ['status', '--json']));
  check('the process is up and well', status.state === 'ok', JSON.stringify(status.ledger));
}
