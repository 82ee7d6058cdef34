import type { BroughtValue } from '../../../mask/brought-values.js';
import type { Protocol, ScreenContext } from '../../protocol.js';
import { testContext, type TestPolicy } from './policies.js';

/** The context of the answer to a request that brought these texts, under a policy that gives values back everywhere. */
export async function restoringContext(
  protocol: Protocol,
  texts: readonly string[],
  options: TestPolicy = {},
): Promise<ScreenContext & { readonly values: readonly BroughtValue[] }> {
  const context = testContext({ restore: ['text', 'tool_input'], toolInput: 'mask', ...options });
  const path = protocol.name === 'openai' ? '/v1/chat/completions' : '/v1/messages';
  const body = Buffer.from(JSON.stringify({ model: 'm', messages: texts.map((content) => ({ role: 'user', content })) }));
  const { brought } = await protocol.screenRequest(body, protocol.route('POST', path)!, context);
  return { ...context, brought, values: [...(brought?.values() ?? [])] };
}
