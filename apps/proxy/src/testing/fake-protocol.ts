import { createHash } from 'node:crypto';
import type { Steps } from '#wire';
import { AffiantError } from '#errors';
import type { RuleOutcome, Verdict } from '#policy';
import type {
  HeldPart,
  Protocol,
  ResponseFacts,
  ResponseScreener,
  Route,
  ScreenContext,
  ScreenedRequest,
  ScreenStep,
} from '../protocols/protocol.js';

const sha = (bytes: Buffer | string): Buffer => createHash('sha256').update(bytes).digest();
const APPROVERS = { group: 'owners', quorum: 1, not: 'requester' as const, expires: 60_000 };
const ALLOW: Verdict = { action: 'allow', rules: [] };

export function rule(action: RuleOutcome['action'], policy = `p-${action}`): RuleOutcome {
  return { policy, action, reason: `test ${action}`, ...(action === 'hold' ? { approvers: APPROVERS } : {}) };
}

interface FakeBody {
  readonly stream?: boolean;
  readonly text?: string;
  readonly tools?: string[];
  readonly pad?: string;
}

/**
 * A small wire for the data path's own tests. Requests: `{stream, text, tools}`; `SECRET` is masked, and what policy's
 * `evaluateRequestText(text)` says is the verdict. Answers: lines; a line `hold:x` is held, `block` is blocked, `end` is the end; `bad` does
 * not parse.
 */
export const fakeProtocol: Protocol = {
  name: 'anthropic',
  route(method, path): Route | null {
    if (method === 'POST' && path === '/v1/messages') return { operation: 'messages', upstreamPath: path, hasBody: true, forwards: true };
    if (method === 'GET' && path === '/v1/models') return { operation: 'models', upstreamPath: path, hasBody: false, forwards: true };
    if (method === 'HEAD' && path === '/') return { operation: 'probe', upstreamPath: path, hasBody: false, forwards: false };
    return null;
  },
  async screenRequest(body, _route, context): Promise<ScreenedRequest> {
    let parsed: FakeBody;
    try {
      parsed = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body)) as FakeBody;
    } catch (cause) {
      throw new AffiantError('body_invalid', 'not JSON', { cause });
    }
    const text = parsed.text ?? '';
    const masked = Buffer.from(body.toString().replaceAll('SECRET', '[X]'));
    const masks = text.includes('SECRET') ? [{ entity: 'secret', rule: 'secret@1', policy: 'p-mask', count: 1 }] : [];
    const verdict = context.policy.evaluateRequestText(text);
    const half = Math.floor(masked.length / 2);
    const pieces = [masked.subarray(0, half), masked.subarray(half)].map((bytes) => ({ sha256: sha(bytes), bytes }));
    return {
      model: 'fake-1',
      stream: parsed.stream ?? false,
      tools: parsed.tools ?? [],
      sessionHint: null,
      verdict: verdict.action === 'allow' && masks.length > 0 ? { action: 'mask', rules: [rule('mask')] } : verdict,
      masked: [masked],
      pieces,
      masks,
      callDigest: sha(JSON.stringify({ ...parsed, stream: undefined, text: text.replaceAll('SECRET', '[X]') })),
      promptDigest: text === '' ? null : sha(text),
      summary: text.replaceAll('SECRET', '[X]'),
      heldPieces: [],
      brought: null,
      conversation: null,
    };
  },
  screenResponse(_context: ScreenContext, { contentType, status }): ResponseScreener {
    return new FakeScreener(contentType === 'text/event-stream', status >= 400);
  },
  refusal(error) {
    const body = Buffer.from(JSON.stringify({ type: 'error', error: { type: error.code, message: error.message } }));
    return { status: error.status, headers: { 'content-type': 'application/json' }, body };
  },
  streamRefusal: (error) => Buffer.from(`error:${error.code}\n`),
  keepAlive: (_headers, opened) => Buffer.from(opened ? 'ping\n' : 'ping0\n'),
  streamHead: () => ({ status: 200, headers: { 'content-type': 'text/event-stream' } }),
  correlation: (headers) =>
    ['x-agent-id', 'x-session-id'].flatMap((name) => (headers[name] === undefined ? [] : [{ name, value: String(headers[name]) }])),
  sessionOf: (headers) => (typeof headers['x-session-id'] === 'string' ? headers['x-session-id'] : null),
  upstreamHeaders(rawHeaders, credential) {
    const dropped = new Set([
      'host',
      'connection',
      'content-length',
      'transfer-encoding',
      'authorization',
      'x-api-key',
      'expect',
      'keep-alive',
    ]);
    const kept: string[] = [];
    for (let at = 0; at < rawHeaders.length; at += 2) {
      const name = rawHeaders[at] as string;
      if (!dropped.has(name.toLowerCase())) kept.push(name, rawHeaders[at + 1] as string);
    }
    return [...kept, credential.header, credential.value];
  },
  clientHeaders(rawHeaders, requestId) {
    const headers: Record<string, string> = { 'request-id': requestId };
    for (let at = 0; at < rawHeaders.length; at += 2) {
      const name = (rawHeaders[at] as string).toLowerCase();
      if (!['content-length', 'transfer-encoding', 'connection', 'keep-alive', 'date'].includes(name))
        headers[name] = rawHeaders[at + 1] as string;
    }
    return headers;
  },
  assemble: (stream) => Buffer.from(JSON.stringify({ lines: stream.toString().trim().split('\n') })),
};

