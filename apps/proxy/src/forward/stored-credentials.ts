import { resolveSecret, type ConnectionConfig } from '#config';
import type { CredentialSource, UpstreamCredential } from '../ports.js';

/** A secret file is read again after this long, so that a rotated one is picked up. Milliseconds. */
const FRESH_MS = 30_000;

/** The stored credentials, remembered for a while so that a call reads no file. */
export function credentialSource(nowMs: () => number): CredentialSource {
  const known = new Map<string, { readonly credential: UpstreamCredential; readonly at: number }>();
  return (connection) => {
    const key = JSON.stringify([connection.name, connection.credential, connection.credential_header]);
    const entry = known.get(key);
    if (entry !== undefined && nowMs() - entry.at < FRESH_MS) return entry.credential;
    return read(connection).then((credential) => {
      known.set(key, { credential, at: nowMs() });
      return credential;
    });
  };
}

async function read(connection: ConnectionConfig): Promise<UpstreamCredential> {
  const secret = await resolveSecret(connection.credential);
  const header = connection.credential_header;
  return { header, value: header === 'authorization' ? `Bearer ${secret}` : secret };
}
