/** A published form of a token: a prefix, then a body of base64url signs. */
export interface TokenForm {
  readonly prefix: string;
  /** Rule id with version. */
  readonly rule: string;
  /** Units after the prefix. */
  readonly min: number;
  readonly max: number;
  /** Refuses what only looks like one (a CSS class, a file name). */
  readonly random: boolean;
  /** What the whole body must look like. */
  readonly body: RegExp | null;
  /** Signs of the body besides those of base64url. */
  readonly signs: string;
  /** Units of the token in front of the prefix. */
  readonly lead: number;
  /** What these must look like. */
  readonly leading: RegExp | null;
  /** The unit of the prefix at which it is looked for, with the two before it; -1: its first unit, with the two after it. */
  readonly pivot: number;
  /** Below that of a form which names its issuer, where several begin alike. */
  readonly score: number;
}

/** Longest token masked as one span. */
export const LONG = 256;

/** Raised by one when a rule finds other spans than before; 1 when absent. */
const VERSIONS: Readonly<Record<string, number>> = {
  slack_token: 2,
  stripe_key: 2,
  gitlab_token: 2,
  vault_token: 2,
  digitalocean_token: 2,
  planetscale_token: 2,
  grafana_token: 2,
  sentry_token: 2,
  doppler_token: 2,
};

const PIVOTS = '_-.~';

function form(prefix: string, rule: string, min: number, max = LONG, more: Partial<TokenForm> = {}): TokenForm {
  const ends = PIVOTS.includes(prefix.slice(-1));
  return {
    prefix,
    rule: `secret.${rule}@${VERSIONS[rule] ?? 1}`,
    min,
    max,
    random: false,
    body: null,
    signs: prefix.endsWith('.') ? '.' : '',
    score: 0.95,
    lead: 0,
    leading: null,
    pivot: ends ? prefix.length - 1 : -1,
    ...more,
  };
}

const forms = (prefixes: string, rule: string, min: number, max = LONG, more: Partial<TokenForm> = {}): TokenForm[] =>
  prefixes.split(' ').map((prefix) => form(prefix, rule, min, max, more));

const HEX = /^[0-9a-f]+$/i;
const ALNUM = /^[A-Za-z0-9]+$/;
const CAPITALS = /^[A-Z0-9]+$/;
const BASE64 = '+/=';
const RANDOM = { random: true };

/**
 * Published token forms, most of them also in the rule list of gitleaks (MIT, read at b58d3f1); written anew here for a scanner that streams. Of forms
 * that begin at the same unit the longer prefix stands first.
 */
