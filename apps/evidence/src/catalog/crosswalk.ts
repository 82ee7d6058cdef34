/** Which selected NIST controls, CSF 2.0 subcategories and AI 600-1 actions rest on the same examination. Identifiers only. */
export interface CrosswalkRow {
  readonly ffiec: string;
  readonly nist: string;
  readonly csf: string;
  readonly ai600: string;
}

export const CROSSWALK: readonly CrosswalkRow[] = [
  { ffiec: 'IS Obj 6.6', nist: 'AC-04, SA-09', csf: 'ID.AM-03, ID.AM-04', ai600: 'GV-1.6-001, GV-1.6-003' },
  { ffiec: 'IS Obj 6.8.c', nist: 'AC-02', csf: 'PR.AA-05', ai600: '' },
  { ffiec: 'IS Obj 6.8.d', nist: 'AC-03(02), AC-05', csf: 'PR.AA-05, GV.RR-02', ai600: 'MS-4.2-004' },
  { ffiec: 'IS Obj 6.10', nist: 'SC-07', csf: 'PR.IR-01, DE.CM-01', ai600: '' },
  { ffiec: 'IS Obj 6.11', nist: 'CM-03, CM-05', csf: 'PR.PS-01, ID.RA-07', ai600: '' },
  { ffiec: 'IS Obj 6.18', nist: 'AC-04, SC-28, SI-15', csf: 'PR.DS-01, PR.DS-02, PR.DS-10', ai600: 'MP-4.1-001, MG-3.2-005' },
  { ffiec: 'IS Obj 6.20', nist: 'IA-02, IA-09, AU-10', csf: 'PR.AA-01, PR.AA-03, PR.AA-04', ai600: '' },
  { ffiec: 'IS Obj 6.27.a', nist: 'AU-02, AU-12', csf: 'PR.PS-04', ai600: 'MS-2.8-003' },
  { ffiec: 'IS Obj 6.31', nist: 'SA-09', csf: 'GV.SC-05, GV.SC-07, DE.CM-06', ai600: 'GV-6.1-007, GV-6.2-004' },
  { ffiec: 'IS Obj 6.35', nist: 'AU-03, AU-08, AU-09, AU-09(03), AU-11', csf: 'PR.PS-04, RS.AN-06, RS.AN-07', ai600: 'MS-2.8-003' },
  { ffiec: 'IS Obj 7.4', nist: 'AU-06', csf: 'GV.OV-03', ai600: 'MS-2.7-004' },
  { ffiec: 'IS Obj 8.4.f', nist: 'AU-09, SI-04', csf: 'DE.CM-03, DE.AE-02, DE.AE-03', ai600: 'MS-2.7-004' },
  { ffiec: 'AIO Obj 13.6.i', nist: 'AC-03, AC-24, SC-07, SI-10', csf: 'PR.AA-05, DE.CM-09', ai600: 'MG-3.1-001' },
  { ffiec: 'AIO Obj 15.7', nist: 'AU-02, AU-06, AU-11', csf: 'PR.PS-04', ai600: '' },
  { ffiec: 'DA&M Obj 4.9', nist: 'AC-03, AC-24, SI-10', csf: 'PR.AA-05', ai600: 'MS-2.8-001' },
  { ffiec: 'DA&M Obj 14', nist: 'CM-03', csf: 'PR.PS-01', ai600: '' },
  { ffiec: 'Audit Obj 9.4', nist: 'AU-07', csf: 'GV.OV-03', ai600: 'GV-1.5-003' },
];
