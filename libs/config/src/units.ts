import { z } from 'zod';

const DURATION = /^(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)$/;
const MILLISECONDS: Record<string, number> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const SIZE = /^(\d+(?:\.\d+)?)\s*(b|kb|mb|gb)$/i;
const BYTES: Record<string, number> = { b: 1, kb: 1024, mb: 1024 ** 2, gb: 1024 ** 3 };

/** `15m`, `500ms`, `2h`; in the configuration's type milliseconds. */
export const duration = (fallback?: string): z.ZodType<number, unknown> =>
  unit('a duration such as 500ms, 30s, 15m, 2h or 1d', DURATION, MILLISECONDS, fallback);

/** `512mb`, `32mb`, `64kb`; in the configuration's type bytes. */
export const size = (fallback?: string): z.ZodType<number, unknown> => unit('a size such as 64kb, 32mb or 4gb', SIZE, BYTES, fallback);

function unit(wanted: string, form: RegExp, factors: Record<string, number>, fallback: string | undefined): z.ZodType<number, unknown> {
  const text = z
    .string({ error: `must be ${wanted}` })
    .regex(form, `must be ${wanted}`)
    .meta({ description: `${wanted}` });
  const base = fallback === undefined ? text : text.default(fallback);
  return base.transform((value) => {
    const [, number = '0', name = ''] = form.exec(value) ?? [];
    return Math.round(Number(number) * (factors[name.toLowerCase()] ?? 1));
  });
}
