// Configuration of ours in the load tests: eight kinds of values masked both ways, tool calls inspected.
export const benchConfig = (upstream, keyFile) => `institution: Bench Bank
server: { gateway_port: 0, console_port: 0, issuer_port: 0 }
identity: { development_issuer: true }
connections:
  - name: bench
    protocol: anthropic
    upstream: ${upstream}
    credential: { file: ${keyFile} }
    allow: [ group:engineering ]
policies:
  - name: customer-data
    detect: [ us_ssn, credit_card, us_aba_routing, us_bank_account, iban, email, phone, secret ]
    request: mask
    response: mask
  - name: destructive-sql
    when: { tool_input: '(?i)\\bdrop\\s+(table|database)\\b' }
    action: hold
    approvers: { group: data-owners, quorum: 1, not: requester, expires: 15m }
ledger:
  auditors: [ auditors ]
`;
