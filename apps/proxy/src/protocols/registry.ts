import type { ProtocolName } from '#config';
import { AnthropicProtocol } from './anthropic/index.js';
import { OpenaiProtocol } from './openai/index.js';
import type { Protocol } from './protocol.js';

/** Every protocol that is built in, by the name a connection gives. Adding one is a folder, a line here, and a line in the configuration's list. */
const BUILT_IN: { readonly [Name in ProtocolName]: () => Protocol & { readonly name: Name } } = {
  anthropic: () => new AnthropicProtocol(),
  openai: () => new OpenaiProtocol(),
};

/** One of each. Protocols remember what they scanned, so a gateway makes them once. */
export function builtInProtocols(): Protocol[] {
  return Object.values(BUILT_IN).map((make) => make());
}
