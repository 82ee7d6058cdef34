// Load for the crash rounds: every call carries a mark of its own; what the client got whole is remembered.
import { Agent, request } from 'node:http';

/**
 * Runs calls until `stopped()`; never throws, because the gateway is killed underneath it.
 * @returns {{whole: {mark: string, exchange: string, stream: boolean}[], started: number, cut: number}}
 */
export async function loadUntil({ gateway, connection = 'demo', token, stopped, concurrency, round }) {
  const agent = new Agent({ keepAlive: true, maxSockets: concurrency });
  const whole = [];
  let started = 0;
  let cut = 0;
  const one = (mark, stream) =>
    new Promise((resolve) => {
      const prompt = started % 5 === 0 ? `${mark} show the customer record` : `${mark} what is a ledger?`;
      const body = JSON.stringify({ model: 'claude-simulated-1', max_tokens: 256, stream, messages: [{ role: 'user', content: prompt }] });
      const url = new URL(`${gateway}/c/${connection}/v1/messages`);
      const outgoing = request(
        {
          agent,
          host: url.hostname,
          port: url.port,
          path: url.pathname,
          method: 'POST',
          headers: {
            'content-type': 'application/json',
            'x-api-key': token,
            'anthropic-version': '2023-06-01',
            'content-length': Buffer.byteLength(body),
          },
        },
        (answer) => {
          let text = '';
          answer.setEncoding('utf8');
          answer.on('data', (chunk) => (text += chunk));
          answer.on('end', () => {
            const complete =
              answer.statusCode === 200 && answer.complete && (stream ? text.includes('event: message_stop') : isMessage(text));
            if (complete) whole.push({ mark, exchange: answer.headers['affiant-exchange-id'], stream });
            else cut += 1;
            resolve(complete);
          });
          answer.on('error', () => {
            cut += 1;
            resolve(false);
          });
        },
      );
      outgoing.on('error', () => {
        cut += 1;
        resolve(false);
      });
      outgoing.end(body);
    });
  const worker = async (n) => {
    while (!stopped()) {
      started += 1;
      const ok = await one(`mark-${round}-${n}-${started}`, started % 2 === 0);
      if (!ok) await new Promise((resolve) => setTimeout(resolve, 5));
    }
  };
  await Promise.all(Array.from({ length: concurrency }, (_, n) => worker(n)));
  agent.destroy();
  return { whole, started, cut };
}

function isMessage(text) {
  try {
    return JSON.parse(text).type === 'message';
  } catch {
    return false;
  }
}