class FakeScreener implements ResponseScreener {
  #pending = '';
  #held: string | null = null;
  #ended = false;
  #error = false;

  constructor(
    readonly streams: boolean,
    readonly errors: boolean,
  ) {}

  get bufferedBytes(): number {
    return this.#pending.length;
  }

  push(chunk: Buffer): ScreenStep {
    this.#pending += chunk.toString();
    return this.streams && this.#held === null ? this.#lines() : { release: [] };
  }

  end(): ScreenStep {
    if (this.#held !== null) return { release: [] };
    if (this.streams) return { release: this.#ended ? [Buffer.from('end\n')] : [] };
    const rest = this.#lines();
    if (rest.held !== undefined || rest.blocked !== undefined) return rest;
    this.#ended = true;
    const last = this.#pending;
    this.#pending = '';
    return { release: [...rest.release, Buffer.from(last.replaceAll('SECRET', '[X]'))] };
  }

  // oxlint-disable-next-line require-yield
  *pushing(chunk: Buffer): Steps<ScreenStep> {
    return this.push(chunk);
  }

  // oxlint-disable-next-line require-yield
  *ending(): Steps<ScreenStep> {
    return this.end();
  }

  resolve(granted: boolean): ScreenStep {
    const line = this.#held;
    this.#held = null;
    const step = this.#lines();
    return granted ? { ...step, release: [Buffer.from(`${line}\n`), ...step.release] } : step;
  }

  facts(): ResponseFacts {
    return {
      model: 'fake-1',
      stopReason: this.#ended ? 'end_turn' : null,
      inputTokens: 3,
      outputTokens: 5,
      cacheReadTokens: null,
      cacheCreationTokens: null,
      toolCalls: [],
      masks: [],
      rules: [],
      upstreamError: this.#error ? { type: 'overloaded_error', message: 'upstream says so' } : null,
      complete: this.#ended,
    };
  }

  #lines(): ScreenStep {
    const release: Buffer[] = [];
    for (let at = this.#pending.indexOf('\n'); at !== -1; at = this.#pending.indexOf('\n')) {
      const line = this.#pending.slice(0, at);
      this.#pending = this.#pending.slice(at + 1);
      if (line === 'end') this.#ended = true;
      else if (line === 'block') return { release, blocked: { action: 'block', rules: [rule('block')] } };
      else if (line === 'bad') throw new AffiantError('stream_invalid', 'line does not parse');
      else if (line.startsWith('hold:')) {
        this.#held = line;
        return { release, held: heldPart(line) };
      } else {
        if (line === 'error') this.#error = true;
        release.push(Buffer.from(`${line.replaceAll('SECRET', '[X]')}\n`));
      }
    }
    return { release };
  }
}

function heldPart(line: string): HeldPart {
  return { verdict: { action: 'hold', rules: [rule('hold')] }, tool: 'Bash', summary: line, digest: sha(line) };
}

export { ALLOW };
