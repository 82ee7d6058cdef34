import { z } from 'zod';
import { configSchema } from './schema.js';

/** JSON Schema of the configuration file, for editors; schemas/affiant.schema.json is this text, and a test proves it current. */
export function configJsonSchema(): string {
  return `${JSON.stringify(z.toJSONSchema(configSchema, { io: 'input', target: 'draft-7', unrepresentable: 'any' }), null, 2)}\n`;
}