export const FORMS: readonly TokenForm[] = [
  ...forms('AKIA ASIA ABIA ACCA', 'aws_access_key', 16, 16),
  form('ABSK', 'aws_bedrock_key', 109, 272, { signs: BASE64 }),
  form('bedrock-api-key-', 'aws_bedrock_key', 40, LONG, { signs: BASE64 }),
  form('AIza', 'google_api_key', 35, 35),
  form('GOCSPX-', 'google_client_secret', 20),
  form('ya29.', 'google_oauth_token', 30),
  form('Q~', 'azure_client_secret', 31, 34, { lead: 4, leading: /^[\w.-]{3}\d$/, signs: '.~' }),
  form('github_pat_', 'github_token', 22),
  ...forms('ghp_ gho_ ghu_ ghs_ ghr_', 'github_token', 30),
  ...forms('glpat- gldt- glrt- glft- glsoat- glffct- glimt-', 'gitlab_token', 20, LONG, { signs: '.' }),
  ...forms('glptt- gloas- glagent-', 'gitlab_token', 40),
  form('glcbt-', 'gitlab_token', 20),
  ...forms('xoxe.xoxb- xoxe.xoxp-', 'slack_token', 10, LONG, RANDOM),
  ...forms('xoxb- xoxp- xoxa- xoxr- xoxs- xoxe- xoxo- xoxc- xapp-', 'slack_token', 10, LONG, RANDOM),
  form('xoxd-', 'slack_token', 40, LONG, { random: true, signs: '%+/=' }),
  ...forms('hooks.slack.com/services/ hooks.slack.com/workflows/ hooks.slack.com/triggers/', 'slack_webhook', 30, 120, {
    pivot: 5,
    signs: '/+',
    random: true,
  }),
  form('webhook.office.com/webhookb2/', 'teams_webhook', 100, LONG, { pivot: 7, signs: '/@', random: true }),
  ...forms('sk_live_ sk_test_ sk_prod_ rk_live_ rk_test_ rk_prod_ pk_live_', 'stripe_key', 16),
  form('whsec_', 'stripe_key', 24),
  form('sk-ant-', 'anthropic_key', 16),
  ...forms('sk-proj- sk-svcacct- sk-admin-', 'openai_key', 20),
  form('sk-', 'api_key', 20, LONG, { random: true, score: 0.9 }),
  form('npm_', 'npm_token', 36, 64),
  form('pypi-', 'pypi_token', 40),
  form('rubygems_', 'rubygems_key', 48, 48),
  form('CLOJARS_', 'clojars_token', 60, 60, { body: ALNUM }),
  form('hf_', 'hugging_face_token', 30, 64),
  form('api_org_', 'hugging_face_token', 34, 34, { body: /^[A-Za-z]+$/ }),
  ...forms('shpat_ shpca_ shppa_ shpss_', 'shopify_token', 32, 64),
  ...forms('dop_v1_ doo_v1_ dor_v1_', 'digitalocean_token', 64, 64),
  form('SG.', 'sendgrid_key', 40),
  form('xkeysib-', 'brevo_key', 60, 96),
  form('key-', 'mailgun_key', 32, 32, { body: HEX }),
  ...forms('hvs. hvb. hvr.', 'vault_token', 24),
  form('.atlasv1.', 'terraform_token', 60, 70, { lead: 14, leading: ALNUM, signs: '' }),
  ...Array.from('0123456789abcdefABCDEF', (digit) => form(`SK${digit}`, 'twilio_key', 31, 31, { body: HEX })),
  form('dapi', 'databricks_token', 32, 34, { pivot: 2, body: /^[0-9a-f]{32}(?:-\d)?$/ }),
  form('AKCp', 'artifactory_key', 69, 69, { body: ALNUM }),
  form('cmVmd', 'artifactory_token', 59, 59, { pivot: 2, body: ALNUM }),
  form('LTAI', 'alibaba_access_key', 16, 20, { pivot: 2, body: ALNUM, random: true }),
  form('ATATT3', 'atlassian_token', 180, LONG, { signs: '=' }),
  form('ATCTT3', 'atlassian_token', 120, LONG, { signs: '=' }),
  form('ATBB', 'bitbucket_app_password', 32, 32, { body: ALNUM }),
  form('HRKU-', 'heroku_key', 36, 64, RANDOM),
  form('sha256~', 'openshift_token', 43, 43),
  form('dt0c01.', 'dynatrace_token', 89, 89),
  ...forms('sqp_ squ_ sqa_', 'sonarqube_token', 40, 40, { body: HEX }),
  form('pul-', 'pulumi_token', 40, 40, { body: HEX }),
  form('pnu_', 'prefect_token', 36, 36, { body: ALNUM }),
  form('API-', 'octopus_key', 25, 27, { body: CAPITALS, random: true, pivot: 3 }),
  form('A3-', 'one_password_key', 36, 37, { body: /^[A-Z0-9]{6}(?:-?[A-Z0-9]{5,6}){4,5}$/, random: true, pivot: 2 }),
  form('ops_eyJ', 'one_password_token', 200, LONG, { pivot: 3, signs: BASE64 }),
  form('AGE-SECRET-KEY-1', 'age_key', 58, 58, { body: CAPITALS, pivot: 14 }),
  form('sgp_', 'sourcegraph_token', 40, 64, RANDOM),
  form('tskey-', 'tailscale_key', 16, 96, RANDOM),
  form('p8e-', 'adobe_client_secret', 32, 32, { body: ALNUM }),
  ...forms('shippo_live_ shippo_test_', 'shippo_token', 40, 40, { body: HEX }),
  ...forms('duffel_live_ duffel_test_', 'duffel_token', 43, 44),
  ...forms('FLWSECK- FLWSECK_TEST-', 'flutterwave_key', 12, 34, { body: /^(?:[a-h0-9]{12}|[a-h0-9]{32}-X)$/i }),
  ...forms('sq0atp- sq0idp-', 'square_token', 22, 64),
  form('sq0csp-', 'square_token', 43, 64),
  form('lin_api_', 'linear_key', 40, 64),
  ...forms('pscale_tkn_ pscale_pw_ pscale_oauth_', 'planetscale_token', 32, LONG, { signs: '.=' }),
  ...forms('dckr_pat_ dckr_oat_', 'docker_token', 27, 64),
  form('glsa_', 'grafana_token', 32),
  form('glc_', 'grafana_token', 32, LONG, { random: true, signs: BASE64 }),
  form('eyJrIjoi', 'grafana_token', 70, LONG, { pivot: 2, signs: BASE64 }),
  form('sntrys_', 'sentry_token', 40, LONG, { signs: BASE64 }),
  form('sntryu_', 'sentry_token', 64, 64, { body: HEX }),
  form('PMAK-', 'postman_key', 59, 80),
  form('NRAK-', 'new_relic_key', 27, 27),
  form('figd_', 'figma_token', 40, 64),
  form('gsk_', 'groq_key', 52, 64),
  form('xai-', 'xai_key', 80, 96),
  form('pplx-', 'perplexity_key', 48, 64),
  form('ntn_', 'notion_token', 43, 64),
  ...forms('dp.pt. dp.st. dp.ct. dp.sa. dp.scim. dp.audit.', 'doppler_token', 40, 80),
  form('tfp_', 'typeform_token', 40, 64, RANDOM),
];
