// Values of each rule where one type has many, as patterns: a sign stands for itself, `[a-z0-9]{n}` and `{n,m}` for random ones. Written from what the
// issuers publish (and gitleaks, MIT, collects), from nothing in libs/detect. `like`: what looks like one and is none.
const B62 = '[a-zA-Z0-9]';
const B64URL = '[a-zA-Z0-9_-]';
const LOW = '[a-z0-9]';
const UP = '[A-Z0-9]';
const HEX = '[a-f0-9]';
const NUM = '[0-9]';
const HEX32 = `${HEX}{32}`;
const UUID = `${HEX}{8}-${HEX}{4}-${HEX}{4}-${HEX}{4}-${HEX}{12}`;

/** `[rule, values, look-alikes]` */
export const TOKENS = [
  ['aws_access_key', ['AKIA', 'ASIA', 'ABIA', 'ACCA'].map((prefix) => `${prefix}[A-Z2-7]{16}`), [`AKIA${UP}{9}`, `AKIA${UP}{24}`, `arn:aws:iam::${NUM}{12}:role/AKIADMIN`]],
  ['aws_bedrock_key', [`ABSK[a-zA-Z0-9+/]{110,128}==`, `bedrock-api-key-YmVkcm9jay5hbWF6b25hd3MuY29t${B62}{60,180}`], [`ABSK${UP}{8}`, 'bedrock-api-key-rotation']],
  ['google_api_key', [`AIza${B64URL}{34}[a-z]`], [`AIza${B62}{12}`, `AIza${B62}{50}`]],
  ['google_client_secret', [`GOCSPX-${B64URL}{27}[a-z]`], [`GOCSPX-${B62}{4}`]],
  ['google_oauth_token', [`ya29.${B64URL}{60,180}[a-z]`], [`ya29.${B62}{5}`]],
  ['azure_client_secret', [`[a-zA-Z0-9]{3}${NUM}Q~[a-zA-Z0-9_-]{31,33}[a-z]`, `[a-zA-Z0-9]{3}8Q~[a-zA-Z0-9]{15}.[a-zA-Z0-9]{17}`], [`${NUM}{4}Q~${B62}{8}`, 'FAQ~see-below-for-the-list-of-questions']],
  ['github_token', ['ghp_', 'gho_', 'ghu_', 'ghs_', 'ghr_'].map((prefix) => `${prefix}${B62}{36}`).concat(`github_pat_${B62}{22}_${B62}{59}`), [`ghp_${B62}{8}`, 'github_pat_rotation_runbook_for_teams']],
  ['gitlab_token', [`glpat-${B64URL}{19}[a-z]`, `glpat-${B62}{27}.01.${LOW}{9}`, `glptt-${HEX}{40}`, `gldt-${B64URL}{19}[a-z]`, `glrt-${B64URL}{19}[a-z]`, `glrt-t1_${B62}{27}.01.${LOW}{9}`, `glcbt-64_${B64URL}{19}[a-z]`, `glft-${B62}{20}`, `glimt-${B62}{25}`, `glagent-${B64URL}{49}[a-z]`, `gloas-${B64URL}{63}[a-z]`, `glsoat-${B62}{20}`, `glffct-${B62}{20}`], [`glpat-${B62}{6}`, 'gldt-deploy-token-for-the-registry']],
  ['slack_token', [`xoxb-${NUM}{12}-${NUM}{12}-${B62}{24}`, `xoxp-${NUM}{12}-${NUM}{12}-${NUM}{12}-${HEX32}`, `xapp-1-A${UP}{10}-${NUM}{13}-${HEX}{64}`, `xoxe.xoxp-1-${UP}{160}`, `xoxe-1-${UP}{146}`, `xoxc-${NUM}{12}-${NUM}{13}-${NUM}{13}-${HEX}{64}`, `xoxd-${B62}{40,60}%2F${B62}{20}%3D`], [`xoxb-${NUM}{3}`, 'xoxp-your-token-goes-here']],
  ['slack_webhook', [`hooks.slack.com/services/T${UP}{8,10}/B${UP}{8,10}/${B62}{24}`, `hooks.slack.com/workflows/T${UP}{10}/A${UP}{10}/${NUM}{18}/${B62}{24}`], ['hooks.slack.com/services/', 'hooks.slack.com/services/incoming-webhooks-documentation']],
  ['stripe_key', ['sk_live_', 'sk_test_', 'rk_live_', 'rk_prod_', 'pk_live_'].map((prefix) => `${prefix}${B62}{24,99}`).concat(`whsec_${B62}{32}`), [`sk_live_${B62}{5}`, 'sk_test_mode_is_switched_on_here']],
  ['anthropic_key', [`sk-ant-api03-${B64URL}{93}AA`, `sk-ant-admin01-${B64URL}{93}AA`], ['sk-ant-api03-', 'sk-ant-your-key-goes-here-please']],
  ['openai_key', [`sk-proj-${B64URL}{74}T3BlbkFJ${B64URL}{73}[a-z]`, `sk-svcacct-${B64URL}{58}T3BlbkFJ${B64URL}{57}[a-z]`, `sk-admin-${B64URL}{58}T3BlbkFJ${B64URL}{57}[a-z]`], ['sk-proj-your-project-key-goes-here', `sk-proj-${B62}{5}`]],
  ['api_key', [`sk-${B62}{20}T3BlbkFJ${B62}{20}`, `sk-or-v1-${HEX}{64}`, `sk-${HEX32}`], ['sk-loading-spinner-container-large', `sk-${NUM}{6}`, `task-${B62}{24}`]],
  ['npm_token', [`npm_${B62}{36}`], ['npm_config_registry', `npm_${B62}{12}`]],
  ['pypi_token', [`pypi-AgEIcHlwaS5vcmc${B64URL}{100,160}[a-z]`], ['pypi-publish-on-every-tag']],
  ['rubygems_key', [`rubygems_${HEX}{48}`], [`rubygems_${HEX}{20}`, 'rubygems_mirror']],
  ['clojars_token', [`CLOJARS_${LOW}{60}`], ['CLOJARS_USERNAME', `CLOJARS_${LOW}{30}`]],
  ['hugging_face_token', ['hf_[a-zA-Z]{34}', 'api_org_[a-zA-Z]{34}'], ['hf_hub_download', `hf_${B62}{9}`]],
  ['shopify_token', ['shpat_', 'shpca_', 'shppa_', 'shpss_'].map((prefix) => `${prefix}${HEX32}`), [`shpat_${HEX}{12}`]],
  ['digitalocean_token', ['dop_v1_', 'doo_v1_', 'dor_v1_'].map((prefix) => `${prefix}${HEX}{64}`), [`dop_v1_${HEX}{30}`]],
  ['sendgrid_key', [`SG.${B62}{22}.${B64URL}{42}[a-z]`], [`SG.${B62}{9}`, 'SG.SINGAPORE']],
  ['brevo_key', [`xkeysib-${HEX}{64}-${B62}{16}`], [`xkeysib-${HEX}{20}`]],
  ['mailgun_key', [`key-${HEX32}`], [`key-${HEX}{20}`, `key-${B62}{32}`, `monkey-${HEX32}`]],
  ['vault_token', [`hvs.${B64URL}{89,119}[a-z]`, `hvb.${B64URL}{137,180}[a-z]`, `hvs.${B62}{24}`], [`hvs.${B62}{8}`]],
  ['terraform_token', [`${B62}{14}.atlasv1.${B64URL}{64,69}[a-z]`], [`${B62}{6}.atlasv1.${B62}{12}`]],
  ['twilio_key', [`SK${HEX32}`], [`SK${HEX}{20}`, `SK-${NUM}{6}`, `TASK${HEX32}`]],
  ['databricks_token', [`dapi${HEX32}`, `dapi${HEX32}-2`], [`dapi${HEX}{12}`, 'dapi_client_for_the_warehouse']],
  ['artifactory_key', [`AKCp${B62}{69}`], [`AKCp${B62}{20}`]],
  ['artifactory_token', [`cmVmd${B62}{59}`], [`cmVmd${B62}{20}`]],
  ['alibaba_access_key', [`LTAI${B62}{20}`], [`LTAI${B62}{6}`, 'LTAIPEIOFFICEBUILDING']],
  ['atlassian_token', [`ATATT3xFfGF0${B64URL}{171}=${UP}{8}`, `ATCTT3xFfGN0${B64URL}{171}=${UP}{8}`], [`ATATT3${B62}{20}`]],
  ['bitbucket_app_password', [`ATBB${B62}{32}`], [`ATBB${B62}{9}`]],
  ['heroku_key', [`HRKU-AA${B64URL}{57}[a-z]`, `HRKU-${UUID}`], [`HRKU-${NUM}{5}`]],
  ['openshift_token', [`sha256~${B64URL}{42}[a-z]`], ['sha256~latest', `sha256:${HEX}{64}`]],
  ['dynatrace_token', [`dt0c01.[A-Z2-7]{24}.[A-Z2-7]{64}`], [`dt0c01.${UP}{10}`]],
  ['sonarqube_token', ['sqp_', 'squ_', 'sqa_'].map((prefix) => `${prefix}${HEX}{40}`), [`sqp_${HEX}{12}`, `squ_${LOW}{39}z`]],
  ['pulumi_token', [`pul-${HEX}{40}`], [`pul-${HEX}{12}`]],
  ['prefect_token', [`pnu_${B62}{36}`], [`pnu_${B62}{9}`]],
  ['octopus_key', [`API-${UP}{26}`], ['API-GATEWAY', `API-${NUM}{4}`, 'API-KEY-ROTATION-POLICY']],
  ['one_password_key', [`A3-${UP}{6}-${UP}{11}-${UP}{5}-${UP}{5}-${UP}{5}`, `A3-${UP}{6}-${UP}{6}-${UP}{5}-${UP}{5}-${UP}{5}-${UP}{5}`], [`A3-${UP}{6}`, 'A3-POSTER']],
  ['one_password_token', [`ops_eyJ${B62}{250,300}==`], ['ops_eyJzIjoi', 'ops_team_dashboard']],
  ['age_key', [`AGE-SECRET-KEY-1[QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L]{58}`], ['AGE-SECRET-KEY-1']],
  ['sourcegraph_token', [`sgp_${HEX}{40}`, `sgp_${HEX}{16}_${HEX}{40}`], [`sgp_${HEX}{12}`]],
  ['tailscale_key', [`tskey-auth-k${B62}{11}CNTRL-${B62}{32}`, `tskey-api-k${B62}{11}CNTRL-${B62}{32}`], ['tskey-auth', 'tskey-rotation-is-due-on-monday']],
  ['adobe_client_secret', [`p8e-${B62}{32}`], [`p8e-${B62}{9}`]],
  ['shippo_token', [`shippo_live_${HEX}{40}`, `shippo_test_${HEX}{40}`], [`shippo_live_${HEX}{9}`]],
  ['duffel_token', [`duffel_live_${B64URL}{42}[a-z]`, `duffel_test_${B64URL}{42}[a-z]`], ['duffel_test_mode']],
  ['flutterwave_key', [`FLWSECK_TEST-${HEX32}-X`, `FLWSECK-${HEX32}-X`, `FLWSECK_TEST${HEX}{12}`.replace('TEST', 'TEST-')], ['FLWSECK_TEST-']],
  ['square_token', [`sq0atp-${B64URL}{21}[a-z]`, `sq0csp-${B64URL}{42}[a-z]`, `sq0idp-${B64URL}{21}[a-z]`], [`sq0atp-${B62}{6}`]],
  ['linear_key', [`lin_api_${B62}{40}`], [`lin_api_${B62}{9}`]],
  ['planetscale_token', [`pscale_tkn_${B64URL}{42}[a-z]`, `pscale_pw_${B64URL}{42}[a-z]`, `pscale_oauth_${B64URL}{42}[a-z]`], ['pscale_pw_reset']],
  ['docker_token', [`dckr_pat_${B64URL}{26}[a-z]`, `dckr_oat_${B64URL}{31}[a-z]`], [`dckr_pat_${B62}{6}`]],
  ['grafana_token', [`glsa_${B62}{32}_${HEX}{8}`, `glc_${B62}{100,180}==`, `eyJrIjoi${B62}{90,120}`], [`glsa_${B62}{6}`, 'glc_dashboards_for_everybody_to_read_here']],
  ['sentry_token', [`sntrys_eyJpYXQiO${B62}{80,150}=_${B62}{43}`, `sntryu_${HEX}{64}`], [`sntryu_${HEX}{9}`]],
  ['postman_key', [`PMAK-${HEX}{24}-${HEX}{34}`], [`PMAK-${HEX}{9}`]],
  ['new_relic_key', [`NRAK-${UP}{27}`], [`NRAK-${UP}{9}`]],
  ['figma_token', [`figd_${B64URL}{39}[a-z]`], [`figd_${B62}{6}`]],
  ['groq_key', [`gsk_${B62}{52}`], [`gsk_${B62}{9}`]],
  ['xai_key', [`xai-${B62}{80}`], [`xai-${B62}{9}`]],
  ['perplexity_key', [`pplx-${B62}{48}`], ['pplx-70b-online']],
  ['notion_token', [`ntn_${NUM}{11}${B62}{35}`], [`ntn_${NUM}{5}`]],
  ['doppler_token', [`dp.pt.${B62}{43}`, `dp.st.dev_main.${B62}{43}`, `dp.sa.${B62}{43}`], [`dp.pt.${B62}{6}`]],
  ['typeform_token', [`tfp_${B62}{44}`], ['tfp_survey_of_the_branch_offices_of_all_regions']],
]; // prettier-ignore

