export declare function makeCertificates(directory: string): {
  readonly ca: string;
  readonly keystore: string;
  readonly truststore: string;
};
