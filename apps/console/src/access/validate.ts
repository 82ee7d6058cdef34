import type { z } from 'zod';
import { AffiantError } from '#errors';

/** The input in the shape of the schema. @throws AffiantError usage_invalid that names the field. */
export function validate<T extends z.ZodType>(schema: T, input: unknown): z.output<T> {
  const result = schema.safeParse(input ?? {});
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw new AffiantError('usage_invalid', issue?.message ?? 'wrong arguments', { where: issue?.path.join('.') || 'body' });
}