/** Found by what stands around them: `«value»` in its text. */
export const FRAMED = [
  ['teams_webhook', [`https://acme.«webhook.office.com/webhookb2/${UUID}@${UUID}/IncomingWebhook/${HEX32}/${UUID}»`], [`acme.webhook.office.com/webhookb2/help`]],
  [
    'assignment',
    [
      `DB_PASSWORD=«${B62}{8}!${NUM}{3}»`,
      `"api_key": "«${HEX32}»"`,
      `DD-API-KEY: «${HEX32}»`,
      `DD_APP_KEY=«${HEX}{40}»`,
      `Authorization: Bearer «${B62}{40}»`,
      `authorization: SSWS «00${B64URL}{39}a»`,
      `Authorization: Basic «[a-zA-Z0-9]{24}7»`,
      `AccountKey=«[a-zA-Z0-9+/]{86}==»;EndpointSuffix=core.example`,
      `Endpoint=sb://ns.example/;SharedAccessKeyName=root;SharedAccessKey=«[a-zA-Z0-9+/]{43}=»`,
      `Server=tcp:db.example,1433;User ID=svc;Password=«${B62}{12}#${NUM}{2}»;Encrypt=True`,
      `aws_secret_access_key = «[a-zA-Z0-9+/]{39}7»`,
      `GET /c/f?sv=2024-11-04&sr=b&sig=«[a-zA-Z0-9]{40}9%3D»`,
      `SNOWFLAKE_PASSWORD: '«${B62}{14}${NUM}»'`,
      `curl -u svc:«${B62}{10}${NUM}{2}» https://h.example`,
      `client_secret="«${B62}{39}7»"`,
    ],
    ['password: required', 'api_key = os.environ["KEY"]', 'token: string', 'secret=${SECRET}', 'the password is too short: 12345', 'auth_token: null', 'signature: ok', '-u 1000:1000', 'access_key=<your key>', `primary_key=${HEX}{32}`, `session=${NUM}{6}`],
  ],
  [
    'private_key',
    ['RSA ', 'EC ', 'DSA ', 'OPENSSH ', 'ENCRYPTED ', ''].map((kind) => `«-----BEGIN ${kind}PRIVATE KEY-----\n[a-zA-Z0-9+/]{64}\n[a-zA-Z0-9+/]{64}\n[a-zA-Z0-9+/]{22}==\n-----END ${kind}PRIVATE KEY-----»`).concat(
      '«-----BEGIN PGP PRIVATE KEY BLOCK-----\n\n[a-zA-Z0-9+/]{64}\n[a-zA-Z0-9+/]{40}\n=[a-zA-Z0-9]{4}\n-----END PGP PRIVATE KEY BLOCK-----»',
      '"private_key": "«-----BEGIN PRIVATE KEY-----\\n[a-zA-Z0-9+/]{64}\\n[a-zA-Z0-9+/]{30}\\n-----END PRIVATE KEY-----»\\n"',
    ),
    ['-----BEGIN CERTIFICATE-----\n[a-zA-Z0-9+/]{64}\n-----END CERTIFICATE-----', '-----BEGIN PUBLIC KEY-----\n[a-zA-Z0-9+/]{64}\n-----END PUBLIC KEY-----'],
  ],
  [
    'jwt',
    [`«eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOi${B64URL}{40,120}a.${B64URL}{42}a»`, `«eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOi${B64URL}{60}a.${B64URL}{340}a»`, `«eyJhbGciOiJSU0EtT0FFUCIsImVuYyI6IkEyNTZHQ00ifQ.${B64URL}{60}a.${B64URL}{16}.${B64URL}{50}a.${B64URL}{21}a»`],
    [`eyJhIjoxfQ`, `eyJ2ZXJzaW9uIjoz${B62}{30}`],
  ],
  [
    'url_password',
    [`postgres://app:«${B62}{12}»@db.example:5432/core`, `amqps://svc:«${B62}{8}!${NUM}{2}»@mq.example/v1`, `https://user:«${B62}{16}»@git.example/repo.git`, `mongodb+srv://app:«${B62}{14}»@c0.example/db?w=1`, `redis://:«${B62}{20}»@cache.example:6379/0`],
    ['https://h.example:8080/path', 'postgres://db.example:5432/core', 'https://user:${PASSWORD}@h.example/', 'mailto:ann', 'ssh://git@h.example:22/repo'],
  ],
]; // prettier-ignore
