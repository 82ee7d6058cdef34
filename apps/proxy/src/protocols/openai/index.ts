export { OpenaiProtocol } from './openai-protocol.js';
