/** What the configuration must know of a protocol. Its code is a folder of apps/proxy/src/protocols; a test keeps the two lists the same. */
export interface ProtocolDefaults {
  /** How the credential is sent upstream unless the connection says otherwise. */
  readonly credentialHeader: 'x-api-key' | 'authorization';
}

export const PROTOCOLS = {
  anthropic: { credentialHeader: 'x-api-key' },
  openai: { credentialHeader: 'authorization' },
} as const satisfies Record<string, ProtocolDefaults>;

export type ProtocolName = keyof typeof PROTOCOLS;
export const PROTOCOL_NAMES = Object.keys(PROTOCOLS) as [ProtocolName, ...ProtocolName[]];
