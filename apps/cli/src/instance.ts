import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { environment } from '#config';
import { AffiantError, ERROR_CODES, type ErrorCode } from '#errors';

/** What `run.json` says of a running instance, or of a console service. */
export interface RunFile {
  readonly pid: number;
  readonly console: string;
  /** Null without a development issuer. */
  readonly issuer: string | null;
  /** Only of a whole instance; a console alone has no gateway and shows nothing. */
  readonly gateway?: string;
  readonly demo?: 'off' | 'running' | 'passed' | 'failed';
}

/** @throws AffiantError instance_unreachable */
export function readRunFile(state: string): RunFile {
  const path = join(state, 'run.json');
  let run: Pick<RunFile, 'pid'> & Partial<RunFile> & { readonly service?: string };
  try {
    run = JSON.parse(readFileSync(path, 'utf8')) as typeof run;
  } catch (cause) {
    throw new AffiantError('instance_unreachable', 'no running instance was found', { where: path, cause });
  }
  if (run.console === undefined)
    throw new AffiantError('instance_unreachable', `the ${run.service ?? 'process'} of that state directory is no console`, {
      where: path,
      remedy: 'Name the state directory of the console service, or set AFFIANT_CONSOLE to its URL.',
    });
  return { ...run, console: run.console, issuer: run.issuer ?? null };
}

/** Asks the development issuer for a token, with the secret only the owner of the state directory can read. */
export async function developmentToken(
  state: string,
  request: { readonly subject: string; readonly groups: readonly string[]; readonly ttl?: number },
): Promise<string> {
  const { issuer } = readRunFile(state);
  if (issuer === null)
    throw new AffiantError('usage_invalid', 'the development issuer is off', {
      remedy: 'Get a token from your own issuer and pass it with --token.',
    });
  const path = join(state, 'keys', 'issuer.secret');
  let secret: string;
  try {
    secret = readFileSync(path, 'utf8').trim();
  } catch (cause) {
    throw new AffiantError('usage_invalid', 'the secret of the development issuer cannot be read', {
      where: path,
      cause,
      remedy: 'Run as the owner of the state directory.',
    });
  }
  const response = await reach(`${issuer}/token`, {
    method: 'POST',
    headers: { authorization: `Bearer ${secret}`, 'content-type': 'application/json' },
    body: JSON.stringify(request),
  });
  const body = (await response.json()) as { access_token?: string; error_description?: string };
  if (body.access_token === undefined)
    throw new AffiantError('usage_invalid', `the development issuer refused: ${body.error_description ?? response.status}`);
  return body.access_token;
}

/** The running instance's API, as one principal. */
export class Instance {
  constructor(
    readonly run: Omit<RunFile, 'pid'>,
    readonly token: string,
  ) {}

  /** At AFFIANT_CONSOLE, else at the address in run.json. `--token`, else AFFIANT_TOKEN, else (development issuer only) a token of the local operator. */
  static async connect(options: { readonly state: string; readonly token?: string }): Promise<Instance> {
    const { console: elsewhere, token } = environment();
    const run = elsewhere === null ? readRunFile(options.state) : { console: elsewhere.replace(/\/+$/, ''), issuer: null };
    const given = options.token ?? token;
    if (given === undefined || given === null) {
      // The operator of this machine is nobody to a console that runs elsewhere.
      if (elsewhere !== null)
        throw new AffiantError('usage_invalid', 'no token was given', { remedy: 'Pass --token, or set AFFIANT_TOKEN.' });
      return new Instance(run, await operatorToken(options.state));
    }
    return new Instance(run, given);
  }

  async get<T>(path: string): Promise<T> {
    return (await (await this.send(path)).json()) as T;
  }

  async post<T>(path: string, body: object): Promise<T> {
    return (await (
      await this.send(path, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) })
    ).json()) as T;
  }

  /** @throws AffiantError with the code the API answered. */
  async send(path: string, init: RequestInit = {}): Promise<Response> {
    const headers = { ...(init.headers as Record<string, string> | undefined), authorization: `Bearer ${this.token}` };
    const response = await reach(`${this.run.console}${path}`, { ...init, headers });
    if (response.ok) return response;
    throw toError(response.status, await response.text());
  }
}

async function operatorToken(state: string): Promise<string> {
  const path = join(state, 'keys', 'operator.json');
  let operator: { subject: string; groups: string[] };
  try {
    operator = JSON.parse(readFileSync(path, 'utf8')) as { subject: string; groups: string[] };
  } catch (cause) {
    throw new AffiantError('usage_invalid', 'no token was given', { cause, remedy: 'Pass --token, or set AFFIANT_TOKEN.' });
  }
  return developmentToken(state, operator);
}

async function reach(url: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(url, init);
  } catch (cause) {
    throw new AffiantError('instance_unreachable', `${new URL(url).origin} does not answer`, { cause });
  }
}

function toError(status: number, text: string): AffiantError {
  try {
    const { error } = JSON.parse(text) as { error: { code: string; message: string; where?: string; remedy?: string } };
    if (error.code in ERROR_CODES) {
      return new AffiantError(error.code as ErrorCode, error.message, { where: error.where, remedy: error.remedy });
    }
  } catch {
    // Not our JSON: the engine's own error text follows.
  }
  const message = text.trim().slice(0, 2_000);
  return new AffiantError(
    status === 401 ? 'token_invalid' : status === 403 ? 'query_refused' : 'query_failed',
    message === '' ? `status ${status}` : message,
  );
}
