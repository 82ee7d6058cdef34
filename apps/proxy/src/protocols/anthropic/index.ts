export { AnthropicProtocol } from './anthropic-protocol.js';
