import { createCipheriv, createDecipheriv, createHash, generateKeyPairSync, randomBytes, sign, type KeyObject } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { sigV4 } from '../sig-v4.js';
import type { KmsSpec } from '../port.js';

/** What the next calls of an action get in place of a right answer. */
export type KmsFault = 'throttle' | 'unavailable' | 'hang' | 'garbage' | 'wrong-key' | 'wrong-message' | 'no-field' | 'denied';

interface Asked {
  readonly KeyId: string;
  readonly Message: string;
  readonly MessageType: string;
  readonly SigningAlgorithm: string;
  readonly Plaintext: string;
  readonly CiphertextBlob: string;
  readonly EncryptionContext?: Readonly<Record<string, string>>;
}

/** A local server that speaks GetPublicKey, Sign, Encrypt and Decrypt of AWS KMS and checks the signature of every request. */
export class KmsServer {
  readonly #server = createServer((request, response) => void this.#serve(request, response).catch(() => response.destroy()));
  readonly #key: KeyObject;
  readonly #spki: Buffer;
  /** Of the symmetric keys, each derived from it and its id. */
  readonly #root = randomBytes(32);
  readonly #faults: KmsFault[] = [];
  readonly calls: string[] = [];
  #url = '';

  constructor(kind: 'ed25519' | 'ec' = 'ed25519') {
    const pair = kind === 'ed25519' ? generateKeyPairSync('ed25519') : generateKeyPairSync('ec', { namedCurve: 'P-256' });
    this.#key = pair.privateKey;
    this.#spki = pair.publicKey.export({ type: 'spki', format: 'der' });
  }

  async start(): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    this.#url = `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
    return this;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  fault(...faults: KmsFault[]): void {
    this.#faults.push(...faults);
  }

  spec(change: Partial<KmsSpec> = {}): KmsSpec {
    const secret = (value: string) => async () => value;
    return {
      kind: 'kms',
      endpoint: this.#url,
      region: 'eu-central-1',
      keyId: 'alias/ledger',
      accessKeyId: secret('AKIDEXAMPLE'),
      secretAccessKey: secret('wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY'),
      timeoutMs: 60_000,
      ...change,
    };
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks).toString('utf8');
    const action = String(request.headers['x-amz-target']).replace('TrentService.', '');
    this.calls.push(action);
    const answer = (status: number, value: object): void => {
      response.writeHead(status, { 'content-type': 'application/x-amz-json-1.1' }).end(JSON.stringify(value));
    };
    if (!(await this.#signed(request, body))) return answer(400, { __type: 'InvalidSignatureException' });
    const fault = this.#faults.shift();
    if (fault === 'throttle') return answer(400, { __type: 'ThrottlingException', message: 'Rate exceeded' });
    if (fault === 'unavailable') return answer(503, { __type: 'KMSInternalException' });
    if (fault === 'denied') return answer(400, { __type: 'com.amazonaws.kms#AccessDeniedException', message: 'secret words' });
    if (fault === 'garbage') return void response.writeHead(200).end('<html>');
    if (fault === 'no-field') return answer(200, {});
    // Never answered: the client gives up, and stop() ends the connection.
    if (fault === 'hang') return;
    const asked = JSON.parse(body) as Asked;
    if (action === 'Encrypt' || action === 'Decrypt') return this.#symmetric(action, asked, fault, answer);
    if (asked.KeyId !== 'alias/ledger') return answer(400, { __type: 'NotFoundException' });
    if (action === 'GetPublicKey')
      return answer(200, { KeyId: asked.KeyId, KeySpec: 'ECC_NIST_EDWARDS25519', PublicKey: this.#spki.toString('base64') });
    if (asked.MessageType !== 'RAW' || asked.SigningAlgorithm !== 'ED25519_SHA_512') return answer(400, { __type: 'ValidationException' });
    const message = fault === 'wrong-message' ? Buffer.from('another') : Buffer.from(asked.Message, 'base64');
    const key = fault === 'wrong-key' ? generateKeyPairSync('ed25519').privateKey : this.#key;
    answer(200, { KeyId: asked.KeyId, Signature: sign(null, message, key).toString('base64'), SigningAlgorithm: asked.SigningAlgorithm });
  }

  /** Blob: the id of the key, nonce, ciphertext, tag. */
  #symmetric(
    action: 'Encrypt' | 'Decrypt',
    asked: Asked,
    fault: KmsFault | undefined,
    answer: (status: number, value: object) => void,
  ): void {
    const { KeyId, EncryptionContext = {} } = asked;
    if (!KeyId.startsWith('alias/content')) return answer(400, { __type: 'NotFoundException' });
    const key = createHash('sha256').update(this.#root).update(KeyId).digest();
    const context = Buffer.from(JSON.stringify(EncryptionContext));
    if (action === 'Encrypt') {
      const nonce = randomBytes(12);
      const cipher = createCipheriv('aes-256-gcm', fault === 'wrong-key' ? randomBytes(32) : key, nonce).setAAD(context);
      const blob = Buffer.concat([nonce, cipher.update(Buffer.from(asked.Plaintext, 'base64')), cipher.final(), cipher.getAuthTag()]);
      return answer(200, { KeyId, CiphertextBlob: blob.toString('base64') });
    }
    const blob = Buffer.from(asked.CiphertextBlob, 'base64');
    try {
      const decipher = createDecipheriv('aes-256-gcm', key, blob.subarray(0, 12)).setAAD(context).setAuthTag(blob.subarray(-16));
      const plain = Buffer.concat([decipher.update(blob.subarray(12, -16)), decipher.final()]);
      answer(200, { KeyId, Plaintext: (fault === 'wrong-message' ? randomBytes(32) : plain).toString('base64') });
    } catch {
      answer(400, { __type: 'InvalidCiphertextException' });
    }
  }

  async #signed(request: IncomingMessage, body: string): Promise<boolean> {
    const spec = this.spec();
    const url = new URL(this.#url);
    const named = /SignedHeaders=([^,]+)/.exec(request.headers.authorization ?? '')?.[1]?.split(';') ?? [];
    const headers = Object.fromEntries(
      named
        .filter((name) => name !== 'host' && !/^x-amz-(date|security-token)$/.test(name))
        .map((name) => [name, String(request.headers[name])]),
    );
    const stamp = String(request.headers['x-amz-date']).replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z');
    const credentials = { accessKeyId: await spec.accessKeyId(), secretAccessKey: await spec.secretAccessKey() };
    const expected = await sigV4({ method: 'POST', url, headers, body }, 'kms', spec.region, credentials, new Date(stamp));
    return expected['authorization'] === request.headers.authorization;
  }
}
