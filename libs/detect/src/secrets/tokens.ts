import { isAlnum, isToken } from '../engine/characters.js';
import { VERIFIED, type Candidate, type Window } from '../engine/window.js';
import { entropy } from './entropy.js';

interface TokenForm {
  readonly prefix: string;
  readonly rule: string;
  /** Units after the prefix. */
  readonly min: number;
  readonly max: number;
  /** Refuses what only looks like one (a CSS class, a file name). */
  readonly random?: boolean;
}

/** Longest token masked as one span. */
const LONG = 256;
const form = (prefix: string, rule: string, min: number, max = LONG, random = false): TokenForm => ({
  prefix,
  rule: `secret.${rule}@1`,
  min,
  max,
  random,
});

/** Published token forms. A longer prefix stands before the shorter one it begins with. */
const FORMS: readonly TokenForm[] = [
  form('AKIA', 'aws_access_key', 16, 16),
  form('ASIA', 'aws_access_key', 16, 16),
  form('ABIA', 'aws_access_key', 16, 16),
  form('ACCA', 'aws_access_key', 16, 16),
  form('AIza', 'google_api_key', 35, 35),
  form('github_pat_', 'github_token', 22),
  ...['ghp_', 'gho_', 'ghu_', 'ghs_', 'ghr_'].map((prefix) => form(prefix, 'github_token', 30)),
  form('glpat-', 'gitlab_token', 20),
  ...['xoxb-', 'xoxp-', 'xoxa-', 'xoxr-', 'xoxs-', 'xoxe-', 'xapp-'].map((prefix) => form(prefix, 'slack_token', 10, LONG, true)),
  ...['sk_live_', 'sk_test_', 'rk_live_', 'rk_test_', 'pk_live_'].map((prefix) => form(prefix, 'stripe_key', 16)),
  form('whsec_', 'stripe_key', 24),
  form('sk-ant-', 'anthropic_key', 16),
  form('sk-proj-', 'openai_key', 20),
  form('sk-svcacct-', 'openai_key', 20),
  form('sk-admin-', 'openai_key', 20),
  form('sk-', 'api_key', 20, LONG, true),
  form('GOCSPX-', 'google_client_secret', 20),
  form('npm_', 'npm_token', 36, 64),
  form('pypi-', 'pypi_token', 40),
  form('hf_', 'hugging_face_token', 30, 64),
  form('shpat_', 'shopify_token', 32, 64),
  form('dop_v1_', 'digitalocean_token', 64, 64),
  form('SG.', 'sendgrid_key', 40),
  form('hvs.', 'vault_token', 24),
  form('ya29.', 'google_oauth_token', 30),
  form('glptt-', 'gitlab_token', 40),
  form('gldt-', 'gitlab_token', 20),
  form('glrt-', 'gitlab_token', 20),
  form('shpca_', 'shopify_token', 32, 64),
  form('shppa_', 'shopify_token', 32, 64),
  form('shpss_', 'shopify_token', 32, 64),
  form('sq0atp-', 'square_token', 22, 64),
  form('sq0csp-', 'square_token', 43, 64),
  form('lin_api_', 'linear_key', 40, 64),
  form('pscale_tkn_', 'planetscale_token', 32),
  form('pscale_pw_', 'planetscale_token', 32),
  form('rubygems_', 'rubygems_key', 48, 48),
  form('dckr_pat_', 'docker_token', 27, 64),
  form('glsa_', 'grafana_token', 32),
  form('glc_', 'grafana_token', 32, LONG, true),
  form('sntrys_', 'sentry_token', 40),
  form('PMAK-', 'postman_key', 59, 80),
  form('NRAK-', 'new_relic_key', 27, 27),
  form('xkeysib-', 'brevo_key', 60, 96),
  form('figd_', 'figma_token', 40, 64),
  form('gsk_', 'groq_key', 52, 64),
  form('xai-', 'xai_key', 80, 96),
  form('pplx-', 'perplexity_key', 48, 64),
  form('ntn_', 'notion_token', 43, 64),
  form('dp.pt.', 'doppler_token', 40, 64),
  form('tfp_', 'typeform_token', 40, 64, true),
];

