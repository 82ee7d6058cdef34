import { AffiantError } from '#errors';
import type { Instance } from './instance.js';

/** What the open route of the API answers. */
export interface Opened {
  readonly unsealing: Readonly<Record<string, unknown>>;
  readonly opened: readonly {
    readonly exchange_id: string;
    readonly direction: string;
    readonly values: readonly { readonly placeholder: string; readonly value: string }[];
  }[];
}

interface Step {
  readonly exchange: Readonly<Record<string, unknown>>;
  readonly request_body: string | null;
  readonly response_body: string | null;
}

/** The masked text of what a request to unseal is about; the replay is recorded as such. @throws AffiantError not_found, query_refused */
export async function replayOf(instance: Instance, id: string): Promise<Step[]> {
  const { unsealings } = await instance.get<{ unsealings: { id: string; session: string; exchange: string | null }[] }>(
    '/api/v1/unsealings?limit=1000',
  );
  const asked = unsealings.find((unsealing) => unsealing.id === id);
  if (asked === undefined) throw new AffiantError('not_found', 'there is no such request');
  const steps: Step[] = [];
  let after: string | null = '';
  while (after !== null) {
    const page: { steps: Step[]; next?: string | null } = await instance.get(
      `/api/v1/sessions/${encodeURIComponent(asked.session)}/replay${after === '' ? '' : `?after=${encodeURIComponent(after)}`}`,
    );
    steps.push(...page.steps.filter(({ exchange }) => asked.exchange === null || exchange['exchange_id'] === asked.exchange));
    after = page.next ?? null;
  }
  return steps;
}

/** The text with the values in place of their placeholders, as JSON writes them. Of several that share one placeholder the first. */
export function putIn(steps: readonly Step[], opened: Opened['opened']): string {
  const values = new Map<string, string>();
  for (const { placeholder, value } of opened.flatMap((event) => event.values))
    if (!values.has(placeholder)) values.set(placeholder, JSON.stringify(value).slice(1, -1));
  const filled = (text: string | null): string => {
    let out = text ?? '';
    for (const [placeholder, value] of values) out = out.replaceAll(placeholder, () => value);
    return out;
  };
  return steps
    .map(
      ({ exchange, request_body, response_body }) =>
        `\n=== ${String(exchange['exchange_id'])} ${String(exchange['started_at'])}\n>>> request\n${filled(request_body)}\n<<< response\n${filled(response_body)}\n`,
    )
    .join('');
}
