import { z } from 'zod';
import { duration } from './units.js';

export const url = z.url({ protocol: /^https?$/, error: 'must be an http or https URL' });

/** A secret is named, never written. */
export const secret = z.union(
  [
    z.strictObject({ env: z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'must be the name of an environment variable') }),
    z.strictObject({ file: z.string().min(1) }),
  ],
  { error: 'must be { env: NAME } or { file: PATH }: secrets are named, never written here' },
);

const variable = z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'must be the name of an environment variable');

const inFile = z.strictObject({
  kind: z.literal('file'),
  passphrase: secret.optional().meta({ description: 'the key file is encrypted with it (PKCS #8); at least 20 characters' }),
});

const inKms = (key: string) =>
  z.strictObject({
    kind: z.literal('kms'),
    endpoint: url.optional().meta({ description: 'default: AWS KMS of the region' }),
    region: z.string().min(1).default('us-east-1'),
    key_id: z
      .string()
      .min(1)
      .max(2_048)
      .meta({ description: `key id, ARN or alias; ${key}` }),
    access_key_id: secret,
    secret_access_key: secret,
    session_token: secret.optional(),
    timeout: duration('5s').meta({ description: 'of one call; it is tried three times' }),
  });

/** Where the key is kept that signs the log. */
export const signer = z.discriminatedUnion(
  'kind',
  [
    inFile,
    z.strictObject({
      kind: z.literal('pkcs11'),
      module: z.string().min(1).meta({ description: 'path of the PKCS #11 library' }),
      token: z.string().min(1).max(32).meta({ description: 'label of the token' }),
      label: z.string().min(1).max(128).meta({ description: 'label of the key pair in it' }),
      pin: secret,
      tool: z.string().min(1).default('pkcs11-tool').meta({ description: "OpenSC's pkcs11-tool" }),
      environment: z.array(variable).max(20).default([]).meta({ description: 'variables handed on to the library' }),
      timeout: duration('10s'),
    }),
    inKms('an Ed25519 key'),
  ],
  {
    error: (issue) =>
      issue.code === 'invalid_union' ? 'kind must be file, pkcs11 or kms' : 'must be a mapping with kind: file, pkcs11 or kms',
  },
);

const keyEncryptionKey = z.discriminatedUnion('kind', [inFile, inKms('a symmetric key; spell it the same for ever')], {
  error: (issue) => (issue.code === 'invalid_union' ? 'kind must be file or kms' : 'must be a mapping with kind: file or kms'),
});

/** Where the key-encryption key of sealed content is kept. */
export const sealing = z
  .strictObject({
    key: keyEncryptionKey.default({ kind: 'file' }).meta({ description: 'where the key is kept that wraps the keys of new sessions' }),
    previous_keys: z.array(keyEncryptionKey).max(20).default([]).meta({
      description: 'keepers of before a rotation, which still open what they wrapped; files that are there need no entry unless encrypted',
    }),
    lost_keys: z
      .array(z.string().regex(/^((file|kms)-[0-9a-f]{16}|unnamed)$/, 'must be a name such as file-0123456789abcdef, or unnamed'))
      .max(20)
      .default([])
      .meta({ description: 'names of keys that are lost for good: what they wrapped is taken in as unreadable, and waited for no more' }),
  })
  .superRefine(({ key, previous_keys: previous }, context) => {
    if ([key, ...previous].filter(({ kind }) => kind === 'file').length > 1)
      context.addIssue({ code: 'custom', message: 'all key files share one passphrase: one entry of kind file', path: ['previous_keys'] });
  })
  .prefault({} as never);