/** Longest beginning of a prefix that may stand at the end of a piece: what a stream holds back. */
export const TOKEN_TAIL = Math.max(...FORMS.map(({ prefix }) => prefix.length));

/** Prefix lengths by their last three units; capital forms (length 0) by their first three. */
const BY_UNITS = new Map<number, number[]>();
/** Whether any prefix has these two units before its last one (or after its first capital): spares most triggers the map. */
const PAIRS = new Uint8Array(128 * 128);
for (const { prefix } of FORMS) {
  const capital = prefix.startsWith('A');
  const [first, second, third] = Array.from(capital ? prefix.slice(0, 3) : prefix.slice(-3), (unit) => unit.charCodeAt(0)) as [
    number,
    number,
    number,
  ];
  const key = unitsKey(first, second, third);
  BY_UNITS.set(key, [...(BY_UNITS.get(key) ?? []), capital ? 0 : prefix.length]);
  PAIRS[capital ? second * 128 + third : first * 128 + second] = 1;
}

function unitsKey(first: number, second: number, third: number): number {
  return (first * 128 + second) * 128 + third;
}

const NOWHERE: readonly number[] = [];

/** Whether some prefix has these two units before its last one, or after its first capital. */
export function mayEndPrefix(first: number, second: number): boolean {
  return PAIRS[first * 128 + second] === 1;
}

/** Where a token form may begin when `trigger` is the last unit of its prefix (`_`, `-`, `.`) or the `A` it starts with; never inside a word. */
export function tokenStarts(window: Window, trigger: number, code: number): readonly number[] {
  const first = code === 65 ? trigger : trigger - 2;
  const { text } = window;
  const [one, two, three] = [text.charCodeAt(first), text.charCodeAt(first + 1), text.charCodeAt(first + 2)];
  if (code === 65 ? !mayEndPrefix(two, three) : !mayEndPrefix(one, two)) return NOWHERE;
  const lengths = BY_UNITS.get(unitsKey(one, two, three));
  if (lengths === undefined) return NOWHERE;
  return lengths
    .map((length) => (length === 0 ? trigger : trigger - length + 1))
    .filter((start, index, all) => start >= 0 && all.indexOf(start) === index && !isBoundToken(window.at(start - 1)));
}

const isBoundToken = (code: number): boolean => isAlnum(code) || code === 95;

/** The token whose prefix begins at `start`. */
export function token(window: Window, start: number): Candidate | null {
  for (const { prefix, rule, min, max, random } of FORMS) {
    if (!window.text.startsWith(prefix, start)) continue;
    const body = start + prefix.length;
    let end = body;
    while (
      end - body < max + 1 &&
      (isToken(window.at(end)) || (prefix.endsWith('.') && window.at(end) === 46 && isToken(window.at(end + 1))))
    )
      end++;
    const length = end - body;
    if (length < min || (max !== LONG && length > max)) continue;
    const value = window.text.slice(body, end);
    if (random === true && !(/\d/.test(value) && entropy(value) >= 3)) continue;
    if (length > max) return { start, end: body + max, type: 'secret', rule, score: 0.9, strength: VERIFIED, more: 'token' };
    return { start, end, type: 'secret', rule, score: 0.95, strength: VERIFIED };
  }
  return null;
}

/** Rules and the prefixes each looks for. */
export const TOKEN_RULES: readonly { readonly rule: string; readonly prefixes: readonly string[] }[] = [
  ...new Set(FORMS.map(({ rule }) => rule)),
].map((rule) => ({ rule, prefixes: FORMS.filter((each) => each.rule === rule).map(({ prefix }) => prefix) }));
