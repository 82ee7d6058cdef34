import { z } from 'zod';
import { AffiantError, toAffiantError } from '#errors';

const REQUEST_MS = 10_000;
const CONTENT_TYPE = 'application/vnd.schemaregistry.v1+json';
/** Answers of a registry that has no such call, or does not allow it. */
const UNSUPPORTED = new Set([403, 404, 405, 422, 501]);

const REGISTERED = z.looseObject({ id: z.int() });
const SCHEMA = z.looseObject({ schema: z.string() });
const LOOKUP = z.looseObject({ id: z.int(), version: z.int() });
const CONFIG = z.looseObject({ compatibilityLevel: z.string() });

export interface RegistryOptions {
  /** Base of the Confluent API, with its path, e.g. https://registry.example.com/contexts/.affiant */
  readonly url: string;
  readonly login?: { readonly user: string; readonly password: string };
}

/** What a registry holds of a schema under a subject. */
export interface Held {
  readonly id: number;
  readonly version: number;
}

/**
 * The Confluent schema registry API, as far as Avro schemas need it. Nothing that records or ships events calls it: schemas are bundled.
 * @throws AffiantError registry_failed
 */
export class SchemaRegistry {
  constructor(private readonly options: RegistryOptions) {}

  /** The schema text behind the id of the wire framing; null when the id is free. */
  async schemaById(id: number): Promise<string | null> {
    const answer = await this.#call('GET', `/schemas/ids/${id}`, undefined, [404]);
    return answer === null ? null : parse(SCHEMA, answer).schema;
  }

  /** Under which id and version the subject holds exactly this schema; null when it does not. */
  async lookup(subject: string, schema: object): Promise<Held | null> {
    const answer = await this.#call('POST', `/subjects/${encodeURIComponent(subject)}`, { schema: JSON.stringify(schema) }, [404]);
    return answer === null ? null : parse(LOOKUP, answer);
  }

  /** Registers under an id of the registry's choice, or under the given one, which takes import mode. Idempotent. */
  async register(subject: string, schema: object, wanted?: Held): Promise<number> {
    const body = { schema: JSON.stringify(schema), schemaType: 'AVRO', ...wanted };
    return parse(REGISTERED, await this.#call('POST', `/subjects/${encodeURIComponent(subject)}/versions`, body)).id;
  }

  async subjects(): Promise<readonly string[]> {
    return parse(z.array(z.string()), await this.#call('GET', '/subjects'));
  }

  /** False when the registry does not do import mode, or not for us. Forced, because a subject with earlier versions refuses it otherwise. */
  async setMode(subject: string, mode: 'IMPORT' | 'READWRITE'): Promise<boolean> {
    return (await this.#call('PUT', `/mode/${encodeURIComponent(subject)}?force=true`, { mode }, UNSUPPORTED)) !== null;
  }

  async setCompatibility(subject: string, compatibility: string): Promise<void> {
    await this.#call('PUT', `/config/${encodeURIComponent(subject)}`, { compatibility });
  }

  /** Null when the subject has none of its own. */
  async compatibility(subject: string): Promise<string | null> {
    const answer = await this.#call('GET', `/config/${encodeURIComponent(subject)}`, undefined, [404]);
    return answer === null ? null : parse(CONFIG, answer).compatibilityLevel;
  }

  /** Null for a status of `none`. */
  async #call(method: string, path: string, body?: object, none: Iterable<number> = []): Promise<unknown> {
    const { url, login } = this.options;
    let status: number;
    let text: string;
    try {
      const response = await fetch(`${url.replace(/\/+$/, '')}${path}`, {
        method,
        headers: {
          accept: `${CONTENT_TYPE}, application/json`,
          'content-type': CONTENT_TYPE,
          ...(login === undefined ? {} : { authorization: `Basic ${Buffer.from(`${login.user}:${login.password}`).toString('base64')}` }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        redirect: 'error',
        signal: AbortSignal.timeout(REQUEST_MS),
      });
      status = response.status;
      text = await response.text();
    } catch (cause) {
      throw toAffiantError(cause, 'registry_failed', `the schema registry does not answer: ${(cause as Error).message}`);
    }
    if ([...none].includes(status)) return null;
    if (status < 200 || status > 299)
      throw new AffiantError('registry_failed', `the schema registry answered ${status}: ${text.slice(0, 300)}`, {
        where: `${method} ${path}`,
      });
    try {
      return JSON.parse(text) as unknown;
    } catch (cause) {
      throw new AffiantError('registry_failed', 'the schema registry answered something else than JSON', { cause });
    }
  }
}

function parse<T>(shape: z.ZodType<T>, answer: unknown): T {
  const result = shape.safeParse(answer);
  if (!result.success) throw new AffiantError('registry_failed', 'the schema registry answered in another form than the Confluent API');
  return result.data;
}
